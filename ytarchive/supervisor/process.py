"""One process of the stack: in a session of its own, gone when its parent is, restarted with growing delay."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

FIRST_DELAY = 0.5
STEADY = 60.0  # seconds after which a process counts as one that works
PR_SET_PDEATHSIG = 1

# Loaded before any fork: a forked child may not load libraries.
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with(parent: int) -> Callable[[], None]:
    """Return what a child runs before its program: the kernel kills it when its parent ends, however that ends."""

    def bind() -> None:
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:  # the parent ended before the line above
                os._exit(1)

    return bind


class Part:
    """A command, its process, and when it is due again after it died.

    `fds` are inherited, `env` is the process' whole environment, `log` takes its output instead of the terminal;
    `grace` is how many seconds it has to end by itself. Start it from the main thread only: the kernel takes
    the end of the thread that started a process for the end of its parent.
    """

    def __init__(
        self,
        name: str,
        command: list[str],
        *,
        env: dict[str, str] | None = None,
        fds: tuple[int, ...] = (),
        log: Path | None = None,
        grace: float = 2.0,
        longest_delay: float = 30.0,
    ) -> None:
        self.name = name
        self.command = command
        self.env = env
        self.fds = fds
        self.log = log
        self.grace = grace
        self.longest_delay = longest_delay
        self.process: subprocess.Popen[bytes] | None = None
        self.due: float | None = None
        self.early_ends = 0
        self._started_at = time.monotonic()

    @property
    def running(self) -> bool:
        return self.process is not None

    def start(self) -> None:
        self.due = None
        self._started_at = time.monotonic()
        with contextlib.ExitStack() as files:
            output = files.enter_context(self.log.open("wb")) if self.log else None
            self.process = subprocess.Popen(
                self.command,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=self.fds,
                start_new_session=True,
                preexec_fn=_die_with(os.getpid()),  # noqa: PLW1509  no other way, and we have one thread
            )

    def reap(self) -> int | None:
        """Return the exit status (negative: a signal's number) when the process has ended since the last call."""
        if self.process is None or (status := self.process.poll()) is None:
            return None
        self.process = None
        return status

    def put_off(self) -> float:
        """Plan the next start after an unwanted end; return the delay in seconds."""
        lived = time.monotonic() - self._started_at
        self.early_ends = 1 if lived >= STEADY else self.early_ends + 1
        delay: float = min(FIRST_DELAY * 2 ** (self.early_ends - 1), self.longest_delay)
        self.due = time.monotonic() + delay
        return delay

    def ask_to_stop(self) -> None:
        """Order the end; a part that waits for its next start is called off."""
        self.due = None
        if self.process is not None:
            self.process.terminate()

    def kill(self) -> None:
        """End the process and what it started in its group, at once."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def last_words(self) -> str:
        """Return the last line of the part's log, if it has one."""
        if self.log is None:
            return ""
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else ""


def in_words(status: int) -> str:
    """Say how a process ended."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"
