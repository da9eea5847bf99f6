"""State transitions of a video: conditional UPDATE, event row, message on the wire.

A transition is one UPDATE that applies only where the row is still in the expected state, so two workers
cannot both win. Its event is inserted in the same transaction; the message is published once both are committed.
"""

import dataclasses
import datetime as dt
import functools
import random
import secrets
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Max
from django.utils import timezone

from downloads.models.choices import ACTIVE_STATUSES, UNFINISHED_STATUSES, Status
from downloads.models.event import VideoEvent
from downloads.models.value_objects import MAX_PRIORITY, Metadata, QueuePosition, StoredFiles
from downloads.progress import publisher
from downloads.progress.message import UNSET, Progress
from downloads.search import document, index

LEASE_DURATION = dt.timedelta(seconds=settings.LEASE_SECONDS)
MAX_RETRIES = 3  # automatic retries in a row, after temporary errors
RETRY_BACKOFF_FACTOR = 4  # how much longer each wait is than the one before
DEFAULT_QUEUE_POSITION = QueuePosition()
MAX_TEXT_LENGTH = 100_000  # characters, of a column without a limit of its own
MAX_REASON_LENGTH = 2000  # characters of an event
MAX_ERROR_LENGTH = 500  # characters of a message on the wire
# NUL, which PostgreSQL refuses, and the characters that reverse the text around them, so that "4pm.exe" reads
# "exe.mp4" (Unicode TR 36).
STRIPPED_CHARACTERS = dict.fromkeys([0, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])
CLEARED_LEASE_FIELDS: dict[str, Any] = {"worker": "", "lease_token": "", "lease_until": None}


def format_wait(seconds: float) -> str:
    """Format a wait as "40 s" or "2 min"."""
    return f"{max(1, round(seconds))} s" if seconds < 59.5 else f"{round(seconds / 60)} min"


class Transitions(models.Model):
    """The transitions of a video: what people and workers do to a row of the queue.

    Each returns False where the row is not in a state that allows it, and changes nothing then.
    """

    # Columns of the whole model that a transition reads.
    video_id: "models.CharField[Any, str]"
    url: "models.CharField[Any, str]"
    title: "models.CharField[Any, str]"
    uploader: "models.CharField[Any, str]"
    description: "models.TextField[Any, str]"
    subtitle_files: "models.JSONField[Any, Any]"
    media_file: "models.CharField[Any, str]"
    is_list: "models.BooleanField[Any, bool]"

    status = models.CharField(max_length=16, choices=Status.choices, default=Status.QUEUED)
    phase = models.CharField(max_length=64, blank=True)
    percent = models.FloatField(null=True, blank=True)
    downloaded_bytes = models.BigIntegerField(null=True, blank=True)
    total_bytes = models.BigIntegerField(null=True, blank=True)
    error = models.TextField(blank=True)
    attempt = models.PositiveIntegerField(default=1)
    retry_count = models.PositiveIntegerField("automatic retries", default=0)
    not_before = models.DateTimeField("waits until", null=True, blank=True)
    priority = models.IntegerField(default=0)
    allow_duplicate = models.BooleanField("even if it is there already", default=False)

    host = models.CharField(max_length=255, blank=True)
    worker = models.CharField(max_length=255, blank=True)
    lease_token = models.CharField(max_length=32, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)

    queued_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    processing_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    def to_progress(self) -> Progress:
        """Return the state of the row as it travels on the wire."""
        return Progress(
            status=self.status,
            attempt=self.attempt,
            percent=self.percent,
            downloaded_bytes=self.downloaded_bytes,
            total_bytes=self.total_bytes,
            phase=self.phase,
            error=self.error[:MAX_ERROR_LENGTH] if self.status == Status.FAILED else UNSET,
        )

    # Transitions by people ---------------------------------------------------------------------

    def retry(self, reason: str = "Retried", *, allow_duplicate: bool = True) -> bool:
        """Queue a failed or cancelled video again, by default even as a duplicate; False if it is neither."""
        return self._requeue_by_user(
            reason, allow_duplicate=allow_duplicate, status__in=(Status.FAILED, Status.CANCELLED)
        )

    def undo_retry(self, reason: str = "Not tried again") -> bool:
        """Restore the outcome that a retried video had; False if it has ended since."""
        return self._restore_outcome(reason, status__in=UNFINISHED_STATUSES)

    def redownload(self, reason: str = "Downloaded again") -> bool:
        """Queue a complete video again; its files stay until new ones replace them. False if it is not complete."""
        return self._requeue_by_user(reason, allow_duplicate=True, status=Status.COMPLETE)

    def move_to_front(self, reason: str = "Moved to the front") -> bool:
        """Move a waiting video to the front of the queue; False if it does not wait."""
        changes = {"priority": self._front_priority(), "not_before": None}
        return self._write(reason, changes, {"changed": True}, status=Status.QUEUED)

    def _front_priority(self) -> int:
        """Return the priority that comes before every waiting video."""
        waiting = type(self)._default_manager.filter(status=Status.QUEUED)
        return min((waiting.aggregate(highest=Max("priority"))["highest"] or 0) + 1, MAX_PRIORITY)

    def restore_position(self, reason: str = "Moved back", position: QueuePosition = DEFAULT_QUEUE_POSITION) -> bool:
        """Move a waiting video back to its earlier position in the queue; False if it does not wait."""
        return self._write(reason, dataclasses.asdict(position), {"changed": True}, status=Status.QUEUED)

    def undo_cancel(self, reason: str = "Put back") -> bool:
        """Undo a cancellation: the video waits in its earlier position. False if it is not cancelled."""
        return self._requeue(reason, status=Status.CANCELLED)

    def cancel(self, reason: str = "Cancelled") -> bool:
        """Cancel a waiting or active video; its worker loses the lease and stops. False if it has ended."""
        return self._finish(Status.CANCELLED, reason, {}, status__in=UNFINISHED_STATUSES)

    # Transitions by a worker: each applies only while it holds the lease ------------------------

    @property
    def _lease_filter(self) -> dict[str, Any]:
        return {"status__in": ACTIVE_STATUSES, "lease_token": self.lease_token}

    def _claim(self, worker: str) -> bool:
        """Claim the video for this attempt; False if another worker got there first."""
        return self._transition(
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
        own_row = type(self)._default_manager.filter(pk=self.pk, **self._lease_filter)
        return bool(self.lease_token) and own_row.update(lease_until=timezone.now() + LEASE_DURATION, **state) == 1

    def holds_lease(self) -> bool:
        """Tell whether this attempt still has the lease: neither cancelled nor claimed by another worker."""
        return type(self)._default_manager.filter(pk=self.pk, **self._lease_filter).exists()

    def save_metadata(self, metadata: Metadata) -> bool:
        """Write the metadata that the look-up found; False if the lease is lost."""
        changes = {
            name: self._truncate(name, value)
            for name, value in dataclasses.asdict(metadata).items()
            if name != "webpage_url" and value not in ("", None)
        }
        return self._write("Found", changes, {"changed": True}, **self._lease_filter)

    def start_processing(self, phase: str) -> bool:
        """Enter the state "processing", in `phase`, once everything is fetched; False if the lease is lost."""
        return self._transition(
            Status.PROCESSING,
            "Fetched",
            status=Status.DOWNLOADING,
            lease_token=self.lease_token,
            changes={"phase": phase, "processing_at": timezone.now()},
        )

    def finish(self, stored_files: StoredFiles, move_files: Callable[[], None]) -> bool:
        """Complete the video: `move_files` installs its files within the transaction; False if the lease is lost.

        If `move_files` raises, the row stays as it was.
        """
        size = stored_files.size
        progress = {"percent": 100.0, "downloaded_bytes": size, "total_bytes": size, "error": ""}
        columns = {name: value for name, value in dataclasses.asdict(stored_files).items() if value is not None}
        return self._finish(
            Status.COMPLETE, "Filed", {**columns, **progress}, move_files=move_files, **self._lease_filter
        )

    def complete_as_playlist(self, title: str, reason: str) -> bool:
        """Complete a playlist whose entries are videos of their own now; False if the lease is lost."""
        changes = {"is_list": True, "percent": 100.0, "error": "", "title": self._truncate("title", title)}
        return self._finish(Status.COMPLETE, reason, changes, **self._lease_filter)

    def fail(self, error: str) -> bool:
        """Fail with `error`, a message for people; False if the lease is lost."""
        return self._finish(Status.FAILED, error, {"error": error}, **self._lease_filter)

    def skip_as_duplicate(self, reason: str) -> bool:
        """Cancel a duplicate of another video; False if the lease is lost."""
        return self._finish(Status.CANCELLED, reason, {"error": reason}, **self._lease_filter)

    def retry_later(self, error: str, *, made_progress: bool = False) -> bool:
        """Queue again after a temporary error, with a growing delay; False if the lease is lost.

        After MAX_RETRIES in a row the video fails. An attempt that `made_progress` starts the count again, so a
        download that is only interrupted now and then completes.
        """
        retry_count = 0 if made_progress else self.retry_count
        if retry_count >= MAX_RETRIES:
            return self.fail(error)
        wait = settings.RETRY_SECONDS * RETRY_BACKOFF_FACTOR**retry_count * random.uniform(0.75, 1.25)  # noqa: S311
        reason = f"Retrying in {format_wait(wait)} ({retry_count + 1} of {MAX_RETRIES}). {error}"
        changes = {
            "retry_count": retry_count + 1,
            "not_before": timezone.now() + dt.timedelta(seconds=wait),
            "error": error,
        }
        return self._requeue(reason, changes, **self._lease_filter)

    def release(self, reason: str, *, only_if_expired: bool = False) -> bool:
        """Requeue an active video; with `only_if_expired` only if nobody has renewed the lease meanwhile."""
        where = self._lease_filter | ({"lease_until__lt": timezone.now()} if only_if_expired else {})
        return self._requeue(reason, **where)

    # Building blocks ---------------------------------------------------------------------------

    def _finish(self, new_status: Status, reason: str, changes: dict[str, Any], **where: Any) -> bool:
        """End an attempt. A video or playlist that was complete before stays so, since its files are still there."""
        if (self.media_file or self.is_list) and new_status != Status.COMPLETE:
            new_status, changes = Status.COMPLETE, {**changes, "percent": 100.0}
        ended = {"ended_at": timezone.now(), "phase": "", **CLEARED_LEASE_FIELDS, **changes}
        return self._transition(new_status, reason, changes=ended, **where)

    def _restore_outcome(self, reason: str, **where: Any) -> bool:
        """End a retried video as it had ended before, with the same reason; False if it never had."""
        last_outcome = VideoEvent.objects.filter(video_id=self.pk, status__in=(Status.FAILED, Status.CANCELLED)).last()
        if last_outcome is None:
            return False
        # The new event repeats the reason, because the next undo reads it from the last event.
        error = last_outcome.reason if last_outcome.status == Status.FAILED else ""
        return self._finish(Status(last_outcome.status), error or reason, {"error": error}, **where)

    def _requeue_by_user(self, reason: str, *, allow_duplicate: bool, **where: Any) -> bool:
        """Queue a video at a person's request: behind the others, with all its automatic retries."""
        changes = {
            "queued_at": timezone.now(),
            "retry_count": 0,
            "not_before": None,
            "priority": 0,
            "allow_duplicate": allow_duplicate,
        }
        return self._requeue(reason, changes, **where)

    def _requeue(self, reason: str, extra_changes: dict[str, Any] | None = None, **where: Any) -> bool:
        """Requeue a video; it keeps its position, so downloads that have begun finish first."""
        changes = {
            "attempt": F("attempt") + 1,
            "ended_at": None,
            "percent": None,
            "downloaded_bytes": None,
            "total_bytes": None,
            "phase": "",
            "error": "",
            **CLEARED_LEASE_FIELDS,
            **(extra_changes or {}),
        }
        return self._transition(Status.QUEUED, reason, changes=changes, **where)

    def _transition(
        self,
        new_status: Status,
        reason: str,
        move_files: Callable[[], None] | None = None,
        *,
        changes: dict[str, Any],
        **where: Any,
    ) -> bool:
        """Change the status where `where` matches the row; False if it does not."""
        return self._write(reason, {"status": new_status, **changes}, {"status": new_status}, move_files, **where)

    def _write(
        self,
        reason: str,
        changes: dict[str, Any],
        message: dict[str, Any],
        move_files: Callable[[], None] | None = None,
        **where: Any,
    ) -> bool:
        """Update the row where `where` matches it; False if it does not.

        `move_files` runs in the same transaction. A filter with an empty lease token matches nothing.
        """
        if where.get("lease_token") == "":
            return False
        with transaction.atomic():
            if not type(self)._default_manager.filter(pk=self.pk, **where).update(**changes):
                return False
            if move_files:
                move_files()
            self.refresh_from_db()
            if document.INDEXED_FIELDS & changes.keys():
                index.index_video(self)
            self.record_event(reason, message)
        return True

    def record_event(self, reason: str, message: dict[str, Any] | None = None) -> None:
        """Insert the event, and publish its message once the transaction commits.

        The message is the whole state, or only `message` if that holds no status.
        """
        VideoEvent.objects.create(
            video_id=self.pk,
            public_id=self.video_id,
            status=self.status,
            attempt=self.attempt,
            reason=reason[:MAX_REASON_LENGTH],
        )
        state = self.to_progress()
        if message is not None and "status" not in message:
            state = Progress(attempt=self.attempt, **message)
        transaction.on_commit(functools.partial(publisher.publish_progress, self.video_id, state))

    def _truncate(self, field_name: str, value: Any) -> Any:
        """Cut a text to the length of its column, without the characters of STRIPPED_CHARACTERS."""
        if not isinstance(value, str):
            return value
        longest = getattr(self._meta.get_field(field_name), "max_length", None)
        return value.translate(STRIPPED_CHARACTERS).strip()[: longest or MAX_TEXT_LENGTH]
