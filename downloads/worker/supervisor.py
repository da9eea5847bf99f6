"""The supervisor: claims waiting videos, keeps their leases, and runs one process per download.

Single-threaded and driven by events; it never touches a byte of a video. What it decides it reads
from the rows: a download whose lease is gone (cancelled, or another worker's) is stopped.
"""

import contextlib
import logging
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterator

import redis
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection

from downloads.database import use_short_timeouts
from downloads.files import ffmpeg, media_folder, workspace
from downloads.models import LEASE_DURATION, TERMINAL_STATUSES, Queue, Video
from downloads.outage_log import OutageLog
from downloads.progress import keys, redis_clients
from downloads.worker.download_process import DownloadProcess

logger = logging.getLogger(__name__)

POLL_INTERVAL_SECONDS = 0.5  # seconds: between two looks at the queue and at the leases
LEASE_RENEWAL_INTERVAL_SECONDS = LEASE_DURATION.total_seconds() / 6  # between two renewals of a lease, and rescues
HEARTBEAT_INTERVAL_SECONDS = 5.0  # seconds: between two heartbeats, and two looks at the disk
LOW_DISK_HOLD_SECONDS = 30.0  # seconds that one look at a full disk holds the queue
HEARTBEAT_TTL_SECONDS = 15  # seconds
SPAWN_RETRY_DELAY_SECONDS = 30.0  # seconds without a claim where the machine has no room for a process
SHUTDOWN_TIMEOUT_SECONDS = 4.0  # seconds that a stopping worker takes to give its videos back
PROCESS_DIED_MESSAGE = "The download's process died"
HANDLED_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


class Supervisor:
    """Runs up to `places` downloads at once: `Worker(2).run()`."""

    def __init__(self, max_downloads: int) -> None:
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
        self._are_orphans_removed = False
        self._disk_shortage = ""

    def run(self) -> None:
        """Work until a signal says to stop; then give back what is unfinished."""
        for line in ffmpeg.missing_tool_warnings():
            logger.warning("%s", line)
        use_short_timeouts()
        with self._signal_wakeup():
            while self._stop_deadline is None or self._downloads:
                self._run_once()
                if self._stop_deadline is not None and time.monotonic() > self._stop_deadline:
                    break
        self._unregister()

    # One turn of the loop ---------------------------------------------------------------------

    def _run_once(self) -> None:
        for key, _ in self._selector.select(self._select_timeout()):
            if isinstance(key.data, DownloadProcess):
                self._receive_progress(key.data)
            else:
                os.read(key.fd, 4096)
        self._run_if_database_up(self._reap_downloads)
        for each in self._downloads:
            if self._stop_deadline is not None:
                each.request_stop()
            each.kill_if_overdue()
        if self._stop_deadline is not None:
            return
        self._run_every(POLL_INTERVAL_SECONDS, self._remove_orphaned_folders)
        self._run_every(HEARTBEAT_INTERVAL_SECONDS, self._check_disk_space)
        self._run_every(POLL_INTERVAL_SECONDS, self._stop_downloads_without_lease)
        self._run_every(POLL_INTERVAL_SECONDS, self._claim_videos)
        self._run_every(LEASE_RENEWAL_INTERVAL_SECONDS, self._renew_leases)
        self._run_every(LEASE_RENEWAL_INTERVAL_SECONDS, self._requeue_expired)
        self._run_every(LEASE_RENEWAL_INTERVAL_SECONDS, Video.objects.finish_interrupted_removals)
        self._run_every(HEARTBEAT_INTERVAL_SECONDS, self._write_heartbeat)

    def _select_timeout(self) -> float:
        if any(each.is_stopping for each in self._downloads):
            return 0.05
        return max(0.0, min((*self._next_run_at.values(), time.monotonic() + POLL_INTERVAL_SECONDS)) - time.monotonic())

    def _run_every(self, interval_seconds: float, task: Callable[[], None]) -> None:
        now = time.monotonic()
        if self._next_run_at.get(task, 0.0) <= now:
            self._next_run_at[task] = now + interval_seconds
            self._run_if_database_up(task)

    def _run_if_database_up(self, task: Callable[[], None]) -> None:
        """Do it, or try again next time: a database that is locked or away fails no download."""
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

    # What it does ----------------------------------------------------------------------------------

    def _remove_orphaned_folders(self) -> None:
        """Remove, once, what attempts left behind whose video is not waiting or active any more."""
        if self._are_orphans_removed:
            return
        rooms = {*workspace.list_ids(), *media_folder.list_incoming_ids()}
        kept = set(Video.objects.unfinished().filter(video_id__in=rooms).values_list("video_id", flat=True))
        for video_id in rooms - kept:
            workspace.remove_workspace(video_id)
        # A crash between the rename into the library and the commit, then a cancel. An id without a row is
        # left alone: a database that was lost must not cost the files as well.
        ended = Video.objects.filter(
            status__in=TERMINAL_STATUSES, media_file="", video_id__in=media_folder.list_stored_ids()
        )
        for video_id in ended.values_list("video_id", flat=True):
            media_folder.remove_video_folder(video_id)
        self._are_orphans_removed = True

    def _check_disk_space(self) -> None:
        """Hold the queue while the disk is nearly full, and let it go when there is room again."""
        self._disk_shortage = workspace.disk_shortage()
        if self._disk_shortage:
            Queue.hold(socket.gethostname(), self._disk_shortage, LOW_DISK_HOLD_SECONDS)
        elif Queue.release_hold(socket.gethostname(), "There is room on the disk again"):
            logger.info("There is room on the disk again")

    def _claim_videos(self) -> None:
        """Fill the free places from the queue."""
        if self._disk_shortage:
            return
        # First a look that takes no lock: an idle worker keeps nobody from writing.
        while self._has_free_slot() and Video.objects.claimable().exists():
            video = Video.objects.claim(self.name)
            if video is None or not self._start_download(video):
                break
        if not self._is_ready:
            self._is_ready = True
            self._write_heartbeat()
            logger.info("ytarchive worker: ready, %d downloads at once", self.max_downloads)

    def _has_free_slot(self) -> bool:
        return self._stop_deadline is None and len(self._downloads) < self.max_downloads

    def _start_download(self, video: Video) -> bool:
        try:
            download = DownloadProcess(video, self._rate_per_download(len(self._downloads) + 1))
        except OSError as error:
            logger.exception("%s: no process could be started, a pause", video.video_id)
            self._next_run_at[self._claim_videos] = time.monotonic() + SPAWN_RETRY_DELAY_SECONDS
            video.release(f"No process could be started: {error}")
            return False
        self._downloads.append(download)
        self._selector.register(download, selectors.EVENT_READ, download)
        self._divide_bandwidth()
        return True

    @staticmethod
    def _rate_per_download(download_count: int) -> int:
        return -(-settings.BANDWIDTH // max(1, download_count))

    def _divide_bandwidth(self) -> None:
        """Divide the bandwidth among those that run."""
        for each in self._downloads:
            each.set_rate_limit(self._rate_per_download(len(self._downloads)))

    def _stop_downloads_without_lease(self) -> None:
        """Stop the downloads whose lease is gone: cancelled, given to another worker, or run out."""
        for each in self._downloads:
            if each.is_lease_overdue():
                each.request_stop()
        tokens = [each.video.lease_token for each in self._downloads]
        if not tokens:
            return
        held = set(Video.objects.active().filter(lease_token__in=tokens).values_list("lease_token", flat=True))
        for each in self._downloads:
            if each.video.lease_token not in held:
                each.request_stop()

    def _renew_leases(self) -> None:
        for each in self._downloads:
            if not each.is_stopping and not each.is_lease_overdue() and each.reap() is None:
                each.renew_lease()

    def _requeue_expired(self) -> None:
        if count := Video.objects.requeue_expired():
            logger.info("%d lost downloads are back in the queue", count)

    def _write_heartbeat(self) -> None:
        """Say that this worker lives, to whoever asks; Redis may be away."""
        with contextlib.suppress(redis.RedisError, OSError):
            redis_clients.get_redis_client().set(
                keys.WORKER_KEY_PREFIX + self.name, int(time.time()), ex=HEARTBEAT_TTL_SECONDS
            )

    def _receive_progress(self, download: DownloadProcess) -> None:
        if not download.read_progress():
            self._stop_receiving(download)

    def _stop_receiving(self, download: DownloadProcess) -> None:
        if download.fileno() in self._selector.get_map():
            self._selector.unregister(download)

    def _reap_downloads(self) -> None:
        for each in list(self._downloads):
            how = each.reap()
            if how is None:
                continue
            self._stop_receiving(each)
            # Where the database is away this raises, and the next turn of the loop settles it.
            self._handle_exit(each, how)
            each.close_pipes()
            self._downloads.remove(each)
            self._divide_bandwidth()
            self._next_run_at.pop(self._claim_videos, None)

    def _handle_exit(self, download: DownloadProcess, exit_reason: str) -> None:
        """See to a row whose process ended without a word of its own, and to what it left."""
        video = download.video
        if self._stop_deadline is not None:
            video.release("The worker was stopped")
        elif download.is_stopping:
            video.release("The lease could not be renewed")
        elif video.holds_lease():
            self._retry_after_crash(video, f"{PROCESS_DIED_MESSAGE} ({exit_reason or 'without a word'})")
        if not Video.objects.unfinished().filter(pk=video.pk).exists():
            workspace.remove_workspace(video.video_id)

    def _retry_after_crash(self, video: Video, reason: str) -> None:
        """Try a video again whose process died; it fails when that happens time and again."""
        logger.error("%s: %s", video.video_id, reason)
        advanced = workspace.has_gained_bytes(video.video_id)
        video.retry_later(f"{reason}. The worker's log may say more.", made_progress=advanced)

    # The end -----------------------------------------------------------------------------------------

    def _on_stop_signal(self, *_: object) -> None:
        if self._stop_deadline is None:
            self._stop_deadline = time.monotonic() + SHUTDOWN_TIMEOUT_SECONDS

    def _unregister(self) -> None:
        with contextlib.suppress(redis.RedisError, OSError):
            redis_clients.get_redis_client().delete(keys.WORKER_KEY_PREFIX + self.name)
        logger.info("ytarchive worker: stopped")

    @contextlib.contextmanager
    def _signal_wakeup(self) -> Iterator[None]:
        """Have signals wake the loop; those that ask for the end start it."""
        woken, wake = socket.socketpair()
        with woken, wake:
            woken.setblocking(False)
            wake.setblocking(False)
            signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
            for number in HANDLED_SIGNALS:
                signal.signal(number, _ignore_signal if number == signal.SIGCHLD else self._on_stop_signal)
            self._selector.register(woken, selectors.EVENT_READ)
            try:
                yield
            finally:
                signal.set_wakeup_fd(-1)


def _ignore_signal(*_: object) -> None:
    """Stand in for a handler: the wake-up is the message."""
