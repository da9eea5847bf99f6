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

from downloads.database import _be_brief
from downloads.files import ffmpeg, media_folder, workspace
from downloads.models import TERMINAL_STATUSES, LEASE_DURATION, Queue, Video
from downloads.progress import keys, redis_clients
from downloads.worker.download_process import Supervised

logger = logging.getLogger(__name__)

POLL = 0.5  # seconds: between two looks at the queue and at the leases
RENEW = LEASE_DURATION.total_seconds() / 6  # between two renewals of a lease, and rescues
BEAT = 5.0  # seconds: between two heartbeats, and two looks at the disk
HOLD = 30.0  # seconds that one look at a full disk holds the queue
BEAT_LASTS = 15  # seconds
BREATHER = 30.0  # seconds without a claim where the machine has no room for a process
LAST_WORDS = 4.0  # seconds that a stopping worker takes to give its videos back
DIED = "The download's process died"
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


class Worker:
    """Runs up to `places` downloads at once: `Worker(2).run()`."""

    def __init__(self, places: int) -> None:
        self.places = places
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self._downloads: list[Supervised] = []
        self._selector = selectors.DefaultSelector()
        self._stop_by: float | None = None
        self._is_ready = False
        self._due: dict[Callable[[], None], float] = {}
        self._troubled: set[Callable[[], None]] = set()
        self._is_swept = False
        self._lack = ""

    def run(self) -> None:
        """Work until a signal says to stop; then give back what is unfinished."""
        for line in ffmpeg.missing_tool_warnings():
            logger.warning("%s", line)
        _be_brief()
        with self._signals():
            while self._stop_by is None or self._downloads:
                self._step()
                if self._stop_by is not None and time.monotonic() > self._stop_by:
                    break
        self._goodbye()

    # One turn of the loop ---------------------------------------------------------------------

    def _step(self) -> None:
        for key, _ in self._selector.select(self._patience()):
            if isinstance(key.data, Supervised):
                self._hear(key.data)
            else:
                os.read(key.fd, 4096)
        self._tolerantly(self._reap)
        for each in self._downloads:
            if self._stop_by is not None:
                each.stop()
            each.press()
        if self._stop_by is not None:
            return
        self._every(POLL, self._sweep)
        self._every(BEAT, self._look_at_disk)
        self._every(POLL, self._check)
        self._every(POLL, self._claim)
        self._every(RENEW, self._renew)
        self._every(RENEW, self._rescue)
        self._every(RENEW, Video.objects.finish_interrupted_removals)
        self._every(BEAT, self._beat)

    def _patience(self) -> float:
        if any(each.is_stopping for each in self._downloads):
            return 0.05
        return max(0.0, min((*self._due.values(), time.monotonic() + POLL)) - time.monotonic())

    def _every(self, seconds: float, do: Callable[[], None]) -> None:
        now = time.monotonic()
        if self._due.get(do, 0.0) <= now:
            self._due[do] = now + seconds
            self._tolerantly(do)

    def _tolerantly(self, do: Callable[[], None]) -> None:
        """Do it, or try again next time: a database that is locked or away fails no download."""
        try:
            do()
        except DatabaseError as error:
            if not self._troubled:
                logger.warning("The database cannot be used, trying again: %s", error)
            self._troubled.add(do)
            connection.close()
        else:
            # A full disk lets the database be read: only what has failed tells that it can be used.
            if self._troubled == {do}:
                logger.info("The database can be used again.")
            self._troubled.discard(do)

    # What it does ----------------------------------------------------------------------------------

    def _sweep(self) -> None:
        """Remove, once, what attempts left behind whose video is not waiting or active any more."""
        if self._is_swept:
            return
        rooms = {*workspace.list_ids(), *media_folder.list_incoming_ids()}
        kept = set(Video.objects.unfinished().filter(video_id__in=rooms).values_list("video_id", flat=True))
        for video_id in rooms - kept:
            workspace.remove_workspace(video_id)
        # A crash between the rename into the library and the commit, then a cancel. An id without a row is
        # left alone: a database that was lost must not cost the files as well.
        ended = Video.objects.filter(status__in=TERMINAL_STATUSES, media_file="", video_id__in=media_folder.list_stored_ids())
        for video_id in ended.values_list("video_id", flat=True):
            media_folder.remove_video_folder(video_id)
        self._is_swept = True

    def _look_at_disk(self) -> None:
        """Hold the queue while the disk is nearly full, and let it go when there is room again."""
        self._lack = workspace.disk_shortage()
        if self._lack:
            Queue.hold(socket.gethostname(), self._lack, HOLD)
        elif Queue.release_hold(socket.gethostname(), "There is room on the disk again"):
            logger.info("There is room on the disk again")

    def _claim(self) -> None:
        """Fill the free places from the queue."""
        if self._lack:
            return
        # First a look that takes no lock: an idle worker keeps nobody from writing.
        while self._has_room() and Video.objects.claimable().exists():
            video = Video.objects.claim(self.name)
            if video is None or not self._start(video):
                break
        if not self._is_ready:
            self._is_ready = True
            self._beat()
            logger.info("ytarchive worker: ready, %d downloads at once", self.places)

    def _has_room(self) -> bool:
        return self._stop_by is None and len(self._downloads) < self.places

    def _start(self, video: Video) -> bool:
        try:
            download = Supervised(video, self._rate(len(self._downloads) + 1))
        except OSError as error:
            logger.exception("%s: no process could be started, a pause", video.video_id)
            self._due[self._claim] = time.monotonic() + BREATHER
            video.release(f"No process could be started: {error}")
            return False
        self._downloads.append(download)
        self._selector.register(download, selectors.EVENT_READ, download)
        self._share()
        return True

    @staticmethod
    def _rate(downloads: int) -> int:
        return -(-settings.BANDWIDTH // max(1, downloads))

    def _share(self) -> None:
        """Divide the bandwidth among those that run."""
        for each in self._downloads:
            each.limit(self._rate(len(self._downloads)))

    def _check(self) -> None:
        """Stop the downloads whose lease is gone: cancelled, given to another worker, or run out."""
        for each in self._downloads:
            if each.is_overdue():
                each.stop()
        tokens = [each.video.lease_token for each in self._downloads]
        if not tokens:
            return
        held = set(Video.objects.active().filter(lease_token__in=tokens).values_list("lease_token", flat=True))
        for each in self._downloads:
            if each.video.lease_token not in held:
                each.stop()

    def _renew(self) -> None:
        for each in self._downloads:
            if not each.is_stopping and not each.is_overdue() and each.reap() is None:
                each.renew()

    def _rescue(self) -> None:
        if count := Video.objects.requeue_expired():
            logger.info("%d lost downloads are back in the queue", count)

    def _beat(self) -> None:
        """Say that this worker lives, to whoever asks; Redis may be away."""
        with contextlib.suppress(redis.RedisError, OSError):
            redis_clients.get_redis_client().set(keys.WORKER_KEY_PREFIX + self.name, int(time.time()), ex=BEAT_LASTS)

    def _hear(self, download: Supervised) -> None:
        if not download.hear():
            self._unhear(download)

    def _unhear(self, download: Supervised) -> None:
        if download.fileno() in self._selector.get_map():
            self._selector.unregister(download)

    def _reap(self) -> None:
        for each in list(self._downloads):
            how = each.reap()
            if how is None:
                continue
            self._unhear(each)
            # Where the database is away this raises, and the next turn of the loop settles it.
            self._settle(each, how)
            each.close()
            self._downloads.remove(each)
            self._share()
            self._due.pop(self._claim, None)

    def _settle(self, download: Supervised, how: str) -> None:
        """See to a row whose process ended without a word of its own, and to what it left."""
        video = download.video
        if self._stop_by is not None:
            video.release("The worker was stopped")
        elif download.is_stopping:
            video.release("The lease could not be renewed")
        elif video.holds_lease():
            self._mourn(video, f"{DIED} ({how or 'without a word'})")
        if not Video.objects.unfinished().filter(pk=video.pk).exists():
            workspace.remove_workspace(video.video_id)

    def _mourn(self, video: Video, reason: str) -> None:
        """Try a video again whose process died; it fails when that happens time and again."""
        logger.error("%s: %s", video.video_id, reason)
        advanced = workspace.has_gained_bytes(video.video_id)
        video.retry_later(f"{reason}. The worker's log may say more.", made_progress=advanced)

    # The end -----------------------------------------------------------------------------------------

    def _stop(self, *_: object) -> None:
        if self._stop_by is None:
            self._stop_by = time.monotonic() + LAST_WORDS

    def _goodbye(self) -> None:
        with contextlib.suppress(redis.RedisError, OSError):
            redis_clients.get_redis_client().delete(keys.WORKER_KEY_PREFIX + self.name)
        logger.info("ytarchive worker: stopped")

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """Have signals wake the loop; those that ask for the end start it."""
        woken, wake = socket.socketpair()
        with woken, wake:
            woken.setblocking(False)
            wake.setblocking(False)
            signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
            for number in SIGNALS:
                signal.signal(number, _notice if number == signal.SIGCHLD else self._stop)
            self._selector.register(woken, selectors.EVENT_READ)
            try:
                yield
            finally:
                signal.set_wakeup_fd(-1)


def _notice(*_: object) -> None:
    """Stand in for a handler: the wake-up is the message."""
