"""One download as its supervisor sees it: a process group, a pipe each way, and the newest progress."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

from django.conf import settings

from downloads.files import ffmpeg
from downloads.models import LEASE_DURATION, Video

# Before the child ends itself, which is before somebody else may have the video.
LEASE_OVERDUE_SECONDS = LEASE_DURATION.total_seconds() * 0.9
GRACE_PERIOD_SECONDS = 0.5  # seconds between SIGTERM and SIGKILL
# What of the progress is written to the row.
PERSISTED_PROGRESS_FIELDS = ("percent", "downloaded_bytes", "total_bytes", "phase")
MAX_READ_BYTES = 64 * 1024


class DownloadProcess:
    """A running download; `Supervised(video)` starts it. Nothing here waits."""

    def __init__(self, video: Video, rate: int = 0) -> None:
        self.video = video
        self._rate = rate
        self.latest_progress: dict[str, Any] = {}
        self.lease_renewed_at = time.monotonic()
        self._stop_requested_at: float | None = None
        self._partial_line = b""
        self._exit_reason: str | None = None
        self._process = subprocess.Popen(
            [sys.executable, str(settings.BASE_DIR / "manage.py"), "download"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            # A session of its own: one group to kill, and the terminal's Ctrl-C asks the supervisor only.
            start_new_session=True,
            env={**os.environ, "YTARCHIVE_DATA": str(settings.DATA), "PATH": ffmpeg.build_search_path()},
        )
        os.set_blocking(self._control_fd, False)
        os.set_blocking(self.fileno(), False)
        job = {"video_id": video.video_id, "lease_token": video.lease_token}
        self._write_control(json.dumps({"job": job, "rate": rate}).encode() + b"\n")

    @property
    def _control_fd(self) -> int:
        assert self._process.stdin  # noqa: S101 - Popen's types do not know PIPE
        return self._process.stdin.fileno()

    def fileno(self) -> int:
        """Return the end that progress arrives on."""
        assert self._process.stdout  # noqa: S101
        return self._process.stdout.fileno()

    @property
    def is_stopping(self) -> bool:
        return self._stop_requested_at is not None

    def read_progress(self) -> bool:
        """Read the newest progress; False when there will be no more."""
        try:
            data = os.read(self.fileno(), MAX_READ_BYTES)
        except BlockingIOError:
            return True
        *lines, self._partial_line = (self._partial_line + data).split(b"\n")
        if lines:
            found = json.loads(lines[-1])
            self.latest_progress = {name: found[name] for name in PERSISTED_PROGRESS_FIELDS if name in found}
        return bool(data)

    def set_rate_limit(self, rate: int) -> None:
        """Have the download take at most `rate` bytes per second; 0: as they come."""
        if rate != self._rate:
            self._rate = rate
            self._write_control(b"%d\n" % rate)

    def renew_lease(self) -> None:
        """Renew the lease, and tell the child that it may go on; database errors are the caller's."""
        if self.video.renew_lease(**self.latest_progress):
            self.lease_renewed_at = time.monotonic()
            self._write_control(b".")

    def is_lease_overdue(self) -> bool:
        """Tell whether the lease is about to run out, so that somebody else may soon have the video."""
        return time.monotonic() - self.lease_renewed_at > LEASE_OVERDUE_SECONDS

    def request_stop(self) -> None:
        """Ask the whole group to end; `press` makes it."""
        if self._exit_reason is None and not self.is_stopping:
            self._stop_requested_at = time.monotonic()
            self._signal_group(signal.SIGTERM)

    def kill_if_overdue(self) -> None:
        """Kill the group that was asked to end and has not in time."""
        if (
            self._exit_reason is None
            and self._stop_requested_at is not None
            and time.monotonic() - self._stop_requested_at > GRACE_PERIOD_SECONDS
        ):
            self._signal_group(signal.SIGKILL)

    def reap(self) -> str | None:
        """Return how the process ended ("" for well), with nothing of its group left; None while it runs."""
        if self._exit_reason is None and self._has_exited():
            # Seen but not yet reaped, so its number is still the group's: nobody else can be hit.
            self._signal_group(signal.SIGKILL)
            code = self._process.wait()
            killed = f"killed by {signal.Signals(-code).name}" if code < 0 else ""
            self._exit_reason = killed or (f"ended with {code}" if code else "")
        return self._exit_reason

    def _has_exited(self) -> bool:
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def close_pipes(self) -> None:
        """Let go of the pipes of a process that has ended."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()

    def _write_control(self, data: bytes) -> None:
        # A full or broken pipe is a child that is stuck or gone: it is judged by its lease and by its end.
        with contextlib.suppress(OSError):
            os.write(self._control_fd, data)

    def _signal_group(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)
