"""The supervisor of a worker: claims queued videos, renews their leases, and runs one child per download.

A single-threaded event loop that never touches the bytes of a video. The rows decide: a download whose lease
is gone (cancelled, or claimed by another worker) is stopped.
"""

import contextlib
import logging
import os
import selectors
import time
from collections.abc import Callable

import redis
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection

from downloads.database import schema, use_short_timeouts
from downloads.database.changes import ChangeDetector
from downloads.files import ffmpeg, workspace
from downloads.forked_process import handled_signals
from downloads.liveness.heartbeat import process_heartbeat
from downloads.models import LEASE_DURATION, Queue, Video
from downloads.outage_log import OutageLog
from downloads.progress import keys, redis_clients
from downloads.progress.redis_clock import read_redis_clock
from downloads.progress.redis_errors import describe_with_error
from downloads.worker.checks.retention import RetentionTask
from downloads.worker.checks.runner import CheckRunner
from downloads.worker.copies.runner import CopyRunner
from downloads.worker.download_process import DownloadProcess
from downloads.worker.folders.monitor import FolderMonitor
from downloads.worker.leases.clock_check import ClockCheck
from downloads.worker.leases.expiry import LEASE_RENEWAL_INTERVAL_SECONDS
from downloads.worker.leases.rescue import Rescue
from downloads.worker.processes.job_runner import SPAWN_RETRY_DELAY_SECONDS
from downloads.worker.processes.launcher import Launcher
from downloads.worker.processes.zygote import Zygote
from downloads.worker.storage.media_probe_runner import MediaProbeRunner
from downloads.worker.titles.runner import LookUpRunner
from downloads.worker.wake_listener import WakeListener
from downloads.ytdlp_update.runner import UpdateRunner

logger = logging.getLogger(__name__)

POLL_INTERVAL_SECONDS = 0.5  # for claims, as far as anything has changed, and for lost leases
# For what becomes due by the clock alone: retries, look-ups of titles, and checks of subscriptions.
UNCHANGED_POLL_INTERVAL_SECONDS = 2.0
LOOK_UP_INTERVAL_SECONDS = 1.0
CHECK_INTERVAL_SECONDS = 5.0
RESCUE_INTERVAL_SECONDS = min(1.0, LEASE_DURATION.total_seconds() / 30)
EXPIRY_INTERVAL_SECONDS = RESCUE_INTERVAL_SECONDS * 3
HEARTBEAT_INTERVAL_SECONDS = 5.0  # also for checking the disk space
HEARTBEAT_TTL_SECONDS = 15
STOPPING_POLL_INTERVAL_SECONDS = 0.05  # while downloads are being stopped
SHUTDOWN_TIMEOUT_SECONDS = 4.0
PROCESS_DIED_MESSAGE = "The download’s process ended unexpectedly"


class Supervisor:
    """Runs up to `max_downloads` downloads at once: `Supervisor(2).run()`."""

    def __init__(self, max_downloads: int, zygote: Zygote | None = None) -> None:
        self.max_downloads = max_downloads
        self.name = keys.process_name()
        self._downloads: list[DownloadProcess] = []
        self._selector = selectors.DefaultSelector()
        self._stop_deadline: float | None = None
        self._is_ready = False
        self._next_run_at: dict[Callable[[], None], float] = {}
        self._failing_tasks: set[Callable[[], None]] = set()
        self._database_outage = OutageLog(
            logger, "The database cannot be used, retrying: %s", "The database can be used again."
        )
        self._redis_outage = OutageLog(
            logger, "Downloads go on, but no page can see this worker: %s", "Redis can be used again"
        )
        self._folders = FolderMonitor()
        self._update_runner = UpdateRunner()
        self._rescue = Rescue(self.name)
        self._launcher = Launcher(self._rescue.lock.inherited_fds, zygote)
        self._look_up_runner = LookUpRunner(self._launcher)
        self._copy_runner = CopyRunner(self._launcher, self._folders, self._rescue.lock.worker_name)
        self._media_probe_runner = MediaProbeRunner(self._launcher)
        self._check_runner = CheckRunner(self._launcher, self._rescue.lock.worker_name)
        self._retention = RetentionTask(self._folders)
        self._clock_check = ClockCheck(self.name)
        self._wake_listener = WakeListener()
        self._changes = ChangeDetector()

    def run(self) -> None:
        """Claim and download until SIGTERM, SIGINT or SIGHUP; then put unfinished videos back into the queue."""
        for line in ffmpeg.missing_tool_warnings():
            logger.warning("%s", line)
        use_short_timeouts()
        self._wake_listener.start()
        self._selector.register(self._wake_listener, selectors.EVENT_READ, self._wake_listener)
        with handled_signals(self._on_stop_signal) as signal_receiver:
            self._selector.register(signal_receiver, selectors.EVENT_READ)
            while self._stop_deadline is None or self._downloads:
                self._run_once()
                if self._stop_deadline is not None and time.monotonic() > self._stop_deadline:
                    break
        self._wake_listener.stop()
        self._update_runner.stop()
        self._run_if_database_up(self._look_up_runner.stop)
        self._run_if_database_up(self._copy_runner.stop)
        self._media_probe_runner.stop()
        self._run_if_database_up(self._check_runner.stop)
        self._launcher.stop()
        self._rescue.lock.release()
        self._unregister()

    # The event loop -----------------------------------------------------------------------------

    def _run_once(self) -> None:
        process_heartbeat.beat()
        for key, _ in self._selector.select(self._select_timeout()):
            if isinstance(key.data, DownloadProcess):
                self._receive_progress(key.data)
            elif key.data is self._wake_listener:
                if self._wake_listener.drain():
                    self._launcher.keep_warm()
                self._next_run_at.pop(self._claim_videos, None)
                self._next_run_at.pop(self._check_subscriptions, None)
                self._check_runner.wake()
            else:
                os.read(key.fd, 4096)
        self._run_if_database_up(self._reap_downloads)
        for download in self._downloads:
            if self._stop_deadline is not None:
                download.request_stop()
            download.kill_if_overdue()
        if self._stop_deadline is None:
            self._run_due_tasks()

    def _run_due_tasks(self) -> None:
        self._run_every(HEARTBEAT_INTERVAL_SECONDS, self._check_folders)
        self._run_every(POLL_INTERVAL_SECONDS, self._notice_changes)
        self._run_every(UNCHANGED_POLL_INTERVAL_SECONDS, self._claim_videos)  # early: somebody may be waiting
        self._run_every(RESCUE_INTERVAL_SECONDS, self._rescue.requeue_local)
        self._run_every(POLL_INTERVAL_SECONDS, self._launcher.prepare)
        self._run_every(POLL_INTERVAL_SECONDS, self._stop_downloads_without_lease)
        self._run_every(POLL_INTERVAL_SECONDS, self._copy_runner.poll)
        look_up_interval = POLL_INTERVAL_SECONDS if self._look_up_runner.is_running else LOOK_UP_INTERVAL_SECONDS
        self._run_every(look_up_interval, self._look_up_titles)
        self._run_every(HEARTBEAT_INTERVAL_SECONDS, self._probe_stored_media)
        check_interval = POLL_INTERVAL_SECONDS if self._check_runner.is_running else CHECK_INTERVAL_SECONDS
        self._run_every(check_interval, self._check_subscriptions)
        self._run_every(HEARTBEAT_INTERVAL_SECONDS, self._retention.poll)
        self._run_every(POLL_INTERVAL_SECONDS, self._update_runner.poll)
        self._run_every(LEASE_RENEWAL_INTERVAL_SECONDS, self._renew_leases)
        self._run_every(EXPIRY_INTERVAL_SECONDS, self._rescue.requeue_expired)
        self._run_every(HEARTBEAT_INTERVAL_SECONDS, self._write_heartbeat)
        self._run_every(HEARTBEAT_INTERVAL_SECONDS, self._clock_check.run)

    def _select_timeout(self) -> float:
        if any(download.is_stopping for download in self._downloads):
            return STOPPING_POLL_INTERVAL_SECONDS
        now = time.monotonic()
        return max(0.0, min((*self._next_run_at.values(), now + POLL_INTERVAL_SECONDS)) - now)

    def _run_every(self, interval_seconds: float, task: Callable[[], None]) -> None:
        """Run the task if it did not run in this interval of the clock: tasks that wait together are due together."""
        now = time.monotonic()
        if self._next_run_at.get(task, 0.0) <= now:
            self._next_run_at[task] = (now // interval_seconds + 1) * interval_seconds if interval_seconds else now
            self._run_if_database_up(task)

    def _run_if_database_up(self, task: Callable[[], None]) -> None:
        """Run the task; log an outage of the database once, since a later turn of the loop runs the task again."""
        try:
            task()
        except DatabaseError as error:
            self._database_outage.failed(error)
            self._failing_tasks.add(task)
            connection.close()
        else:
            # With a full disk the database can still be read: the outage ends when every task that failed succeeds.
            self._failing_tasks.discard(task)
            if not self._failing_tasks:
                self._database_outage.recovered()

    # Periodic tasks --------------------------------------------------------------------------------

    def _notice_changes(self) -> None:
        """Have this turn of the loop look for work if anything was written; but keep to pauses of claims."""
        if self._changes.has_changed():
            latest = time.monotonic() + UNCHANGED_POLL_INTERVAL_SECONDS
            for task in (self._claim_videos, self._look_up_titles, self._check_subscriptions):
                if self._next_run_at.get(task, 0.0) <= latest:
                    self._next_run_at.pop(task, None)

    def _check_folders(self) -> None:
        """Hold the queue while a folder cannot be used, and remove what earlier attempts and removals left."""
        self._folders.check(is_busy=bool(self._downloads) or Video.objects.has_claimable())

    def _claim_videos(self) -> None:
        """Claim a playable copy and queued videos while there are free slots."""
        schema.require_matching_cached()  # while another version upgrades the database, this one claims nothing
        if not self._folders.has_looked:
            self._folders.check(is_busy=True)
        if self._folders.is_well and self._has_free_slot():
            self._copy_runner.start_next(Video.objects.has_claimable)
        # Read first: an idle worker must not take the write lock of SQLite every POLL_INTERVAL_SECONDS.
        while self._folders.is_well and self._has_free_slot() and Video.objects.has_claimable():
            video = Video.objects.claim(self._rescue.lock.worker_name)
            if video is None or not self._start_download(video):
                break
        if not self._is_ready:
            self._is_ready = True
            self._write_heartbeat()
            logger.info("ytarchive worker: ready, %d downloads at once", self.max_downloads)

    def _look_up_titles(self) -> None:
        """Look up what waits, but nothing that this worker is about to start."""
        starts_at_once = self._has_free_slot() and Video.objects.has_claimable()
        self._look_up_runner.poll(may_start=self._is_ready and self._folders.is_well and not starts_at_once)

    def _probe_stored_media(self) -> None:
        """Have files probed whose codecs and dimensions are unknown, while there is nothing else to do."""
        is_idle = not self._downloads and not self._copy_runner.is_running and not Video.objects.has_claimable()
        self._media_probe_runner.poll(may_start=self._is_ready and self._folders.is_well and is_idle)

    def _check_subscriptions(self) -> None:
        """Check what is due, beside the downloads: neither a pause of the queue nor a full disk stops the checks."""
        schema.require_matching_cached()
        self._check_runner.poll(may_start=self._is_ready)

    def _has_free_slot(self) -> bool:
        return self._stop_deadline is None and len(self._downloads) + self._copy_runner.is_running < self.max_downloads

    def _start_download(self, video: Video) -> bool:
        try:
            rate = self._rate_per_download(len(self._downloads) + 1)
            download = DownloadProcess(video, rate, self._launcher)
        except OSError as error:
            logger.exception("%s: cannot start a process, pausing claims", video.video_id)
            self._next_run_at[self._claim_videos] = time.monotonic() + SPAWN_RETRY_DELAY_SECONDS
            reason = f"This server can’t start another process ({error.strerror}). Nothing new starts."
            Queue.hold(f"{self.name} processes", reason, SPAWN_RETRY_DELAY_SECONDS)
            video.release(reason)
            return False
        self._downloads.append(download)
        self._copy_runner.note_download_started()
        self._selector.register(download, selectors.EVENT_READ, download)
        self._divide_bandwidth()
        return True

    @staticmethod
    def _rate_per_download(download_count: int) -> int:
        return -(-settings.BANDWIDTH // max(1, download_count))

    def _divide_bandwidth(self) -> None:
        """Give each running download an equal share of the bandwidth."""
        rate = self._rate_per_download(len(self._downloads))
        for download in self._downloads:
            download.set_rate_limit(rate)

    def _stop_downloads_without_lease(self) -> None:
        """Stop the downloads whose lease is gone: cancelled, claimed by another worker, or about to expire."""
        for download in self._downloads:
            if download.is_lease_overdue():
                download.request_stop()
        tokens = [download.video.lease_token for download in self._downloads]
        if not tokens:
            return
        valid_tokens = set(Video.objects.active().filter(lease_token__in=tokens).values_list("lease_token", flat=True))
        for download in self._downloads:
            if download.video.lease_token not in valid_tokens:
                download.request_stop()

    def _renew_leases(self) -> None:
        for download in self._downloads:
            if not download.is_stopping and not download.is_lease_overdue() and download.reap() is None:
                download.renew_lease()

    def _write_heartbeat(self) -> None:
        """Set this worker's heartbeat key, which the health checks read; skipped while Redis takes no writes."""
        client = redis_clients.get_redis_client()
        try:
            now = int(read_redis_clock())
            client.set(keys.WORKER_KEY_PREFIX + self.name, now, ex=HEARTBEAT_TTL_SECONDS)
            client.set(keys.WORKER_SEEN_KEY, now, ex=keys.WORKER_SEEN_SECONDS)
        except (redis.RedisError, OSError) as error:
            self._redis_outage.failed(describe_with_error(error))
        else:
            self._redis_outage.recovered()

    def _receive_progress(self, download: DownloadProcess) -> None:
        if not download.read_progress():
            self._stop_receiving(download)

    def _stop_receiving(self, download: DownloadProcess) -> None:
        if download.fileno() in self._selector.get_map():
            self._selector.unregister(download)

    def _reap_downloads(self) -> None:
        for download in list(self._downloads):
            exit_reason = download.reap()
            if exit_reason is None:
                continue
            self._stop_receiving(download)
            # Raises while the database is down; the next turn of the loop tries again.
            self._handle_exit(download, exit_reason)
            download.close_pipes()
            self._downloads.remove(download)
            self._divide_bandwidth()
            self._next_run_at.pop(self._claim_videos, None)

    def _handle_exit(self, download: DownloadProcess, exit_reason: str) -> None:
        """Release or retry a video whose process ended without recording an outcome; remove files of ended videos."""
        video = download.video
        if self._stop_deadline is not None:
            video.release("The worker was stopped")
        elif download.is_stopping:
            video.release("The download was interrupted")
        elif video.holds_lease():
            self._retry_after_crash(video, f"{PROCESS_DIED_MESSAGE} ({exit_reason or 'without a word'})")
        if not Video.objects.unfinished().filter(pk=video.pk).exists():
            self._folders.remove_workspace(video.video_id)

    def _retry_after_crash(self, video: Video, reason: str) -> None:
        """Schedule a retry of a video whose process died; it fails after MAX_RETRIES crashes without progress."""
        logger.error("%s: %s", video.video_id, reason)
        self._folders.check(is_busy=True)
        if self._folders.problem:
            video.release(self._folders.problem)
            return
        made_progress = workspace.has_gained_bytes(video.video_id)
        video.retry_later(f"{reason}. The worker’s log may say more.", made_progress=made_progress)

    # Signals and shutdown ----------------------------------------------------------------------------

    def _on_stop_signal(self, *_: object) -> None:
        if self._stop_deadline is None:
            self._stop_deadline = time.monotonic() + SHUTDOWN_TIMEOUT_SECONDS

    def _unregister(self) -> None:
        with contextlib.suppress(redis.RedisError, OSError):
            redis_clients.get_redis_client().delete(keys.WORKER_KEY_PREFIX + self.name)
        logger.info("ytarchive worker: stopped")
