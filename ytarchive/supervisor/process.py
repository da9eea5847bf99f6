"""Managed processes: each in its own session, killed with its parent or when frozen, restarted with backoff."""

import contextlib
import functools
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import IO, Protocol

from django.conf import settings

from downloads.liveness.heartbeat import MissedHeartbeatCounter
from downloads.parent_death import kill_when_parent_dies
from ytarchive.supervisor.watchdog import HeartbeatSource

INITIAL_RESTART_DELAY_SECONDS = 0.5
STABLE_AFTER_SECONDS = 60.0  # an exit after this long resets the backoff


class RunningProcess(Protocol):
    """Process as a supervisor uses it; see subprocess.Popen."""

    pid: int

    def poll(self) -> int | None:
        """Return the exit status, negative for a signal; None while the process runs."""

    def wait(self, timeout: float) -> int:
        """Wait for the end."""

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the process has ended."""


class ManagedProcess:
    """A command, its running process, and the time of its next start after an exit.

    `pass_fds` are inherited, `env` is the whole environment, `log_path` gets the output instead of the terminal, and
    `grace_seconds` is the time from `request_stop` until the process should be killed. Without a sign of life in
    `heartbeat` for WATCHDOG_SECONDS it is frozen. Start it from the main thread only, since the kernel sends the
    parent-death signal when the thread that forked ends (prctl(2)).
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
        heartbeat: HeartbeatSource | None = None,
    ) -> None:
        self.name = name
        self.command = command
        self.env = env
        self.pass_fds = pass_fds
        self.log_path = log_path
        self.grace_seconds = grace_seconds
        self.max_restart_delay = max_restart_delay
        self.process: RunningProcess | None = None
        self.restart_at: float | None = None
        self.early_exits = 0
        self.exit_status: int | None = None  # of the last process
        self.is_stop_requested = False
        self.is_frozen = False
        self.heartbeat = heartbeat
        self.missed_heartbeats = MissedHeartbeatCounter(settings.WATCHDOG_SECONDS)
        self._started_at = time.monotonic()

    @property
    def is_running(self) -> bool:
        """Return True from `start` until `reap` returns the exit status."""
        return self.process is not None

    def prepare(self) -> None:
        """Do what can be done before the first start."""

    def start(self) -> None:
        """Start the process."""
        self.restart_at = None
        self._started_at = time.monotonic()
        self.exit_status, self.is_stop_requested, self.is_frozen = None, False, False
        heartbeat_fd = 0
        if self.heartbeat:
            heartbeat_fd = self.heartbeat.fd
            self.heartbeat.reset()
        self.missed_heartbeats.reset()
        env = {**(os.environ if self.env is None else self.env), "YTARCHIVE_HEARTBEAT_FD": str(heartbeat_fd)}
        fds = (*self.pass_fds, *([heartbeat_fd] if heartbeat_fd else []))
        with contextlib.ExitStack() as files:
            output = files.enter_context(self.log_path.open("wb")) if self.log_path else None
            self.process = self._launch(env, fds, output)

    def _launch(self, env: dict[str, str], fds: tuple[int, ...], output: IO[bytes] | None) -> RunningProcess:
        return subprocess.Popen(
            self.command,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=fds,
            start_new_session=True,
            preexec_fn=functools.partial(kill_when_parent_dies, os.getpid()),  # noqa: PLW1509  we have one thread
        )

    def reap(self) -> int | None:
        """Return the exit status (negative: a signal's number) if the process has ended since the last call."""
        if self.process is None or (status := self.process.poll()) is None:
            return None
        self.process = None
        self.exit_status = status
        return status

    def kill_if_frozen(self) -> None:
        """Kill the process group if it has given no sign of life for too long."""
        if (
            self.process is None
            or self.heartbeat is None
            or not self.missed_heartbeats.poll(self.heartbeat.has_new_beat)
        ):
            return
        self.is_frozen = True
        self.kill()

    def describe_exit(self) -> str:
        """Return how the last process ended, as text."""
        if self.is_frozen:
            return f"no sign of life for {self.missed_heartbeats.timeout_seconds:g} s: killed"
        return describe_exit_status(self.exit_status or 0)

    def schedule_restart(self) -> float:
        """Schedule the next start after an unexpected exit; return the delay in seconds."""
        uptime_seconds = time.monotonic() - self._started_at
        self.early_exits = 1 if uptime_seconds >= STABLE_AFTER_SECONDS else self.early_exits + 1
        delay: float = min(INITIAL_RESTART_DELAY_SECONDS * 2 ** (self.early_exits - 1), self.max_restart_delay)
        self.restart_at = time.monotonic() + delay
        return delay

    def request_stop(self) -> None:
        """Send SIGTERM, and cancel a scheduled restart."""
        self.restart_at = None
        self.is_stop_requested = True
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL to the process group."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def last_log_line(self) -> str:
        """Return the last line of the log, "" if there is none."""
        if self.log_path is None:
            return ""
        lines = self.log_path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else ""


def describe_exit_status(exit_status: int) -> str:
    """Return the exit status as text: "exit status 1", or a signal's name."""
    if exit_status >= 0:
        return f"exit status {exit_status}"
    try:
        return signal.Signals(-exit_status).name
    except ValueError:
        return f"signal {-exit_status}"
