"""Forked processes, which go on with the memory of their parent, where a new interpreter would load its own.

Signals of the processes that fork are here too: handled by them, reset in a child, and kept where they are ignored.
"""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import NoReturn

from downloads.parent_death import kill_when_parent_dies

OPEN_FILES = Path("/proc/self/fd")
IS_SUPPORTED = sys.platform == "linux"  # macOS' own libraries may not be used after a fork
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Their handlers belong to the parent, as does the order to stop of a signal that arrives before they are reset.
RESET_SIGNALS = (*STOP_SIGNALS, signal.SIGCHLD)
REPARENTING_POLL_SECONDS = 0.001
WAIT_POLL_SECONDS = 0.01


class ForkedProcess:
    """A child of this process, with the methods of subprocess.Popen that are used."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit status, negative for a signal; None while the process runs."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; raise subprocess.TimeoutExpired after so many seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (status := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(str(self.pid), deadline)
            time.sleep(WAIT_POLL_SECONDS)
        return status

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Send SIGKILL, unless the process has ended."""
        self.send_signal(signal.SIGKILL)


def fork(run: Callable[[], int]) -> ForkedProcess:
    """Fork a child that leads a session, dies with this process, and ends with what `run` returns. One thread may."""
    sys.stdout.flush()
    sys.stderr.flush()
    parent_pid = os.getpid()
    with blocked_signals():
        pid = os.fork()
        if not pid:
            _run_child(run, parent_pid)
    return ForkedProcess(pid)


def fork_for(adoptive_pid: int, run: Callable[[], int]) -> bytes:
    """Fork a child as `fork` does, but for another process; return its process id, b"" if it cannot be forked.

    The other process is an ancestor and a subreaper (PR_SET_CHILD_SUBREAPER, prctl(2)): this one forks twice, and the
    first child ends at once, so that the kernel makes the subreaper the parent of the second. Returns when it is.
    """
    read_fd, write_fd = os.pipe()
    intermediate_pid = os.fork()
    if not intermediate_pid:
        os.close(read_fd)
        _fork_again(write_fd, adoptive_pid, run)
    os.close(write_fd)
    with os.fdopen(read_fd, "rb") as answer:
        os.waitpid(intermediate_pid, 0)
        return answer.read()


def _fork_again(answer_fd: int, adoptive_pid: int, run: Callable[[], int]) -> NoReturn:
    status = 1
    try:
        intermediate_pid = os.getpid()
        if child_pid := os.fork():
            os.write(answer_fd, str(child_pid).encode())
            status = 0
        else:
            os.close(answer_fd)
            while os.getppid() == intermediate_pid:
                time.sleep(REPARENTING_POLL_SECONDS)
            _run_child(run, adoptive_pid)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _run_child(run: Callable[[], int], parent_pid: int) -> NoReturn:
    status = 1
    try:
        os.setsid()
        kill_when_parent_dies(parent_pid)
        reset_signals()
        status = run()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


@contextlib.contextmanager
def blocked_signals() -> Iterator[None]:
    """Hold signals back during a fork, for the parent's handlers; the child calls `reset_signals`."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, RESET_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def reset_signals() -> None:
    """Give signals the meaning they have in a new interpreter, and let them in; what was ignored stays ignored."""
    signal.set_wakeup_fd(-1)
    for number in RESET_SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, RESET_SIGNALS)


@contextlib.contextmanager
def handled_signals(on_stop_signal: Callable[[int, FrameType | None], None]) -> Iterator[socket.socket]:
    """Handle signals to stop by `on_stop_signal`; yield a socket that can be read after each, and after SIGCHLD."""
    receiver, sender = socket.socketpair()
    with receiver, sender:
        receiver.setblocking(False)
        sender.setblocking(False)
        signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _ignore_signal)
        for number in STOP_SIGNALS:
            # nohup ignores SIGHUP, and that is kept.
            if not (number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN):
                signal.signal(number, on_stop_signal)
        try:
            yield receiver
        finally:
            signal.set_wakeup_fd(-1)


def _ignore_signal(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: a signal needs a Python handler to write to the wake-up descriptor."""


def redirect_files_to_devnull(kept: Collection[int]) -> None:
    """Redirect all inherited descriptors to /dev/null, except standard output, standard error and `kept`.

    Were they closed, their numbers would be used again, and objects of the parent would close what is not theirs as
    they are deleted.
    """
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    for path in list(OPEN_FILES.iterdir()):
        fd = int(path.name)
        if fd > 2 and fd != null and fd not in kept:
            with contextlib.suppress(OSError):  # that of the listing itself
                os.fstat(fd)
                os.dup2(null, fd, inheritable=False)
    os.close(null)


def replace_environment(env: Mapping[str, str]) -> None:
    """Make these the environment variables of this process."""
    os.environ.clear()
    os.environ.update(env)


def trim_heap() -> None:
    """Join free pieces of memory and give them back, where glibc can: a child that used them would copy pages."""
    with contextlib.suppress(AttributeError):  # musl has no malloc_trim
        ctypes.CDLL(None).malloc_trim(0)


def run_to_exit_status(function: Callable[[], object]) -> int:
    """Run the function, wait for its threads, and return what the interpreter would exit with."""
    try:
        function()
    except SystemExit as error:
        if isinstance(error.code, int) or error.code is None:
            return error.code or 0
        sys.stderr.write(f"{error.code}\n")
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        # As the interpreter does before it ends, and multiprocessing in its forked processes.
        threading._shutdown()  # type: ignore[attr-defined]
        sys.stdout.flush()
        sys.stderr.flush()
    return 0
