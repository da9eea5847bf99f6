"""One process of the stack: in a session of its own, gone when its parent is, restarted with growing delay."""

import contextlib
import functools
import os
import signal
import subprocess
import time
from pathlib import Path

from downloads.parent_death import kill_when_parent_dies

INITIAL_RESTART_DELAY_SECONDS = 0.5
STABLE_AFTER_SECONDS = 60.0  # seconds after which a process counts as one that works


class ManagedProcess:
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
        pass_fds: tuple[int, ...] = (),
        log_path: Path | None = None,
        grace_seconds: float = 2.0,
        max_restart_delay: float = 30.0,
    ) -> None:
        self.name = name
        self.command = command
        self.env = env
        self.pass_fds = pass_fds
        self.log_path = log_path
        self.grace_seconds = grace_seconds
        self.max_restart_delay = max_restart_delay
        self.process: subprocess.Popen[bytes] | None = None
        self.restart_at: float | None = None
        self.early_exits = 0
        self._started_at = time.monotonic()

    @property
    def is_running(self) -> bool:
        return self.process is not None

    def start(self) -> None:
        self.restart_at = None
        self._started_at = time.monotonic()
        with contextlib.ExitStack() as files:
            output = files.enter_context(self.log_path.open("wb")) if self.log_path else None
            self.process = subprocess.Popen(
                self.command,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=self.pass_fds,
                start_new_session=True,
                preexec_fn=functools.partial(kill_when_parent_dies, os.getpid()),  # noqa: PLW1509  we have one thread
            )

    def reap(self) -> int | None:
        """Return the exit status (negative: a signal's number) when the process has ended since the last call."""
        if self.process is None or (status := self.process.poll()) is None:
            return None
        self.process = None
        return status

    def schedule_restart(self) -> float:
        """Plan the next start after an unwanted end; return the delay in seconds."""
        lived = time.monotonic() - self._started_at
        self.early_exits = 1 if lived >= STABLE_AFTER_SECONDS else self.early_exits + 1
        delay: float = min(INITIAL_RESTART_DELAY_SECONDS * 2 ** (self.early_exits - 1), self.max_restart_delay)
        self.restart_at = time.monotonic() + delay
        return delay

    def request_stop(self) -> None:
        """Order the end; a part that waits for its next start is called off."""
        self.restart_at = None
        if self.process is not None:
            self.process.terminate()

    def kill(self) -> None:
        """End the process and what it started in its group, at once."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def last_log_line(self) -> str:
        """Return the last line of the part's log, if it has one."""
        if self.log_path is None:
            return ""
        lines = self.log_path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else ""


def describe_exit_status(exit_status: int) -> str:
    """Say how a process ended."""
    if exit_status >= 0:
        return f"exit status {exit_status}"
    try:
        return signal.Signals(-exit_status).name
    except ValueError:
        return f"signal {-exit_status}"
