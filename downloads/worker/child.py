"""The child: the process of one download, tied to its supervisor and confined to its proxy and limits.

Or that of one look-up ahead of the queue or of one check of a subscription, behind such a proxy too; of one
playable copy, or of a probe of stored files: the last two ask the network for nothing.

Standard input is the control pipe: first one line of JSON with the job, then a byte for each renewal of the
lease, or a line with a new rate limit in bytes per second. When it closes (the supervisor died, by whatever
signal) or nothing arrives for CONTROL_TIMEOUT_SECONDS (the lease is about to expire, and another worker may
claim the video), the whole process group kills itself, ffmpeg included. Standard output carries the progress
to the supervisor, one line of JSON for each state, and empty lines as heartbeats; whatever else is printed there
goes to the log.
"""

import dataclasses
import json
import os
import re
import resource
import select
import signal
import sys
import threading
import time
from collections.abc import Callable

from django.conf import settings

from downloads import database
from downloads.liveness.heartbeat import CHECKS_PER_TIMEOUT
from downloads.liveness.process_activity import GroupActivity
from downloads.models import LEASE_DURATION, PlayableCopy, Subscription, TitleLookUp, Video
from downloads.network.proxy import EgressProxy, set_proxy_variables
from downloads.network.rate_limiter import RateLimiter
from downloads.parent_death import kill_when_parent_dies
from downloads.progress.message import Progress
from downloads.subscriptions import outcomes
from downloads.worker import attempt
from downloads.worker.checks.check import Report, run_check
from downloads.worker.checks.request_gate import RequestGate
from downloads.worker.copies.making import make_copy
from downloads.worker.leased_video import LeasedVideo
from downloads.worker.stall_watchdog import StallWatchdog
from downloads.worker.storage.media_probe import probe_stored_media
from downloads.worker.titles.look_up import run_look_up

# Less than the lease: the child must be dead when the row may be claimed again.
CONTROL_TIMEOUT_SECONDS = LEASE_DURATION.total_seconds() * 28 / 30
SIDE_JOB_NICENESS = 10  # of all that is no download
STALLED_MESSAGE = "The site sent nothing"
FROZEN_PROGRAM_MESSAGE = "ffmpeg, or another program that processes the video, stopped responding"


def main() -> None:
    """Read the job from standard input and run it; its outcome is in the row."""
    control_fd, progress_fd = _isolate_stdio()
    kill_when_parent_dies()  # also while this process is stopped and cannot watch its control pipe
    start_message = json.loads(_read_job_line(control_fd))
    rate_limiter = RateLimiter(start_message["rate"])
    threading.Thread(
        target=_watch_control_pipe, args=(control_fd, rate_limiter), name="control-pipe", daemon=True
    ).start()
    threading.Thread(target=_beat, args=(progress_fd,), name="heartbeat", daemon=True).start()
    _limit_file_size()
    if job := start_message.get("look_up"):
        _run_look_up(job, rate_limiter)
    elif job := start_message.get("copy"):
        _run_copy(job, progress_fd)
    elif pks := start_message.get("media_probe"):
        os.nice(SIDE_JOB_NICENESS)
        probe_stored_media(pks)
    elif job := start_message.get("check") or start_message.get("dry_check"):
        _run_check(job, rate_limiter, progress_fd, is_dry_run="dry_check" in start_message)
    else:
        _run_download(start_message["job"], rate_limiter, progress_fd)


def _run_download(job: dict[str, str], rate_limiter: RateLimiter, progress_fd: int) -> None:
    video = database.retry_while_database_is_down(lambda: Video.objects.filter(**job).first())
    if video is None:
        return
    watchdog = _watch_stalls(video, lambda: rate_limiter.transferred_bytes, settings.STALL_SECONDS, STALLED_MESSAGE)
    programs = _watch_stalls(video, GroupActivity().count, settings.WATCHDOG_SECONDS, FROZEN_PROGRAM_MESSAGE)

    def watch_programs() -> None:
        watchdog.stop_watching()
        programs.start_watching()

    with EgressProxy(rate_limiter=rate_limiter) as proxy, watchdog:
        set_proxy_variables(proxy.url)
        attempt.run_attempt(
            video,
            proxy_url=proxy.url,
            on_progress=lambda state: _write_progress(progress_fd, state),
            on_downloaded=watch_programs,
        )
    programs.stop_watching()


def _run_look_up(job: dict[str, str], rate_limiter: RateLimiter) -> None:
    """Look up the title of a waiting video, behind an egress proxy as a download is, and with less of the processor."""
    os.nice(SIDE_JOB_NICENESS)
    look_up = database.retry_while_database_is_down(lambda: TitleLookUp.objects.filter(**job).first())
    if look_up is None:
        return

    def abort() -> None:
        look_up.record_failure(f"{STALLED_MESSAGE} for {settings.STALL_SECONDS:g} s.", is_permanent=False)
        os.killpg(0, signal.SIGKILL)

    watchdog = StallWatchdog(lambda: rate_limiter.transferred_bytes, settings.STALL_SECONDS, abort)
    with EgressProxy(rate_limiter=rate_limiter) as proxy, watchdog:
        set_proxy_variables(proxy.url)
        run_look_up(look_up, proxy_url=proxy.url)


def _run_copy(job: dict[str, str], progress_fd: int) -> None:
    """Make a playable copy, with less of the processor than a download or a page."""
    os.nice(SIDE_JOB_NICENESS)
    copies = PlayableCopy.objects.select_related("video")
    copy = database.retry_while_database_is_down(lambda: copies.filter(**job).first())
    if copy is None:
        return

    def abort() -> None:
        copy.release(f"{FROZEN_PROGRAM_MESSAGE} for {settings.WATCHDOG_SECONDS:g} s.")
        os.killpg(0, signal.SIGKILL)

    with StallWatchdog(GroupActivity().count, settings.WATCHDOG_SECONDS, abort):
        make_copy(copy, lambda state: _write_progress(progress_fd, state))


def _run_check(job: dict[str, str], rate_limiter: RateLimiter, progress_fd: int, *, is_dry_run: bool) -> None:
    """Check a subscription, behind an egress proxy as a download is, and with less of the processor."""
    os.nice(SIDE_JOB_NICENESS)
    subscription = database.retry_while_database_is_down(lambda: Subscription.objects.filter(**job).first())
    if subscription is None:
        return
    gate = RequestGate(subscription)

    def send_report(report: Report) -> None:
        os.write(progress_fd, json.dumps(dataclasses.asdict(report)).encode() + b"\n")

    def abort() -> None:
        message = f"{STALLED_MESSAGE} for {settings.STALL_SECONDS:g} s."
        send_report(Report(error=message))
        if not is_dry_run:
            outcomes.fail(subscription, message)
        os.killpg(0, signal.SIGKILL)

    def count_activity() -> int:
        """Count what arrives, waits before requests, and writes: a long list is no silent site."""
        return rate_limiter.transferred_bytes + gate.passed + subscription.written_groups

    watchdog = StallWatchdog(count_activity, settings.STALL_SECONDS, abort)
    with EgressProxy(rate_limiter=rate_limiter) as proxy, watchdog:
        set_proxy_variables(proxy.url)
        run_check(subscription, proxy_url=proxy.url, gate=gate, is_dry_run=is_dry_run, on_report=send_report)


def _isolate_stdio() -> tuple[int, int]:
    """Return private copies of both pipes; file descriptors 0 and 1 become /dev/null and the log.

    So neither ffmpeg, which inherits them, nor a stray print can read the control pipe or write to the progress.
    """
    control_fd, progress_fd = os.dup(0), os.dup(1)
    null_fd = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null_fd, 0)
    os.dup2(2, 1)
    os.close(null_fd)
    return control_fd, progress_fd


def _read_job_line(control_fd: int) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(control_fd, 1)
        if not byte:
            sys.exit("The supervisor closed the control pipe before it sent a job.")
        line += byte
    return line


def _watch_control_pipe(control_fd: int, rate_limiter: RateLimiter) -> None:
    """Apply new rate limits; kill the process group when the pipe closes or is silent for too long."""
    while True:
        readable_fds, _, _ = select.select([control_fd], [], [], CONTROL_TIMEOUT_SECONDS)
        data = os.read(control_fd, 4096) if readable_fds else b""
        if not data:
            os.killpg(0, signal.SIGKILL)
        if rates := re.findall(rb"(\d+)\n", data):
            rate_limiter.rate = int(rates[-1])


def _watch_stalls(video: Video, get_count: Callable[[], int], seconds: float, message: str) -> StallWatchdog:
    """Return a watchdog that ends this attempt, to be retried, when the count does not change for so long."""

    def abort() -> None:
        # The process group kills itself: a thread that blocks on the site or on a program cannot be interrupted.
        LeasedVideo(video).retry_later(f"{message} for {seconds:g} s.")
        os.killpg(0, signal.SIGKILL)

    return StallWatchdog(get_count, seconds, abort)


def _beat(progress_fd: int) -> None:
    """Write an empty line to the supervisor from time to time: this process is not stopped."""
    while True:
        time.sleep(settings.WATCHDOG_SECONDS / CHECKS_PER_TIMEOUT / 2)
        os.write(progress_fd, b"\n")


def _limit_file_size() -> None:
    """Have the kernel stop every write of this process group to a file far beyond MAX_BYTES."""
    if settings.MAX_BYTES:
        max_file_bytes = 2 * settings.MAX_BYTES + 10**9
        resource.setrlimit(resource.RLIMIT_FSIZE, (max_file_bytes, max_file_bytes))


def _write_progress(progress_fd: int, state: Progress) -> None:
    os.write(progress_fd, state.to_json().encode() + b"\n")
