"""The process of one download: what ties it to its supervisor, and what shuts it in.

Standard input is the lifeline: first a line with the job, then a byte for each renewal of the lease, or a
line with the bytes per second that the download may take from now on. When
it ends (the supervisor died, by whatever signal) or falls silent (the lease has run out, and another
worker may have the video), the whole process group kills itself, ffmpeg included. Standard output
carries the progress to the supervisor, a JSON line each; what others print there goes to the log.
"""

import ctypes
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
from downloads.progress.message import Progress
from downloads.worker import attempt
from downloads.worker.stall_watchdog import Silence

# Gone before the lease is: its row may be claimed again the moment it has run out.
SILENCE = LEASE_DURATION.total_seconds() * 28 / 30
STANDS_STILL = "The site sent nothing"
PR_SET_PDEATHSIG = 1
PROXY_NAMES = ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy", "no_proxy")


def main() -> None:
    """Read the job, do it, and leave its end in the row."""
    lifeline, outlet = _take_pipes()
    _die_with_parent()
    order = json.loads(_first_line(lifeline))
    flow = RateLimiter(order["rate"])
    threading.Thread(target=_watch, args=(lifeline, flow), name="lifeline", daemon=True).start()
    video = database.steadily(lambda: Video.objects.filter(**order["job"]).first())
    if video is None:
        return
    _limit_files()
    silence = Silence(lambda: flow.transferred_bytes, settings.STALL_SECONDS, lambda: _break_off(video))
    with EgressProxy(rate_limiter=flow) as proxy, silence:
        _use_only(proxy.url)
        attempt.run(video, proxy=proxy.url, tell=lambda state: _tell(outlet, state), on_fetched=silence.end)


def _take_pipes() -> tuple[int, int]:
    """Keep the two pipes to ourselves: what we start, and what prints, gets others."""
    lifeline, outlet = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    return lifeline, outlet


def _die_with_parent() -> None:
    # The kernel's own lifeline, for the case that this process is stopped and cannot watch.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _first_line(lifeline: int) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(lifeline, 1)
        if not byte:
            sys.exit("The supervisor is gone.")
        line += byte
    return line


def _watch(lifeline: int, flow: RateLimiter) -> None:
    while True:
        heard, _, _ = select.select([lifeline], [], [], SILENCE)
        said = os.read(lifeline, 4096) if heard else b""
        if not said:
            os.killpg(0, signal.SIGKILL)
        if rates := re.findall(rb"(\d+)\n", said):
            flow.rate = int(rates[-1])


def _break_off(video: Video) -> None:
    """End a download that stands still: what waits in it for the site cannot be asked to stop."""
    attempt.try_later(video, f"{STANDS_STILL} for {settings.STALL_SECONDS} s.")
    os.killpg(0, signal.SIGKILL)


def _limit_files() -> None:
    """Have the kernel stop what grows past every limit, whoever writes it."""
    if settings.MAX_BYTES:
        most = 2 * settings.MAX_BYTES + 10**9
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


def _use_only(proxy: str) -> None:
    """Leave ffmpeg no way round the proxy either."""
    for name in PROXY_NAMES:
        os.environ.pop(name, None)
        os.environ.pop(name.upper(), None)
    os.environ["http_proxy"] = os.environ["https_proxy"] = proxy


def _tell(outlet: int, state: Progress) -> None:
    os.write(outlet, state.to_json().encode() + b"\n")
