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
OVERDUE = LEASE_DURATION.total_seconds() * 0.9
GRACE = 0.5  # seconds between SIGTERM and SIGKILL
# What of the progress is written to the row.
KEPT = ("percent", "downloaded_bytes", "total_bytes", "phase")
LONGEST_LINE = 64 * 1024


class Supervised:
    """A running download; `Supervised(video)` starts it. Nothing here waits."""

    def __init__(self, video: Video, rate: int = 0) -> None:
        self.video = video
        self._rate = rate
        self.state: dict[str, Any] = {}
        self.renewed = time.monotonic()
        self._asked_to_stop: float | None = None
        self._rest = b""
        self._end: str | None = None
        self._process = subprocess.Popen(
            [sys.executable, str(settings.BASE_DIR / "manage.py"), "download"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            # A session of its own: one group to kill, and the terminal's Ctrl-C asks the supervisor only.
            start_new_session=True,
            env={**os.environ, "YTARCHIVE_DATA": str(settings.DATA), "PATH": ffmpeg.build_search_path()},
        )
        os.set_blocking(self._lifeline, False)
        os.set_blocking(self.fileno(), False)
        job = {"video_id": video.video_id, "lease_token": video.lease_token}
        self._say(json.dumps({"job": job, "rate": rate}).encode() + b"\n")

    @property
    def _lifeline(self) -> int:
        assert self._process.stdin  # noqa: S101 - Popen's types do not know PIPE
        return self._process.stdin.fileno()

    def fileno(self) -> int:
        """Return the end that progress arrives on."""
        assert self._process.stdout  # noqa: S101
        return self._process.stdout.fileno()

    @property
    def is_stopping(self) -> bool:
        return self._asked_to_stop is not None

    def hear(self) -> bool:
        """Read the newest progress; False when there will be no more."""
        try:
            data = os.read(self.fileno(), LONGEST_LINE)
        except BlockingIOError:
            return True
        *lines, self._rest = (self._rest + data).split(b"\n")
        if lines:
            found = json.loads(lines[-1])
            self.state = {name: found[name] for name in KEPT if name in found}
        return bool(data)

    def limit(self, rate: int) -> None:
        """Have the download take at most `rate` bytes per second; 0: as they come."""
        if rate != self._rate:
            self._rate = rate
            self._say(b"%d\n" % rate)

    def renew(self) -> None:
        """Renew the lease, and tell the child that it may go on; database errors are the caller's."""
        if self.video.renew(**self.state):
            self.renewed = time.monotonic()
            self._say(b".")

    def is_overdue(self) -> bool:
        """Tell whether the lease is about to run out, so that somebody else may soon have the video."""
        return time.monotonic() - self.renewed > OVERDUE

    def stop(self) -> None:
        """Ask the whole group to end; `press` makes it."""
        if self._end is None and not self.is_stopping:
            self._asked_to_stop = time.monotonic()
            self._signal(signal.SIGTERM)

    def press(self) -> None:
        """Kill the group that was asked to end and has not in time."""
        if self._end is None and self._asked_to_stop is not None and time.monotonic() - self._asked_to_stop > GRACE:
            self._signal(signal.SIGKILL)

    def reap(self) -> str | None:
        """Return how the process ended ("" for well), with nothing of its group left; None while it runs."""
        if self._end is None and self._has_ended():
            # Seen but not yet reaped, so its number is still the group's: nobody else can be hit.
            self._signal(signal.SIGKILL)
            code = self._process.wait()
            killed = f"killed by {signal.Signals(-code).name}" if code < 0 else ""
            self._end = killed or (f"ended with {code}" if code else "")
        return self._end

    def _has_ended(self) -> bool:
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def close(self) -> None:
        """Let go of the pipes of a process that has ended."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()

    def _say(self, data: bytes) -> None:
        # A full or broken pipe is a child that is stuck or gone: it is judged by its lease and by its end.
        with contextlib.suppress(OSError):
            os.write(self._lifeline, data)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)
