"""Exit statuses of the programs that files are given to: an end of their own, or a kill."""

import signal

SHELL_SIGNAL_OFFSET = 128  # a shell ends with this and the signal's number when what it ran was killed
# Those that end a program without its doing: other exit statuses from 128 on are ffmpeg's own errors.
KILLING_SIGNALS = (
    *(signal.SIGILL, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM),
    *(signal.SIGXCPU, signal.SIGXFSZ, signal.SIGSYS),
)
SHELL_EXIT_STATUSES = {SHELL_SIGNAL_OFFSET + number for number in KILLING_SIGNALS}


class ProgramStopped(Exception):
    """A program was killed, or took too long: nothing is known about its file. The message is a sentence's part."""


def require_exit(name: str, exit_status: int) -> None:
    """Raise ProgramStopped if a program was killed, as the kernel does with one when memory is short."""
    if exit_status < 0 or exit_status in SHELL_EXIT_STATUSES:
        raise ProgramStopped(f"{name} was {describe_kill(exit_status)}")


def describe_kill(exit_status: int) -> str:
    """Return "killed by SIGKILL" for the exit status -9 or 137."""
    number = -exit_status if exit_status < 0 else exit_status - SHELL_SIGNAL_OFFSET
    try:
        return f"killed by {signal.Signals(number).name}"
    except ValueError:  # a real-time signal has no name
        return f"killed by signal {number}"
