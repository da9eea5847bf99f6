"""State transitions of a video: the verbs of people and of workers.

Each returns False where the row is not in a state that allows it, and changes nothing then.
"""

import dataclasses
import datetime as dt
import random
import secrets
from collections.abc import Callable
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Max

from downloads.database.clock import current_moment
from downloads.models.audit.entry import AuditAction, audited
from downloads.models.choices import ACTIVE_STATUSES, UNFINISHED_STATUSES, Status
from downloads.models.event import VideoEvent
from downloads.models.leases.lease import LEASE_DURATION, leased_row
from downloads.models.state import VideoState
from downloads.models.value_objects import MAX_PRIORITY, Metadata, QueuePosition, ReleaseWait, StoredFiles

MAX_RETRIES = 3  # automatic retries in a row, after errors that are not permanent
RETRY_JITTER = 0.25
RETRY_BACKOFF_FACTOR = 4  # how much longer each wait is than the one before
REFUSAL_PREFIX = "The site asked for a pause. "  # of the reason of a wait for it
RETRY_PREFIX = "Retrying in "  # of the reason of an automatic retry
DEFAULT_QUEUE_POSITION = QueuePosition()


def max_retry_wait() -> dt.timedelta:
    """Return the longest wait before an automatic retry."""
    longest = settings.RETRY_SECONDS * RETRY_BACKOFF_FACTOR ** (MAX_RETRIES - 1) * (1 + RETRY_JITTER)
    return dt.timedelta(seconds=longest)


def format_retry_delay(seconds: float) -> str:
    """Format a delay as "40 s" or "2 min"."""
    return f"{max(1, round(seconds))} s" if seconds < 59.5 else f"{round(seconds / 60)} min"


class Transitions(VideoState):
    """Mixin of Video with its state transitions, by people and by workers."""

    class Meta:
        abstract = True

    # Transitions by people ---------------------------------------------------------------------

    @audited(AuditAction.RETRIED)
    def retry(self, reason: str = "Retried", *, allow_duplicate: bool = True) -> bool:
        """Queue a failed or cancelled video again, by default even as a duplicate; False if it is neither."""
        return self._requeue_by_user(
            reason, allow_duplicate=allow_duplicate, status__in=(Status.FAILED, Status.CANCELLED)
        )

    @audited(AuditAction.RETRY_UNDONE)
    def undo_retry(self, reason: str = "Not tried again") -> bool:
        """Restore the outcome that a retried video had; False if it has ended since."""
        return self._restore_outcome(reason, status__in=UNFINISHED_STATUSES)

    @audited(AuditAction.REDOWNLOADED)
    def redownload(self, reason: str = "Downloaded again") -> bool:
        """Queue a complete video again; its files stay until new ones replace them. False if it is not complete."""
        return self._requeue_by_user(reason, allow_duplicate=True, status=Status.COMPLETE)

    @audited(AuditAction.MOVED)
    def move_to_front(self, reason: str = "Moved to the front") -> bool:
        """Move a waiting video to the front of the queue; False if it does not wait."""
        changes = {"priority": self._front_priority(), "not_before": None}
        return self._write(reason, changes, {"changed": True}, status=Status.QUEUED)

    def _front_priority(self) -> int:
        """Return the priority that comes before every waiting video."""
        waiting = type(self)._default_manager.filter(status=Status.QUEUED)
        return min((waiting.aggregate(highest=Max("priority"))["highest"] or 0) + 1, MAX_PRIORITY)

    @audited(AuditAction.MOVED)
    def restore_position(self, reason: str = "Moved back", position: QueuePosition = DEFAULT_QUEUE_POSITION) -> bool:
        """Move a waiting video back to its earlier position in the queue; False if it does not wait."""
        return self._write(reason, dataclasses.asdict(position), {"changed": True}, status=Status.QUEUED)

    @audited(AuditAction.CANCEL_UNDONE)
    def undo_cancel(self, reason: str = "Put back") -> bool:
        """Undo a cancellation: the video waits in its earlier position. False if it is not cancelled."""
        return self._requeue(reason, status=Status.CANCELLED)

    @audited(AuditAction.PROTECTED)
    def protect(self, reason: str = "Protected") -> bool:
        """Have retention never remove the video; False if it is protected already."""
        return self._write(reason, {"protected": True}, {"changed": True}, protected=None)

    @audited(AuditAction.UNPROTECTED)
    def unprotect(self, reason: str = "No longer protected") -> bool:
        """Undo `protect`; False if the video is not protected."""
        return self._write(reason, {"protected": None}, {"changed": True}, protected=True)

    @audited(AuditAction.CANCELLED)
    def cancel(self, reason: str = "Cancelled") -> bool:
        """Cancel a waiting or active video; its worker loses the lease and stops. False if it has ended."""
        return self._finish(Status.CANCELLED, reason, {}, status__in=UNFINISHED_STATUSES)

    # Transitions by a worker: each applies only while it holds the lease ------------------------

    @property
    def _lease_filter(self) -> dict[str, Any]:
        return {"status__in": ACTIVE_STATUSES, "lease_token": self.lease_token}

    def _leased_row(self) -> "models.QuerySet[Self]":
        return leased_row(self, self.lease_token, status__in=ACTIVE_STATUSES)

    def _claim(self, worker: str) -> bool:
        """Claim the video for this attempt; False if another worker got there first."""
        return self._transition(
            Status.DOWNLOADING,
            "Started",
            status=Status.QUEUED,
            changes={
                "worker": worker,
                "lease_token": secrets.token_hex(16),
                "lease_until": current_moment() + LEASE_DURATION,
                "started_at": current_moment(),
                "processing_at": None,
                "ended_at": None,
                "phase": "looking up",
                "error": "",
                "not_before": None,
            },
        )

    def renew_lease(self, **state: Any) -> bool:
        """Renew the lease and write `state` (percent, downloaded_bytes, total_bytes, phase); False if it is lost."""
        return self._leased_row().update(lease_until=current_moment() + LEASE_DURATION, **state) == 1

    def holds_lease(self) -> bool:
        """Tell whether this attempt still has the lease: neither cancelled nor claimed by another worker."""
        return self._leased_row().exists()

    def save_metadata(self, metadata: Metadata) -> bool:
        """Write the metadata that the look-up found; False if the lease is lost."""
        return self._write("Found", self._metadata_changes(metadata), {"changed": True}, **self._lease_filter)

    def save_details_ahead(self, metadata: Metadata, thumbnail: str) -> bool:
        """Write what was looked up ahead of the queue; False if the video does not wait without a title any more."""
        changes = self._metadata_changes(metadata)
        # Only a download decides what is the same video: one that waits must not make it a duplicate.
        for name in ("extractor", "source_id"):
            changes.pop(name, None)
        if thumbnail:
            changes["thumbnail"] = thumbnail
        return self._write("Details found", changes, {"changed": True}, status=Status.QUEUED, title="")

    def _metadata_changes(self, metadata: Metadata) -> dict[str, Any]:
        changes = {
            name: self._truncate(name, value)
            for name, value in dataclasses.asdict(metadata).items()
            if name not in ("webpage_url", "has_placeholder_title") and value not in ("", None)
        }
        if metadata.has_placeholder_title and self.title:
            changes.pop("title", None)
        return changes

    def start_processing(self, phase: str) -> bool:
        """Enter the state "processing", in `phase`, once everything is fetched; False if the lease is lost."""
        return self._transition(
            Status.PROCESSING,
            "Fetched",
            status=Status.DOWNLOADING,
            lease_token=self.lease_token,
            changes={"phase": phase, "processing_at": current_moment()},
        )

    def record_note(self, text: str) -> bool:
        """Add an event to the history that changes no state; False if the lease is lost."""
        lease_until = current_moment() + LEASE_DURATION
        return self._write(text, {"lease_until": lease_until}, {"changed": True}, **self._lease_filter)

    def finish(self, stored_files: StoredFiles, move_files: Callable[[], None]) -> bool:
        """Complete the video: `move_files` installs its files within the transaction; False if the lease is lost.

        If `move_files` raises, the row stays as it was.
        """
        size = stored_files.size
        progress = {"percent": 100.0, "downloaded_bytes": size, "total_bytes": size, "error": ""}
        # What is unknown of a new file must not be told by the one that it replaces; a length may be the site's.
        columns = dataclasses.asdict(stored_files)
        if stored_files.duration is None:
            del columns["duration"]
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
        """Queue again after an error that is not permanent, with a growing delay; False if the lease is lost.

        After MAX_RETRIES in a row the video fails. An attempt that `made_progress` starts the count again, so a
        download that is only interrupted now and then completes.
        """
        retry_count = 0 if made_progress else self.retry_count
        if retry_count >= MAX_RETRIES:
            return self.fail(error)
        jitter = random.uniform(1 - RETRY_JITTER, 1 + RETRY_JITTER)  # noqa: S311
        wait = settings.RETRY_SECONDS * RETRY_BACKOFF_FACTOR**retry_count * jitter
        reason = f"{RETRY_PREFIX}{format_retry_delay(wait)} ({retry_count + 1} of {MAX_RETRIES}). {error}"
        changes = {
            "retry_count": retry_count + 1,
            "not_before": current_moment() + dt.timedelta(seconds=wait),
            "error": error,
        }
        return self._requeue(reason, changes, **self._lease_filter)

    def previous_error(self) -> str:
        """Return the error after which this attempt was queued as an automatic retry; "" for any other attempt."""
        return next(iter(self.previous_errors(1)), "")

    def previous_errors(self, attempts: int = MAX_RETRIES) -> list[str]:
        """Return the errors after which the last attempts were queued as automatic retries, newest first."""
        retries = VideoEvent.objects.filter(
            video_id=self.pk, attempt__gt=self.attempt - attempts, reason__startswith=RETRY_PREFIX
        )
        return [event.reason.partition("). ")[2] for event in retries.order_by("-pk")]

    def wait_for_release(self, wait: ReleaseWait, metadata: Metadata | None = None) -> bool:
        """Queue again until the next look at a video whose recording is not up; False if the lease is lost.

        It is the same attempt, and no retry: nothing has failed.
        """
        changes = {
            "attempt": self.attempt,
            "retry_count": 0,
            "not_before": wait.until,
            "wait_reason": self._truncate("wait_reason", wait.reason),
            "waiting_since": self.waiting_since or current_moment(),
            "release_at": wait.release_at,
        }
        if metadata and metadata.title and not (metadata.has_placeholder_title and self.title):
            changes["title"] = self._truncate("title", metadata.title)
        return self._requeue(wait.reason, changes, **self._lease_filter)

    def postpone(self, reason: str, seconds: float, *, needed_bytes: int | None = None) -> bool:
        """Queue again for a while, for a reason that is shown and is no failure; False if the lease is lost.

        `needed_bytes` is the room that the video waits for.
        """
        changes = {
            "attempt": self.attempt,
            "retry_count": 0,
            "not_before": current_moment() + dt.timedelta(seconds=seconds),
            "wait_reason": self._truncate("wait_reason", reason),
            "total_bytes": needed_bytes,
        }
        return self._requeue(reason, changes, **self._lease_filter)

    def wait_for_site(self, reason: str) -> bool:
        """Queue again until the pause of the site is over, behind the others that wait; False if the lease is lost.

        It is the same attempt, and no retry: the site refuses whatever it is asked for.
        """
        changes = {"attempt": self.attempt, "queued_at": current_moment(), "not_before": None, "wait_reason": ""}
        return self._requeue(reason, changes, **self._lease_filter)

    def count_refusals(self) -> int:
        """Return how often the site has refused this attempt and asked for a pause."""
        refusals = VideoEvent.objects.filter(video_id=self.pk, attempt=self.attempt, reason__startswith=REFUSAL_PREFIX)
        return refusals.count()

    def release(self, reason: str, *, only_if_expired: bool = False) -> bool:
        """Requeue an active video; with `only_if_expired` only if nobody has renewed the lease since it was read."""
        where = self._lease_filter | ({"lease_until": self.lease_until} if only_if_expired else {})
        return self._requeue(reason, **where)
