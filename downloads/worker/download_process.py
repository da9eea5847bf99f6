"""The supervisor's handles of its children: their process group, a pipe each way, and the newest progress."""

import contextlib
import json
import os
import signal
import time
from typing import Any

from django.conf import settings

from downloads.files import ffmpeg
from downloads.liveness.heartbeat import MissedHeartbeatCounter
from downloads.models import LEASE_DURATION, Video
from downloads.worker.processes.launcher import Launcher

# Less than child.CONTROL_TIMEOUT_SECONDS, which is less than the lease: first the supervisor stops the child,
# then the child kills itself, and only then may another worker claim the video.
LEASE_OVERDUE_SECONDS = LEASE_DURATION.total_seconds() * 0.9
GRACE_PERIOD_SECONDS = 0.5  # between SIGTERM and SIGKILL
PERSISTED_PROGRESS_FIELDS = ("percent", "downloaded_bytes", "total_bytes", "phase")
MAX_READ_BYTES = 64 * 1024


class ChildProcess:
    """A child process, started by the constructor with its job. Its pipes are non-blocking.

    `rate` is its limit in bytes per second, 0 for none.
    """

    _has_new_beat = _is_frozen = False

    def __init__(self, job: dict[str, Any], rate: int, launcher: Launcher) -> None:
        self._rate = rate
        self.latest_progress: dict[str, Any] = {}
        self.lease_renewed_at = time.monotonic()
        self._stop_requested_at: float | None = None
        self._partial_line = b""
        self._exit_reason: str | None = None
        self._missed_heartbeats = MissedHeartbeatCounter(settings.WATCHDOG_SECONDS)
        self._process = launcher.start()
        self._write_control(json.dumps({**job, "rate": rate}).encode() + b"\n")

    def fileno(self) -> int:
        """Return the file descriptor of the progress pipe, for a selector."""
        return self._process.progress_fd

    @property
    def is_stopping(self) -> bool:
        return self._stop_requested_at is not None

    def read_progress(self) -> bool:
        """Read the newest progress from the pipe; False at its end."""
        try:
            data = os.read(self.fileno(), MAX_READ_BYTES)
        except BlockingIOError:
            return True
        *lines, self._partial_line = (self._partial_line + data).split(b"\n")
        self._has_new_beat |= bool(lines)
        if lines := [line for line in lines if line]:
            self.take_state(json.loads(lines[-1]))
        return bool(data)

    def take_state(self, state: dict[str, Any]) -> None:
        """Keep the newest progress."""
        self.latest_progress = {name: state[name] for name in PERSISTED_PROGRESS_FIELDS if name in state}

    def set_rate_limit(self, rate: int) -> None:
        """Limit the download to `rate` bytes per second; 0 lifts the limit."""
        if rate != self._rate:
            self._rate = rate
            self._write_control(b"%d\n" % rate)

    def extend_lease(self) -> bool:
        """Renew the lease in the database; False if it is lost."""
        raise NotImplementedError

    def renew_lease(self) -> None:
        """Renew the lease, and tell the child to go on. Raises database errors."""
        if self.extend_lease():
            self.lease_renewed_at = time.monotonic()
            self._write_control(b".")

    def is_lease_overdue(self) -> bool:
        """Return True when the lease is about to expire, so that another worker may soon claim the video."""
        return time.monotonic() - self.lease_renewed_at > LEASE_OVERDUE_SECONDS

    def request_stop(self) -> None:
        """Send SIGTERM to the process group, once; `kill_if_overdue` follows up."""
        if self._exit_reason is None and not self.is_stopping:
            self._stop_requested_at = time.monotonic()
            self._process.signal_group(signal.SIGTERM)

    def kill_if_overdue(self) -> None:
        """Send SIGKILL to a group that is frozen, or has not ended within GRACE_PERIOD_SECONDS of the request."""
        if self._exit_reason is None and not self.is_stopping and self._missed_heartbeats.poll(self._take_beat):
            self._is_frozen = True
            self._process.signal_group(signal.SIGKILL)
        if (
            self._exit_reason is None
            and self._stop_requested_at is not None
            and time.monotonic() - self._stop_requested_at > GRACE_PERIOD_SECONDS
        ):
            self._process.signal_group(signal.SIGKILL)

    def kill(self) -> None:
        """Send SIGKILL to the process group, and wait for the process."""
        self._process.signal_group(signal.SIGKILL)
        self._process.wait()

    def _take_beat(self) -> bool:
        """Return whether the process has written since the last call."""
        has_new_beat, self._has_new_beat = self._has_new_beat, False
        return has_new_beat

    def reap(self) -> str | None:
        """Kill what is left of the group of a process that ended, and return the exit reason.

        "" for success, such as "killed by SIGKILL" otherwise; None while the process runs. A frozen one was killed.
        """
        if self._exit_reason is None and self._process.has_exited():
            # WNOWAIT has left it a zombie, so its pid, which is the group's id, cannot have been reused.
            self._process.signal_group(signal.SIGKILL)
            exit_status = self._process.wait()
            frozen_reason = f"no sign of life for {settings.WATCHDOG_SECONDS} s"
            self._exit_reason = frozen_reason if self._is_frozen else describe_exit(exit_status)
        return self._exit_reason

    def close_pipes(self) -> None:
        """Close the pipes of a process that has ended."""
        self._process.close_pipes()

    def _write_control(self, data: bytes) -> None:
        # A full or broken pipe means that the child hangs or is gone; lease and exit status deal with both.
        with contextlib.suppress(OSError):
            os.write(self._process.control_fd, data)


class DownloadProcess(ChildProcess):
    """The child process of one download."""

    def __init__(self, video: Video, rate: int, launcher: Launcher) -> None:
        self.video = video
        job = {"video_id": video.video_id, "lease_token": video.lease_token}
        super().__init__({"job": job}, rate, launcher)

    def extend_lease(self) -> bool:
        """Renew the lease, and save the newest progress."""
        return self.video.renew_lease(**self.latest_progress)


def describe_exit(exit_status: int) -> str:
    """Return how a process ended, such as "killed by SIGKILL"; "" for success."""
    if exit_status < 0:
        return ffmpeg.describe_kill(exit_status)
    return f"ended with {exit_status}" if exit_status else ""
