"""The process of one download: what ties it to its supervisor, and what shuts it in.

Standard input is the lifeline: first a line with the job, then a byte for each renewal of the lease, or a
line with the bytes per second that the download may take from now on. When
it ends (the supervisor died, by whatever signal) or falls silent (the lease has run out, and another
worker may have the video), the whole process group kills itself, ffmpeg included. Standard output
carries the progress to the supervisor, a JSON line each; what others print there goes to the log.
"""

import json
import os
import re
import resource
import select
import signal
import sys
import threading

from django.conf import settings

from downloads import database
from downloads.models import LEASE_DURATION, Video
from downloads.network.proxy import EgressProxy
from downloads.network.rate_limiter import RateLimiter
from downloads.parent_death import kill_when_parent_dies
from downloads.progress.message import Progress
from downloads.worker import attempt
from downloads.worker.leased_video import LeasedVideo
from downloads.worker.stall_watchdog import StallWatchdog

# Gone before the lease is: its row may be claimed again the moment it has run out.
CONTROL_TIMEOUT_SECONDS = LEASE_DURATION.total_seconds() * 28 / 30
STALLED_MESSAGE = "The site sent nothing"
PROXY_ENV_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy", "no_proxy")


def main() -> None:
    """Read the job, do it, and leave its end in the row."""
    lifeline, outlet = _isolate_stdio()
    kill_when_parent_dies()  # also while this process is stopped and cannot watch its control pipe
    order = json.loads(_read_job_line(lifeline))
    flow = RateLimiter(order["rate"])
    threading.Thread(target=_watch_control_pipe, args=(lifeline, flow), name="lifeline", daemon=True).start()
    video = database.retry_while_database_is_down(lambda: Video.objects.filter(**order["job"]).first())
    if video is None:
        return
    _limit_file_size()
    silence = StallWatchdog(
        lambda: flow.transferred_bytes, settings.STALL_SECONDS, lambda: _abort_stalled_download(video)
    )
    with EgressProxy(rate_limiter=flow) as proxy, silence:
        _force_proxy(proxy.url)
        attempt.run_attempt(
            video,
            proxy_url=proxy.url,
            on_progress=lambda state: _write_progress(outlet, state),
            on_downloaded=silence.stop_watching,
        )


def _isolate_stdio() -> tuple[int, int]:
    """Keep the two pipes to ourselves: what we start, and what prints, gets others."""
    lifeline, outlet = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    return lifeline, outlet


def _read_job_line(control_fd: int) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(control_fd, 1)
        if not byte:
            sys.exit("The supervisor is gone.")
        line += byte
    return line


def _watch_control_pipe(control_fd: int, rate_limiter: RateLimiter) -> None:
    while True:
        heard, _, _ = select.select([control_fd], [], [], CONTROL_TIMEOUT_SECONDS)
        said = os.read(control_fd, 4096) if heard else b""
        if not said:
            os.killpg(0, signal.SIGKILL)
        if rates := re.findall(rb"(\d+)\n", said):
            rate_limiter.rate = int(rates[-1])


def _abort_stalled_download(video: Video) -> None:
    """End a download that stands still: what waits in it for the site cannot be asked to stop."""
    LeasedVideo(video).retry_later(f"{STALLED_MESSAGE} for {settings.STALL_SECONDS} s.")
    os.killpg(0, signal.SIGKILL)


def _limit_file_size() -> None:
    """Have the kernel stop what grows past every limit, whoever writes it."""
    if settings.MAX_BYTES:
        most = 2 * settings.MAX_BYTES + 10**9
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


def _force_proxy(proxy_url: str) -> None:
    """Leave ffmpeg no way round the proxy either."""
    for name in PROXY_ENV_VARIABLES:
        os.environ.pop(name, None)
        os.environ.pop(name.upper(), None)
    os.environ["http_proxy"] = os.environ["https_proxy"] = proxy_url


def _write_progress(progress_fd: int, state: Progress) -> None:
    os.write(progress_fd, state.to_json().encode() + b"\n")
