"""Videos, their history, and the verbs that move a video from state to state.

The row is the queue and the truth. A state changes by a conditional UPDATE, so two workers cannot
both win, and in the same transaction an event row is written; once that is committed, one message
goes out on the wire.
"""

import dataclasses
import datetime as dt
import functools
import secrets
from collections.abc import Callable
from typing import Any, Self

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import F, Max, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import get_random_string

from downloads import progress

LEASE = dt.timedelta(seconds=30)
# No look-alikes, and no "-" at the start that a shell would take for an option.
ID_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"
MAX_URL = 2048
LONGEST_TEXT = 100_000


class Status(models.TextChoices):
    """The states of a video; its values are those of the wire."""

    QUEUED = "queued", "Waiting"
    DOWNLOADING = "downloading", "Downloading"
    PROCESSING = "processing", "Processing"
    COMPLETE = "complete", "Complete"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


ACTIVE = (Status.DOWNLOADING, Status.PROCESSING)
UNFINISHED = (Status.QUEUED, *ACTIVE)
ENDED = (Status.COMPLETE, Status.FAILED, Status.CANCELLED)


class Quality(models.TextChoices):
    """What to fetch where a site offers a choice."""

    BEST = "best", "Best"
    P1080 = "1080p", "1080p"
    P720 = "720p", "720p"
    P480 = "480p", "480p"
    AUDIO = "audio", "Audio only"


@dataclasses.dataclass(frozen=True)
class Facts:
    """What a look-up says about a video; lengths are cut to the columns' by `Video.describe`."""

    title: str = ""
    uploader: str = ""
    description: str = ""
    duration: float | None = None  # seconds
    upload_date: dt.date | None = None
    extractor: str = ""
    source_id: str = ""
    webpage_url: str = ""


@dataclasses.dataclass(frozen=True)
class Filed:
    """What lies in the media folder; paths are relative to it, sizes in bytes."""

    media_file: str
    size: int
    thumbnail: str = ""


class VideoQuerySet(models.QuerySet["Video"]):
    def active(self) -> Self:
        """Downloading or processing now."""
        return self.filter(status__in=ACTIVE)

    def unfinished(self) -> Self:
        """Waiting or active."""
        return self.filter(status__in=UNFINISHED)

    def waiting(self) -> Self:
        """In the queue, next one first."""
        return self.filter(status=Status.QUEUED).order_by("queued_at", "pk")

    def lost(self) -> Self:
        """Active, but nobody has renewed the lease."""
        return self.active().filter(lease_until__lt=timezone.now())

    def newest(self) -> Self:
        """Newest first."""
        return self.order_by("-added_at", "-pk")


class VideoManager(models.Manager["Video"].from_queryset(VideoQuerySet)):  # type: ignore[misc]
    def ingest(
        self, url: str, canonical_url: str, *, by: Any = None, quality: str = Quality.BEST
    ) -> "tuple[Video, bool]":
        """Take a checked URL into the queue; (the video, True), or (the one that has this URL, False)."""
        with transaction.atomic():
            video, created = self.get_or_create(
                canonical_url=canonical_url, defaults={"url": url, "added_by": by, "quality": quality}
            )
            if created:
                video._record("Added")
        return video, created

    def claim(self, worker: str) -> "Video | None":
        """Take the next waiting video for `worker`, with a lease; None if there is none."""
        with transaction.atomic():
            waiting = self.get_queryset().waiting()
            if connection.features.has_select_for_update_skip_locked:
                waiting = waiting.select_for_update(skip_locked=True)
            video = waiting.first()
            if video is None or not video._start(worker):
                return None
        return video

    def rescue(self) -> int:
        """Put videos whose worker died back into the queue; return how many."""
        return sum(video.release("The worker stopped answering", lost=True) for video in self.get_queryset().lost())

    def rev(self) -> int:
        """Return the id of the newest event: it grows with every change of any row."""
        return VideoEvent.objects.aggregate(newest=Max("pk"))["newest"] or 0


def new_video_id() -> str:
    """Return a random public id of 11 characters (about 63 bits)."""
    return get_random_string(11, ID_ALPHABET)


class Video(models.Model):
    """One video: what was asked for, what is known of it, and where it stands."""

    video_id = models.CharField(max_length=64, unique=True, default=new_video_id, editable=False)
    url = models.CharField("submitted URL", max_length=MAX_URL)
    canonical_url = models.CharField("URL", max_length=MAX_URL, unique=True)
    extractor = models.CharField("site", max_length=100, blank=True)
    source_id = models.CharField("id at the site", max_length=255, blank=True)

    title = models.CharField(max_length=500, blank=True)
    uploader = models.CharField(max_length=255, blank=True)
    description = models.TextField(blank=True)
    duration = models.FloatField("duration in seconds", null=True, blank=True)
    upload_date = models.DateField(null=True, blank=True)
    thumbnail = models.CharField(max_length=500, blank=True)
    media_file = models.CharField(max_length=500, blank=True)
    size = models.BigIntegerField("size in bytes", null=True, blank=True)
    quality = models.CharField(max_length=8, choices=Quality.choices, default=Quality.BEST)

    status = models.CharField(max_length=16, choices=Status.choices, default=Status.QUEUED)
    phase = models.CharField(max_length=64, blank=True)
    percent = models.FloatField(null=True, blank=True)
    downloaded_bytes = models.BigIntegerField(null=True, blank=True)
    total_bytes = models.BigIntegerField(null=True, blank=True)
    error = models.TextField(blank=True)
    attempt = models.PositiveIntegerField(default=1)

    worker = models.CharField(max_length=255, blank=True)
    lease_token = models.CharField(max_length=32, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)

    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    added_at = models.DateTimeField(default=timezone.now)
    queued_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    processing_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = VideoManager()

    class Meta:
        indexes = (
            models.Index(fields=["status", "queued_at"]),
            models.Index(fields=["-added_at", "-id"]),
            models.Index(fields=["extractor", "source_id"]),
            models.Index(fields=["lease_token"], condition=~Q(lease_token=""), name="downloads_video_leases"),
        )

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("video", args=[self.video_id])

    @property
    def name(self) -> str:
        """The title, or the URL while no title is known."""
        return self.title or self.url

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE

    @property
    def is_ended(self) -> bool:
        return self.status in ENDED

    def progress(self) -> progress.Progress:
        """Return the row's state as it travels on the wire."""
        return progress.Progress(
            status=self.status,
            attempt=self.attempt,
            percent=self.percent,
            downloaded_bytes=self.downloaded_bytes,
            total_bytes=self.total_bytes,
            phase=self.phase,
            error=self.error[:500] if self.status == Status.FAILED else progress.UNSET,
        )

    # A person's verbs -------------------------------------------------------------------------

    def retry(self, reason: str = "Retried") -> bool:
        """Put a failed or cancelled video back into the queue; False if it is neither."""
        return self._requeue(reason, status__in=(Status.FAILED, Status.CANCELLED))

    def cancel(self, reason: str = "Cancelled") -> bool:
        """Take a waiting or active video out; its worker finds its lease gone and stops. False if it has ended."""
        return self._move(Status.CANCELLED, reason, status__in=UNFINISHED, **_leave())

    # A worker's verbs: each holds only for the one who has the lease ----------------------------

    def _start(self, worker: str) -> bool:
        """Claim the video for this attempt; False if another worker got there first."""
        return self._move(
            Status.DOWNLOADING,
            "Started",
            status=Status.QUEUED,
            changes={
                "worker": worker,
                "lease_token": secrets.token_hex(16),
                "lease_until": timezone.now() + LEASE,
                "started_at": timezone.now(),
                "processing_at": None,
                "ended_at": None,
                "phase": "looking up",
                "error": "",
            },
        )

    def renew(self, **state: Any) -> bool:
        """Renew the lease and write `state` (percent, downloaded_bytes, total_bytes, phase); False if it is lost."""
        mine = Video.objects.filter(pk=self.pk, lease_token=self.lease_token, status__in=ACTIVE)
        return bool(self.lease_token) and mine.update(lease_until=timezone.now() + LEASE, **state) == 1

    def holds_lease(self) -> bool:
        """Tell whether this attempt is still the one (neither cancelled nor given to another worker)."""
        return Video.objects.filter(pk=self.pk, lease_token=self.lease_token, status__in=ACTIVE).exists()

    def describe(self, facts: Facts) -> bool:
        """Keep what the look-up found; False if the lease is lost."""
        changes = {
            name: _fitted(name, value)
            for name, value in dataclasses.asdict(facts).items()
            if name != "webpage_url" and value not in ("", None)
        }
        return self._write("Found", changes, {"changed": True}, lease_token=self.lease_token, status__in=ACTIVE)

    def process(self, phase: str) -> bool:
        """Everything is fetched, now `phase`; False if the lease is lost."""
        return self._move(
            Status.PROCESSING,
            "Fetched",
            status=Status.DOWNLOADING,
            lease_token=self.lease_token,
            changes={"phase": phase, "processing_at": timezone.now()},
        )

    def finish(self, filed: Filed, place: Callable[[], None]) -> bool:
        """File the video away: `place` moves its files once the row is ours; False if the lease is lost.

        Row and files go together: if `place` raises, the row stays as it was.
        """
        done = {"percent": 100.0, "downloaded_bytes": filed.size, "total_bytes": filed.size}
        return self._move(
            Status.COMPLETE,
            "Filed",
            place,
            status__in=ACTIVE,
            lease_token=self.lease_token,
            **_leave({**dataclasses.asdict(filed), **done, "error": ""}),
        )

    def fail(self, error: str) -> bool:
        """The attempt failed with `error`, in words for a person; False if the lease is lost."""
        return self._move(
            Status.FAILED, error, status__in=ACTIVE, lease_token=self.lease_token, **_leave({"error": error})
        )

    def release(self, reason: str, *, lost: bool = False) -> bool:
        """Give an active video back to the queue; with `lost` only if nobody renewed the lease meanwhile."""
        where: dict[str, Any] = {"status__in": ACTIVE, "lease_token": self.lease_token}
        if lost:
            where["lease_until__lt"] = timezone.now()
        return self._requeue(reason, **where)

    # How a verb writes ----------------------------------------------------------------------------

    def _requeue(self, reason: str, **where: Any) -> bool:
        changes = {
            "attempt": F("attempt") + 1,
            "queued_at": timezone.now(),
            "ended_at": None,
            "percent": None,
            "downloaded_bytes": None,
            "total_bytes": None,
            "phase": "",
            "error": "",
            **_NO_LEASE,
        }
        return self._move(Status.QUEUED, reason, changes=changes, **where)

    def _move(
        self, to: Status, reason: str, place: Callable[[], None] | None = None, *, changes: dict[str, Any], **where: Any
    ) -> bool:
        """Change the state where `where` holds; False if it does not."""
        return self._write(reason, {"status": to, **changes}, {"status": to}, place, **where)

    def _write(
        self,
        reason: str,
        changes: dict[str, Any],
        message: dict[str, Any],
        place: Callable[[], None] | None = None,
        **where: Any,
    ) -> bool:
        if where.get("lease_token") == "":
            return False
        with transaction.atomic():
            if not Video.objects.filter(pk=self.pk, **where).update(**changes):
                return False
            if place:
                place()
            self.refresh_from_db()
            self._record(reason, message)
        return True

    def _record(self, reason: str, message: dict[str, Any] | None = None) -> None:
        """Write the event, and say it on the wire once both are committed."""
        VideoEvent.objects.create(
            video=self, public_id=self.video_id, status=self.status, attempt=self.attempt, reason=reason[:2000]
        )
        state = self.progress()
        if message is not None and "status" not in message:
            state = progress.Progress(attempt=self.attempt, **message)
        transaction.on_commit(functools.partial(progress.publish, self.video_id, state))


_NO_LEASE: dict[str, Any] = {"worker": "", "lease_token": "", "lease_until": None}


def _leave(changes: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the changes of a verb that ends an attempt."""
    return {"changes": {"ended_at": timezone.now(), "phase": "", **_NO_LEASE, **(changes or {})}}


def _fitted(name: str, value: Any) -> Any:
    """Return a fact that fits its column: no NUL (PostgreSQL refuses it), not too long."""
    if not isinstance(value, str):
        return value
    longest = getattr(Video._meta.get_field(name), "max_length", None)
    return value.replace("\x00", "")[: longest or LONGEST_TEXT]


class VideoEvent(models.Model):
    """One change of a video. The newest id is the archive's `rev`, so events outlive their video."""

    video = models.ForeignKey(Video, null=True, on_delete=models.SET_NULL, related_name="events")
    public_id = models.CharField(max_length=64, db_index=True)
    at = models.DateTimeField(default=timezone.now)
    status = models.CharField(max_length=16, choices=Status.choices)
    attempt = models.PositiveIntegerField(default=1)
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.public_id} {self.status}: {self.reason}"
