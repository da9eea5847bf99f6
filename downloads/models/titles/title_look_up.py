"""Look-up of a waiting video ahead of its download: one row per video that was looked up, with a lease of its own.

The video's own row stays as it is: queued. A download that claims it wins, since the result of a look-up is written
to a queued row only.
"""

import datetime as dt
import secrets
from typing import Any, ClassVar

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q

from downloads.database import advisory_lock
from downloads.database.clock import current_moment, read_clock
from downloads.database.stored_values import TolerantRow
from downloads.models.bulk import bulk_action
from downloads.models.choices import Status
from downloads.models.leases.lease import LEASE_DURATION, lease_in_force, leased_row
from downloads.models.queue import Queue
from downloads.models.subscriptions.host_pause import HostPause
from downloads.models.value_objects import Metadata
from downloads.models.video import Video
from downloads.network.sites import site_of

AHEAD_COUNT = 200  # waiting videos that are looked up, in the order of the queue
MIN_WAIT = dt.timedelta(seconds=1)  # in the queue: what starts at once is not looked up twice
MAX_ATTEMPTS = 2
FAILURE_PAUSE = dt.timedelta(minutes=5)  # of a site, after a failure that is not permanent
MAX_NOTE_LENGTH = 500
LOCK_NAME = "title look-ups"
CLEARED_LOOK_UP_LEASE: dict[str, Any] = {"lease_token": "", "lease_until": None}


class TitleLookUp(TolerantRow):
    """The look-up of one video: running while it has an unexpired lease, to be repeated from `next_at` on."""

    video = models.OneToOneField(Video, on_delete=models.CASCADE, primary_key=True, related_name="title_look_up")
    host = models.CharField(max_length=255, blank=True)
    lease_token = models.CharField(max_length=32, blank=True)
    lease_until = models.DateTimeField(null=True)
    started_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=1)
    next_at = models.DateTimeField(null=True)  # None: not again
    # Why nothing was found, such as that the video is private. A hint: only the download decides.
    note = models.CharField(max_length=MAX_NOTE_LENGTH, blank=True)

    objects: ClassVar[models.Manager["TitleLookUp"]] = models.Manager()

    class Meta:
        indexes = (
            models.Index(fields=["started_at"], name="downloads_look_ups_started"),
            models.Index(fields=["lease_token"], condition=~Q(lease_token=""), name="downloads_look_up_leases"),
        )

    def __str__(self) -> str:
        return f"Look-up of {self.video_id}"

    # By the supervisor --------------------------------------------------------------------------

    @classmethod
    def claim_next(cls) -> "TitleLookUp | None":
        """Claim the next video whose title is to be looked up; None if there is none, or not yet."""
        # Read first, and the least that tells: an idle worker asks each second, and a claim locks SQLite.
        if not settings.TITLES_AHEAD_SECONDS or not Video.objects.waiting().exists() or cls._find_next() is None:
            return None
        with transaction.atomic():
            advisory_lock(LOCK_NAME)
            video = cls._find_next()
            return cls._claim(video) if video else None

    @classmethod
    def _find_next(cls) -> Video | None:
        """Return the first waiting video without a title whose site may be asked now."""
        now = read_clock()
        # While a person has paused the queue, or a folder is out of reach, no site is asked for anything.
        if not Queue.get_or_default().is_open or cls.objects.filter(lease_in_force(now)).exists():
            return None
        waiting = Video.objects.waiting().exclude(bulk_action.pending_condition())
        videos = list(waiting.only("video_id", "host", "title", "queued_at", "not_before", "retry_count")[:AHEAD_COUNT])
        known = cls.objects.in_bulk([video.pk for video in videos if not video.title])
        busy = cls._busy_sites(now)
        busy |= {site_of(video.host) for video in videos if _is_later(video, now) and video.retry_count}
        return next(
            (
                video
                for video in videos
                if not video.title
                and site_of(video.host) not in busy
                and not _is_later(video, now)
                and video.queued_at
                and video.queued_at <= now - MIN_WAIT
                and (video.pk not in known or known[video.pk]._may_repeat(now))
            ),
            None,
        )

    @classmethod
    def _busy_sites(cls, now: dt.datetime) -> set[str]:
        """Return the sites that were asked too recently, are left alone after a failure, or asked for a pause."""
        just_asked = Q(started_at__gt=now - dt.timedelta(seconds=settings.TITLES_AHEAD_SECONDS))
        paused = Q(started_at__gt=now - 2 * FAILURE_PAUSE, next_at__gt=now)
        hosts = cls.objects.filter(just_asked | paused).values_list("host", flat=True)
        return set(map(site_of, hosts)) | set(HostPause.objects.in_force().values_list("host", flat=True))

    def _may_repeat(self, now: dt.datetime) -> bool:
        """Tell whether an earlier look-up has died or failed by an error that is not permanent, and not too often."""
        is_dead = bool(self.lease_token)  # no look-up runs, so nobody has this lease any more
        is_due = self.next_at is not None and self.next_at <= now
        return self.attempts < MAX_ATTEMPTS and (is_dead or is_due)

    @classmethod
    def _claim(cls, video: Video) -> "TitleLookUp":
        attempts = cls.objects.filter(pk=video.pk).values_list("attempts", flat=True).first() or 0
        row, _ = cls.objects.update_or_create(
            video=video,
            defaults={
                "host": video.host,
                "lease_token": secrets.token_hex(16),
                "lease_until": current_moment() + LEASE_DURATION,
                "started_at": current_moment(),
                "attempts": attempts + 1,
                "next_at": None,
                "note": "",
            },
        )
        return row

    def renew_lease(self, **_: Any) -> bool:
        """Renew the lease; False if it is lost."""
        return self._leased_row().update(lease_until=current_moment() + LEASE_DURATION) == 1

    def is_wanted(self) -> bool:
        """Tell whether the result would still be written: the lease holds, and the video waits in an open queue."""
        return self._leased_row().filter(video__status=Status.QUEUED).exists() and Queue.get_or_default().is_open

    def _leased_row(self) -> "models.QuerySet[TitleLookUp]":
        return leased_row(self, self.lease_token)

    # By the child -------------------------------------------------------------------------------

    def save_details(self, metadata: Metadata, thumbnail: str, note: str = "") -> bool:
        """Write what was found to the video, if it still waits; False if it does not, or the lease is lost."""
        with transaction.atomic():
            if not self._leased_row().update(note=note[:MAX_NOTE_LENGTH], **CLEARED_LOOK_UP_LEASE):
                return False
            video = Video.objects.filter(pk=self.pk, status=Status.QUEUED).first()
            return video is not None and video.save_details_ahead(metadata, thumbnail)

    def record_failure(self, note: str, *, is_permanent: bool) -> bool:
        """Note why nothing was found; the video is not touched. Unless it is permanent, the site's look-ups pause."""
        next_at = None if is_permanent else current_moment() + FAILURE_PAUSE
        return self._leased_row().update(note=note[:MAX_NOTE_LENGTH], next_at=next_at, **CLEARED_LOOK_UP_LEASE) == 1

    def abandon(self) -> None:
        """Give the lease up, with no result: the video is looked up again, if it still waits."""
        self._leased_row().update(next_at=current_moment(), attempts=F("attempts") - 1, **CLEARED_LOOK_UP_LEASE)


def _is_later(video: Video, now: dt.datetime) -> bool:
    return video.not_before is not None and video.not_before > now
