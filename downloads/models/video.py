"""Videos, and the verbs that move a video from state to state.

The row is the queue and the truth. A state changes by a conditional UPDATE, so two workers cannot both
win, and in the same transaction an event row is written; once that is committed, one message goes out
on the wire.
"""

import dataclasses
import datetime as dt
import random
import secrets
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import get_random_string

from downloads.models import indexes, removal, transitions
from downloads.models.choices import ACTIVE_STATUSES, TERMINAL_STATUSES, UNFINISHED_STATUSES, Quality, Status
from downloads.models.querysets import VideoManager
from downloads.models.value_objects import Metadata, QueuePosition, StoredFiles
from downloads.progress import message

LEASE_DURATION = dt.timedelta(seconds=settings.LEASE_SECONDS)
MAX_RETRIES = 3  # automatic ones, after temporary errors
RETRY_BACKOFF_FACTOR = 4  # how much longer each wait is than the one before
# No look-alikes, and no "-" at the start that a shell would take for an option.
ID_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"
MAX_URL_LENGTH = 2048
DEFAULT_QUEUE_POSITION = QueuePosition()


def new_video_id() -> str:
    """Return a random public id of 11 characters (about 63 bits)."""
    return get_random_string(11, ID_ALPHABET)


class Video(models.Model):
    """One video: what was asked for, what is known of it, and where it stands."""

    video_id = models.CharField(max_length=64, unique=True, default=new_video_id, editable=False)
    url = models.CharField("submitted URL", max_length=MAX_URL_LENGTH)
    canonical_url = models.CharField("URL", max_length=MAX_URL_LENGTH, unique=True)
    extractor = models.CharField("site", max_length=100, blank=True)
    source_id = models.CharField("id at the site", max_length=255, blank=True)
    host = models.CharField(max_length=255, blank=True)
    is_list = models.BooleanField("is a list of videos", default=False)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="entries")

    title = models.CharField(max_length=500, blank=True)
    uploader = models.CharField(max_length=255, blank=True)
    description = models.TextField(blank=True)
    duration = models.FloatField("duration in seconds", null=True, blank=True)
    upload_date = models.DateField(null=True, blank=True)
    thumbnail = models.CharField(max_length=500, blank=True)
    media_file = models.CharField(max_length=500, blank=True)
    size = models.BigIntegerField("size in bytes", null=True, blank=True)
    quality = models.CharField(max_length=8, choices=Quality.choices, default=Quality.BEST)
    subtitles = models.CharField("languages of subtitles", max_length=200, blank=True)
    # The files kept of them: {"language": "en", "file": path in the media folder}, a WebVTT file each.
    tracks = models.JSONField(default=list, blank=True, editable=False)
    insists = models.BooleanField("even if it is there already", default=False)

    status = models.CharField(max_length=16, choices=Status.choices, default=Status.QUEUED)
    phase = models.CharField(max_length=64, blank=True)
    percent = models.FloatField(null=True, blank=True)
    downloaded_bytes = models.BigIntegerField(null=True, blank=True)
    total_bytes = models.BigIntegerField(null=True, blank=True)
    error = models.TextField(blank=True)
    attempt = models.PositiveIntegerField(default=1)
    tries = models.PositiveIntegerField("automatic retries", default=0)
    not_before = models.DateTimeField("waits until", null=True, blank=True)
    priority = models.IntegerField(default=0)

    worker = models.CharField(max_length=255, blank=True)
    lease_token = models.CharField(max_length=32, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)

    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    added_at = models.DateTimeField(default=timezone.now)
    queued_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    processing_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    # What the library is filtered and ordered by, kept by the database itself.
    kind = models.GeneratedField(
        expression=indexes.KIND_EXPRESSION, output_field=models.CharField(max_length=5), db_persist=True
    )
    sort_title = models.GeneratedField(
        expression=indexes.SORT_TITLE_EXPRESSION, output_field=models.CharField(max_length=100), db_persist=True
    )

    objects = VideoManager()

    class Meta:
        indexes = (
            *indexes.VIDEO_INDEXES,
            models.Index(fields=["status", "queued_at"]),
            models.Index(fields=["status", "-priority", "queued_at"]),
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
        return self.status in ACTIVE_STATUSES

    @property
    def is_terminal(self) -> bool:
        return self.status in TERMINAL_STATUSES

    @property
    def retries_at(self) -> "dt.datetime | None":
        """When a waiting video is tried again by itself; None for one that waits for its turn only."""
        return self.not_before if self.status == Status.QUEUED and self.tries else None

    @property
    def queue_position(self) -> QueuePosition:
        """Where it stands in the queue."""
        return QueuePosition(self.priority, self.not_before)

    def to_progress(self) -> message.Progress:
        """Return the row's state as it travels on the wire."""
        return message.Progress(
            status=self.status,
            attempt=self.attempt,
            percent=self.percent,
            downloaded_bytes=self.downloaded_bytes,
            total_bytes=self.total_bytes,
            phase=self.phase,
            error=self.error[:500] if self.status == Status.FAILED else message.UNSET,
        )

    # A person's verbs -------------------------------------------------------------------------

    def retry(self, reason: str = "Retried", *, allow_duplicate: bool = True) -> bool:
        """Put a failed or cancelled video back into the queue, even one that is there; False if it is neither."""
        return transitions._requeue_by_user(
            self, reason, allow_duplicate=allow_duplicate, status__in=(Status.FAILED, Status.CANCELLED)
        )

    def undo_retry(self, reason: str = "Not tried again") -> bool:
        """Let a retried video be failed or cancelled as it was; False if it has ended since."""
        return transitions._restore_outcome(self, reason, status__in=UNFINISHED_STATUSES)

    def redownload(self, reason: str = "Downloaded again") -> bool:
        """Fetch a complete video once more; what is there stays until the new one is. False if it is not complete."""
        return transitions._requeue_by_user(self, reason, allow_duplicate=True, status=Status.COMPLETE)

    def move_to_front(self, reason: str = "Moved to the front") -> bool:
        """Let a waiting video start next; False if it does not wait."""
        changes = {"priority": Video.objects.front_priority(), "not_before": None}
        return transitions._write(self, reason, changes, {"changed": True}, status=Status.QUEUED)

    def restore_position(self, reason: str = "Moved back", position: QueuePosition = DEFAULT_QUEUE_POSITION) -> bool:
        """Put a waiting video that was moved to the front back in its place; False if it does not wait."""
        return transitions._write(self, reason, dataclasses.asdict(position), {"changed": True}, status=Status.QUEUED)

    def undo_cancel(self, reason: str = "Put back") -> bool:
        """Take a cancellation back: the video waits in its old place. False if it is not cancelled."""
        return transitions._requeue(self, reason, status=Status.CANCELLED)

    def cancel(self, reason: str = "Cancelled") -> bool:
        """Take a waiting or active video out; its worker finds its lease gone and stops. False if it has ended."""
        return transitions._finish(self, Status.CANCELLED, reason, {}, status__in=UNFINISHED_STATUSES)

    def remove(self, reason: str = "Deleted") -> bool:
        """Remove it with its files and its history, and stop its download; False if it is gone. Raise CannotRemove."""
        return removal.remove(self, reason)

    def delete(self, *_: Any, **__: Any) -> tuple[int, dict[str, int]]:
        """Remove it as `remove` does: Django's own way would leave the files behind."""
        count = int(self.remove())
        return count, {self._meta.label: count}

    # A worker's verbs: each holds only for the one who has the lease ----------------------------

    @property
    def _lease_filter(self) -> dict[str, Any]:
        return {"status__in": ACTIVE_STATUSES, "lease_token": self.lease_token}

    def _claim(self, worker: str) -> bool:
        """Claim the video for this attempt; False if another worker got there first."""
        return transitions._transition(
            self,
            Status.DOWNLOADING,
            "Started",
            status=Status.QUEUED,
            changes={
                "worker": worker,
                "lease_token": secrets.token_hex(16),
                "lease_until": timezone.now() + LEASE_DURATION,
                "started_at": timezone.now(),
                "processing_at": None,
                "ended_at": None,
                "phase": "looking up",
                "error": "",
                "not_before": None,
            },
        )

    def renew_lease(self, **state: Any) -> bool:
        """Renew the lease and write `state` (percent, downloaded_bytes, total_bytes, phase); False if it is lost."""
        mine = Video.objects.filter(pk=self.pk, **self._lease_filter)
        return bool(self.lease_token) and mine.update(lease_until=timezone.now() + LEASE_DURATION, **state) == 1

    def holds_lease(self) -> bool:
        """Tell whether this attempt is still the one (neither cancelled nor given to another worker)."""
        return Video.objects.filter(pk=self.pk, **self._lease_filter).exists()

    def save_metadata(self, metadata: Metadata) -> bool:
        """Keep what the look-up found; False if the lease is lost."""
        changes = {
            name: transitions._truncate(self, name, value)
            for name, value in dataclasses.asdict(metadata).items()
            if name != "webpage_url" and value not in ("", None)
        }
        return transitions._write(self, "Found", changes, {"changed": True}, **self._lease_filter)

    def start_processing(self, phase: str) -> bool:
        """Everything is fetched, now `phase`; False if the lease is lost."""
        return transitions._transition(
            self,
            Status.PROCESSING,
            "Fetched",
            status=Status.DOWNLOADING,
            lease_token=self.lease_token,
            changes={"phase": phase, "processing_at": timezone.now()},
        )

    def finish(self, stored_files: StoredFiles, move_files: Callable[[], None]) -> bool:
        """File the video away: `place` moves its files once the row is ours; False if the lease is lost.

        Row and files go together: if `place` raises, the row stays as it was.
        """
        done = {"percent": 100.0, "downloaded_bytes": stored_files.size, "total_bytes": stored_files.size, "error": ""}
        kept = {name: value for name, value in dataclasses.asdict(stored_files).items() if value is not None}
        return transitions._finish(
            self, Status.COMPLETE, "Filed", {**kept, **done}, move_files=move_files, **self._lease_filter
        )

    def complete_as_playlist(self, title: str, reason: str) -> bool:
        """The address was a list, whose entries are videos of their own now; False if the lease is lost."""
        done = {"is_list": True, "percent": 100.0, "error": "", "title": transitions._truncate(self, "title", title)}
        return transitions._finish(self, Status.COMPLETE, reason, done, **self._lease_filter)

    def fail(self, error: str) -> bool:
        """The attempt failed with `error`, in words for a person; False if the lease is lost."""
        return transitions._finish(self, Status.FAILED, error, {"error": error}, **self._lease_filter)

    def skip_as_duplicate(self, reason: str) -> bool:
        """This video is not wanted twice; False if the lease is lost."""
        return transitions._finish(self, Status.CANCELLED, reason, {"error": reason}, **self._lease_filter)

    def retry_later(self, error: str, *, made_progress: bool = False) -> bool:
        """A temporary error: wait, then try again, unless that was done often enough; False if the lease is lost.

        Tries before one that `advanced` do not count: what is only interrupted now and then gets there.
        """
        tries = 0 if made_progress else self.tries
        if tries >= MAX_RETRIES:
            return self.fail(error)
        wait = settings.RETRY_SECONDS * RETRY_BACKOFF_FACTOR**tries * random.uniform(0.75, 1.25)  # noqa: S311
        words = f"Retrying in {transitions.format_wait(wait)} ({tries + 1} of {MAX_RETRIES}). {error}"
        later = {"tries": tries + 1, "not_before": timezone.now() + dt.timedelta(seconds=wait), "error": error}
        return transitions._requeue(self, words, later, **self._lease_filter)

    def release(self, reason: str, *, only_if_expired: bool = False) -> bool:
        """Give an active video back to the queue; with `lost` only if nobody renewed the lease meanwhile."""
        where = self._lease_filter | ({"lease_until__lt": timezone.now()} if only_if_expired else {})
        return transitions._requeue(self, reason, **where)
