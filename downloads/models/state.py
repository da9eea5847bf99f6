"""State of a video: its columns, and the conditional UPDATE that every transition is made of."""

import functools
from collections.abc import Callable
from typing import Any

from django.db import models, transaction
from django.db.models import F
from django.utils import timezone

from downloads.database.clock import current_moment
from downloads.database.stored_values import MAX_SAFE_INTEGER, TolerantRow
from downloads.models.choices import Status
from downloads.models.event import VideoEvent
from downloads.models.leases.lease import CLEARED_LEASE
from downloads.progress import publisher
from downloads.progress.message import UNSET, Progress
from downloads.search import document, index

MAX_TEXT_LENGTH = 100_000  # characters, of a column without a limit of its own
MAX_REASON_LENGTH = 2000  # characters of an event
MAX_ERROR_LENGTH = 500  # characters of a message on the wire
# NUL, which PostgreSQL refuses, and the characters that reverse the text around them, so that "4pm.exe" reads
# "exe.mp4" (Unicode TR 36).
STRIPPED_CHARACTERS = dict.fromkeys([0, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])
CLEARED_WAIT_FIELDS: dict[str, Any] = {"wait_reason": "", "waiting_since": None, "release_at": None}


class VideoState(TolerantRow):
    """The state columns of a video, and how they are written.

    A write is one UPDATE that applies only where the row is still in the expected state, so two workers cannot both
    win. Its event is inserted in the same transaction; the message is published once both are committed.
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
    not_before = models.DateTimeField("retry at", null=True, blank=True)
    # Of a video that is announced, live or being processed; see Transitions.wait_for_release.
    wait_reason = models.CharField("reason for waiting", max_length=300, blank=True)
    waiting_since = models.DateTimeField("waiting for the site since", null=True, blank=True, editable=False)
    release_at = models.DateTimeField("announced start", null=True, blank=True, editable=False)
    priority = models.IntegerField(default=0)
    allow_duplicate = models.BooleanField("even if already in the archive", default=False)

    host = models.CharField(max_length=255, blank=True)
    worker = models.CharField(max_length=255, blank=True)
    lease_token = models.CharField(max_length=32, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)

    queued_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    processing_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    STORED_LIMITS = {
        "percent": (0, 100),
        "duration": (0, 10**9),
        "attempt": (1, 2**31 - 1),
        "retry_count": (0, 2**31 - 1),
        "priority": (-(2**31), 2**31 - 1),
        **dict.fromkeys(("width", "height"), (1, 65_535)),
        **dict.fromkeys(("size", "downloaded_bytes", "total_bytes"), (0, MAX_SAFE_INTEGER)),
    }

    class Meta:
        abstract = True

    def to_progress(self) -> Progress:
        """Return the state of the row as it travels on the wire."""
        return Progress(
            # The pages know no other statuses; they show the row as it is once they have fetched it.
            status=self.status if self.status in Status else Status.FAILED,
            attempt=self.attempt,
            percent=self.percent,
            downloaded_bytes=self.downloaded_bytes,
            total_bytes=self.total_bytes,
            phase=self.phase,
            error=self.error[:MAX_ERROR_LENGTH] if self.status == Status.FAILED else UNSET,
        )

    def _finish(self, new_status: Status, reason: str, changes: dict[str, Any], **where: Any) -> bool:
        """End an attempt. A video or playlist that was complete before stays so, since its files are still there."""
        if (self.media_file or self.is_list) and new_status != Status.COMPLETE:
            new_status, changes = Status.COMPLETE, {**changes, "percent": 100.0}
        ended = {"ended_at": current_moment(), "phase": "", **CLEARED_LEASE, **changes}
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
            "queued_at": current_moment(),
            "retry_count": 0,
            "not_before": None,
            "priority": 0,
            "allow_duplicate": allow_duplicate,
            **CLEARED_WAIT_FIELDS,
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
            **CLEARED_LEASE,
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
        self.build_event(reason).save()
        state = self.to_progress()
        if message is not None and "status" not in message:
            state = Progress(attempt=self.attempt, **message)
        transaction.on_commit(functools.partial(publisher.publish_progress, self.video_id, state))

    def build_event(self, reason: str) -> VideoEvent:
        """Return the event of a change, not yet inserted."""
        return VideoEvent(
            at=current_moment(),
            video_id=self.pk,
            public_id=self.video_id,
            status=self.status,
            attempt=self.attempt,
            reason=reason[:MAX_REASON_LENGTH],
        )

    def _truncate(self, field_name: str, value: Any) -> Any:
        """Cut a text to the length of its column, without the characters of STRIPPED_CHARACTERS."""
        if not isinstance(value, str):
            return value
        longest = getattr(self._meta.get_field(field_name), "max_length", None)
        return value.translate(STRIPPED_CHARACTERS).strip()[: longest or MAX_TEXT_LENGTH]
