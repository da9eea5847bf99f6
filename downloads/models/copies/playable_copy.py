"""Playable copy of a video: the job that makes it, and the file that browsers play in place of the original.

The video's own row stays complete. A job has a status, an attempt and a lease of its own; on the wire it has the id
`copy:<video_id>`. Each change writes an event of the video, so that its pages show it anew.
"""

import functools
import secrets
from collections.abc import Callable
from typing import Any, ClassVar

from django.db import models, transaction
from django.db.models import F

from downloads.database.clock import current_moment
from downloads.database.stored_values import MAX_SAFE_INTEGER, TolerantRow
from downloads.files import media_folder
from downloads.models.audit.entry import AuditAction, record_entry
from downloads.models.choices import Status
from downloads.models.copies.queryset import PlayableCopyQuerySet
from downloads.models.copies.shown import UNFINISHED_STATUSES
from downloads.models.leases.lease import CLEARED_LEASE, LEASE_DURATION, leased_row
from downloads.models.state import MAX_ERROR_LENGTH
from downloads.models.video import Video
from downloads.progress import keys, publisher
from downloads.progress.message import UNSET, Progress

MAX_RUNS = 3  # of one request: a program that is killed, or a worker that dies, may be to blame the first times
LAPSED_RUNS_MESSAGE = "Making the copy was interrupted too often"
CLEARED_FILE: dict[str, Any] = {"file": "", "size": None}


class PlayableCopy(TolerantRow):
    """The playable copy of one video: asked for, being made, made, failed, or cancelled (removed)."""

    video = models.OneToOneField(Video, on_delete=models.CASCADE, primary_key=True, related_name="playable_copy")
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.QUEUED)
    attempt = models.PositiveIntegerField(default=1)
    runs = models.PositiveIntegerField(default=0)  # since it was asked for
    requested_at = models.DateTimeField()
    phase = models.CharField(max_length=64, blank=True)
    percent = models.FloatField(null=True)
    error = models.TextField(blank=True)
    worker = models.CharField(max_length=255, blank=True)
    lease_token = models.CharField(max_length=32, blank=True)
    lease_until = models.DateTimeField(null=True)
    file = models.CharField(max_length=500, blank=True)  # path in the media folder
    size = models.BigIntegerField(null=True)  # bytes; the video's own size includes them

    STORED_LIMITS = {"percent": (0, 100), "attempt": (1, 2**31 - 1), "size": (0, MAX_SAFE_INTEGER)}

    objects: ClassVar[Any] = PlayableCopyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "playable copies"
        indexes = (models.Index(fields=["status", "requested_at"], name="downloads_copies_status"),)

    def __str__(self) -> str:
        return f"Playable copy of {self.video_id}"

    @property
    def is_unfinished(self) -> bool:
        """True while it waits or is being made."""
        return self.status in UNFINISHED_STATUSES

    @property
    def wire_id(self) -> str:
        """The id of its progress on the wire."""
        return keys.copy_id(self.video.video_id)

    # By people ----------------------------------------------------------------------------------

    @classmethod
    def request(cls, video: Video, reason: str = "Playable copy requested") -> bool:
        """Queue a copy of a complete video; False if there is one, or one is being made, or there is no file."""
        with transaction.atomic():
            locked = Video.objects.select_for_update().filter(pk=video.pk, status=Status.COMPLETE, is_list=False)
            if not locked.exclude(media_file="").exists():
                return False
            copy, is_new = cls.objects.get_or_create(video=video, defaults={"requested_at": current_moment()})
            has_file = copy.status == Status.COMPLETE and media_folder.find_file(copy.file) is not None
            if not is_new and (copy.is_unfinished or has_file):
                return False
            copy._forget_size()
            changes = {"status": Status.QUEUED, "requested_at": current_moment(), "runs": 0}
            restart = {"percent": None, "phase": "", "error": "", "attempt": F("attempt") + (0 if is_new else 1)}
            copy._write(reason, {**changes, **restart, **CLEARED_FILE, **CLEARED_LEASE})
            record_entry(AuditAction.COPY_REQUESTED, video)
        return True

    def cancel(self, reason: str = "Playable copy cancelled") -> bool:
        """Cancel a copy that waits or is being made: its worker loses the lease and stops. False if it has ended."""
        changes = {"status": Status.CANCELLED, "error": "", "percent": None, **CLEARED_LEASE}
        return self._write_as_person(AuditAction.COPY_CANCELLED, reason, changes, status__in=UNFINISHED_STATUSES)

    def remove(self, reason: str = "Playable copy removed") -> bool:
        """Remove a copy that is made, or forget one that failed; the original stays. False if it is neither."""
        name = self.file
        changes = {"status": Status.CANCELLED, "error": "", "percent": None, **CLEARED_FILE}
        where = {"status__in": (Status.COMPLETE, Status.FAILED), "file": name}
        with transaction.atomic():
            is_changed = self._write_as_person(AuditAction.COPY_REMOVED, reason, changes, self._forget_size, **where)
            if is_changed:
                transaction.on_commit(functools.partial(media_folder.remove_file, name))
        return is_changed

    @classmethod
    def forget(cls, video_pk: int) -> None:
        """Forget the copy of a video whose files are being replaced, in the same transaction; its file goes with them.

        The video's new size replaces the one that includes the copy.
        """
        copy = cls.objects.filter(pk=video_pk).exclude(status=Status.CANCELLED).select_related("video").first()
        if copy is None:
            return
        changes = {"status": Status.CANCELLED, "percent": None, "error": "", **CLEARED_FILE, **CLEARED_LEASE}
        cls.objects.filter(pk=video_pk).update(**changes)
        copy.status = Status.CANCELLED
        publish_copy_state(copy.wire_id, copy.to_progress())

    # By workers ---------------------------------------------------------------------------------

    @classmethod
    def claim_next(cls, worker: str) -> "PlayableCopy | None":
        """Claim the next copy that may be made, with a lease; None if there is none."""
        # Read first, and the least that tells: an idle worker asks twice a second, and a claim locks SQLite.
        if not cls.objects.filter(status=Status.QUEUED).exists():
            return None
        copy = cls.objects.claimable().select_related("video").first()
        if copy is None:
            return None
        lease = {"lease_token": secrets.token_hex(16), "lease_until": current_moment() + LEASE_DURATION}
        changes = {"status": Status.PROCESSING, "worker": worker, "runs": F("runs") + 1, "percent": None, **lease}
        return copy if copy._write("Playable copy started", changes, status=Status.QUEUED) else None

    def renew_lease(self, **state: Any) -> bool:
        """Renew the lease and write `state` (percent, phase); False if it is lost."""
        until = current_moment() + LEASE_DURATION
        return self._leased_row().update(lease_until=until, **state) == 1

    def is_wanted(self) -> bool:
        """Return True while this run has the lease: neither cancelled, deleted nor claimed by another worker."""
        return self._leased_row().exists()

    def finish(self, file: str, size: int, install: Callable[[], None], details: str) -> bool:
        """Complete the copy; `install` moves its file in the same transaction. False if the lease is lost."""
        changes = {"status": Status.COMPLETE, "file": file, "size": size, "percent": 100.0, "error": "", "phase": ""}

        def complete() -> None:
            install()
            Video.objects.filter(pk=self.pk).update(size=F("size") + size)

        return self._write(f"Playable copy made ({details})", {**changes, **CLEARED_LEASE}, complete, **self._lease())

    def fail(self, error: str) -> bool:
        """Fail with a message for people; False if the lease is lost."""
        changes = {"status": Status.FAILED, "error": error, "percent": None, "phase": "", **CLEARED_LEASE}
        return self._write(f"Playable copy failed: {error}", changes, **self._lease())

    def release(self, reason: str = "", *, is_counted: bool = True) -> bool:
        """Put the copy back into the queue; it fails after MAX_RUNS that were counted. False if the lease is lost."""
        if is_counted and self.runs >= MAX_RUNS:
            return self.fail(reason or LAPSED_RUNS_MESSAGE)
        changes = {
            "status": Status.QUEUED,
            "attempt": F("attempt") + 1,
            "runs": F("runs") if is_counted else F("runs") - 1,
            "error": reason,
            "percent": None,
            "phase": "",
            **CLEARED_LEASE,
        }
        return self._write(f"Playable copy waits again. {reason}".strip(), changes, **self._lease())

    # Writes -------------------------------------------------------------------------------------

    def to_progress(self) -> Progress:
        """Return the state of the job as it travels on the wire."""
        is_failed = self.status == Status.FAILED
        return Progress(
            status=self.status,
            attempt=self.attempt,
            percent=self.percent,
            phase=self.phase,
            error=self.error[:MAX_ERROR_LENGTH] if is_failed else UNSET,
        )

    def _lease(self) -> dict[str, Any]:
        return {"status": Status.PROCESSING, "lease_token": self.lease_token}

    def _leased_row(self) -> "models.QuerySet[PlayableCopy]":
        return leased_row(self, self.lease_token, status=Status.PROCESSING)

    def _write_as_person(
        self,
        action: AuditAction,
        reason: str,
        changes: dict[str, Any],
        then: Callable[[], None] = lambda: None,
        **where: Any,
    ) -> bool:
        with transaction.atomic():
            is_changed = self._write(reason, changes, then, **where)
            if is_changed:
                record_entry(action, self.video)
        return is_changed

    def _write(
        self, reason: str, changes: dict[str, Any], then: Callable[[], None] = lambda: None, **where: Any
    ) -> bool:
        """Update the row where `where` matches it, call `then`, and record the event; False if it does not match.

        The video is locked first, as by its own removal and redownload, which then touch the copy.
        """
        if where.get("lease_token") == "":
            return False
        with transaction.atomic():
            video = Video.objects.select_for_update().filter(pk=self.pk).first()
            if video is None or not PlayableCopy.objects.filter(pk=self.pk, **where).update(**changes):
                return False
            then()
            self.refresh_from_db()
            self.video = video
            video.record_event(reason, {"changed": True})
            publish_copy_state(self.wire_id, self.to_progress())
        return True

    def _forget_size(self) -> None:
        """Take the copy out of the size of its video."""
        if self.size:
            Video.objects.filter(pk=self.pk).update(size=F("size") - self.size)


def publish_copy_state(wire_id: str, state: Progress) -> None:
    """Publish the state of a job once the transaction commits."""
    if keys.VIDEO_ID_PATTERN.fullmatch(wire_id):  # no longer than the wire allows
        transaction.on_commit(functools.partial(publisher.publish_progress, wire_id, state))
