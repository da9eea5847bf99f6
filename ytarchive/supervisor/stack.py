"""Supervisor of one machine's processes: it starts, monitors, restarts and stops them in order."""

import contextlib
import fcntl
import logging
import os
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from types import FrameType

from django.conf import settings

from downloads.forked_process import handled_signals
from ytarchive.supervisor import readiness
from ytarchive.supervisor.listener import HttpReadinessProbe, is_loopback, local_url
from ytarchive.supervisor.preparation import PreparationProcess
from ytarchive.supervisor.process import ManagedProcess
from ytarchive.supervisor.redis_process import RedisProcess
from ytarchive.supervisor.startup import StartupError, WriteLine

logger = logging.getLogger(__name__)

READINESS_POLL_SECONDS = 0.05
READY_TIMEOUT_SECONDS = 120.0
REDIS_START_TIMEOUT_SECONDS = 60.0  # loading a large append-only file takes a while
MAX_EARLY_EXITS = 3  # of one process, before the stack has been ready


def manage_command(*arguments: str) -> list[str]:
    """Return the command line of a `manage.py` command."""
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]


def build_child_environment(listener: socket.socket) -> dict[str, str]:
    """Return the environment of the processes.

    It makes the archive private if it is reachable from other machines and YTARCHIVE_PRIVATE is unset.
    """
    env = dict(os.environ)
    if not is_loopback(listener) and not env.get("YTARCHIVE_PRIVATE", "").strip():
        env["YTARCHIVE_PRIVATE"] = "1"
    return env


@contextlib.contextmanager
def single_instance_lock() -> Iterator[None]:
    """Lock the data folder against a second stack; raise StartupError if one holds the lock."""
    with (settings.DATA / "up.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StartupError(
                f"ytarchive is already running with {settings.DATA}. Stop it, or set YTARCHIVE_DATA to another folder."
            ) from error
        yield


class Stack:
    """The processes of one machine: Redis (unless it is external), web, bridge and workers.

    `front_processes` (web and workers) stop first, then `bridge_processes`, then `redis_process`. A process that
    exits with `reload_exit_status` requests a restart of all but Redis.
    """

    def __init__(
        self,
        listener: socket.socket,
        front_processes: list[ManagedProcess],
        bridge_processes: list[ManagedProcess],
        redis_process: RedisProcess | None,
        write_line: WriteLine,
        reload_exit_status: int | None = None,
    ) -> None:
        self.listener = listener
        self.front_processes = front_processes
        self.bridge_processes = bridge_processes
        self.redis_process = redis_process
        self.write_line = write_line
        self.reload_exit_status = reload_exit_status
        self.is_ready = False
        self._closing_line = ""  # how to sign in as an admin that was created
        self.is_stopping = False
        self._readiness_probe = HttpReadinessProbe(listener)
        self._is_supervising = False
        self._selector = selectors.DefaultSelector()

    # Lifecycle -------------------------------------------------------------------------------

    def run(self) -> None:
        """Start all processes, supervise them until SIGINT, SIGTERM or SIGHUP, and stop them; raise StartupError."""
        with self._signal_wakeup():
            try:
                self._start_all()
                self._supervise()
            except KeyboardInterrupt:
                pass  # raised by _on_stop_signal during the preparations
            finally:
                self._stop_all()

    def _start_all(self) -> None:
        for process in self._processes():
            process.prepare()
        with PreparationProcess(self.write_line) as preparation:
            preparation.check_folders()
            if self.redis_process:
                self.redis_process.start()
            elif self.bridge_processes:
                readiness.require_external_redis()
            self._closing_line = preparation.prepare_all()
        if self.redis_process:
            self._wait_for_redis(self.redis_process)
            readiness.clear_stale_keys()
        for process in [*self.front_processes, *self.bridge_processes]:
            process.start()

    def _wait_for_redis(self, process: RedisProcess) -> None:
        deadline = time.monotonic() + REDIS_START_TIMEOUT_SECONDS
        while not readiness.is_redis_up():
            if process.reap() is not None:
                if not process.recover_from_damage():
                    reason = process.failure_reason()
                    raise StartupError(f"The embedded Redis-compatible server does not start: {reason}")
                process.start()
            if time.monotonic() > deadline:
                raise StartupError("The embedded Redis-compatible server does not answer.")
            self._sleep_until_signal(READINESS_POLL_SECONDS)
        process.confirm_answer()

    def _supervise(self) -> None:
        self._is_supervising = True
        deadline = time.monotonic() + READY_TIMEOUT_SECONDS
        while not self.is_stopping:
            self._check_processes()
            if not self.is_ready:
                self._check_readiness(deadline)
            self._sleep_until_signal(self._sleep_seconds())

    def _stop_all(self) -> None:
        self._is_supervising = self.is_stopping = True
        self._readiness_probe.close()
        self._stop_processes(self.front_processes)
        self._stop_processes(self.bridge_processes)
        self._stop_processes([self.redis_process] if self.redis_process else [])

    def _processes(self) -> list[ManagedProcess]:
        return [*self.front_processes, *self.bridge_processes, *([self.redis_process] if self.redis_process else [])]

    # Supervision -----------------------------------------------------------------------------

    def _check_processes(self) -> None:
        """Schedule a restart of processes that have exited or are frozen, and start those that are due."""
        if self.redis_process and self.redis_process.awaits_answer and readiness.is_redis_up():
            self.redis_process.confirm_answer()
        for process in self._processes():
            process.kill_if_frozen()
            if (status := process.reap()) is not None:
                if status == self.reload_exit_status:
                    self._reload_processes()
                    return
                self._schedule_restart(process)
            elif process.restart_at is not None and process.restart_at <= time.monotonic():
                process.start()

    def _schedule_restart(self, process: ManagedProcess) -> None:
        delay, description = process.schedule_restart(), process.describe_exit()
        if not self.is_ready and process.early_exits >= MAX_EARLY_EXITS and self.reload_exit_status is None:
            raise StartupError(f"The part “{process.name}” does not start ({description}): its own lines are above.")
        logger.warning("%s ended (%s), restarting in %g s", process.name, description, delay)

    def _reload_processes(self) -> None:
        """Restart all processes but Redis."""
        self._stop_processes(self.front_processes)
        self._stop_processes(self.bridge_processes)
        for process in [*self.front_processes, *self.bridge_processes]:
            process.early_exits = 0
            if not self.is_stopping:
                process.start()

    def _check_readiness(self, deadline: float) -> None:
        unmet = self._unmet_conditions()
        if not unmet:
            self.is_ready = True
            self.write_line(f"Ready on {local_url(self.listener)}")
            if self._closing_line:
                self.write_line(self._closing_line)
        elif time.monotonic() > deadline and self.reload_exit_status is None:
            raise StartupError(f"Not ready after {READY_TIMEOUT_SECONDS:.0f} s: {', '.join(unmet)}.")

    def _unmet_conditions(self) -> list[str]:
        """Return the messages of the readiness checks that fail."""
        checks = {"no page is answered": self._readiness_probe.poll}
        if self.bridge_processes:
            checks |= {"no bridge leads": readiness.is_bridge_leading, "no worker claims": readiness.is_worker_claiming}
        return [message for message, check in checks.items() if not check()]

    def _sleep_seconds(self) -> float | None:
        """Return the seconds until the next poll, restart or check for a heartbeat, None to sleep until a signal."""
        if not self.is_ready or (self.redis_process and self.redis_process.awaits_answer):
            return READINESS_POLL_SECONDS
        processes = self._processes()
        times = [process.restart_at for process in processes if process.restart_at is not None]
        times += [
            process.missed_heartbeats.next_check_at for process in processes if process.is_running and process.heartbeat
        ]
        return max(0.0, min(times) - time.monotonic()) if times else None

    # Stopping ----------------------------------------------------------------------------------

    def _stop_processes(self, processes: list[ManagedProcess]) -> None:
        """Stop the processes by SIGTERM, after their grace time by SIGKILL; return when they have ended."""
        deadline = time.monotonic() + max((process.grace_seconds for process in processes), default=0)
        for process in processes:
            process.request_stop()
        while self._running_processes(processes) and time.monotonic() < deadline:
            self._sleep_until_signal(max(0.0, deadline - time.monotonic()))
        for process in self._running_processes(processes):
            logger.warning("%s did not stop within %g s, killing it", process.name, process.grace_seconds)
            process.kill()
        while self._running_processes(processes):
            self._sleep_until_signal(None)

    @staticmethod
    def _running_processes(processes: list[ManagedProcess]) -> list[ManagedProcess]:
        for process in processes:
            process.reap()
        return [process for process in processes if process.is_running]

    # Signals -------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _signal_wakeup(self) -> Iterator[None]:
        """Have SIGCHLD and stop signals end `_sleep_until_signal`, also those that arrive before it sleeps."""
        with self._selector, handled_signals(self._on_stop_signal) as receiver:
            self._selector.register(receiver, selectors.EVENT_READ)
            yield

    def _on_stop_signal(self, _number: int, _frame: FrameType | None) -> None:
        if not self.is_stopping and not self._is_supervising:
            self.is_stopping = True
            raise KeyboardInterrupt
        self.is_stopping = True

    def _sleep_until_signal(self, seconds: float | None) -> None:
        for key, _ in self._selector.select(seconds):
            with contextlib.suppress(BlockingIOError):
                while key.fileobj.recv(1024):  # type: ignore[union-attr]
                    pass
