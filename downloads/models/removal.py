"""Removal of a video: its row and its files together, or neither.

The folder is renamed into the trash inside the transaction that deletes the row. After an interruption, a kill or
a power cut included, the row decides: if it exists, the folder is restored; if not, the folder is deleted.
"""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from django.db import Error as DatabaseError
from django.db import connection, models, transaction
from django.db.models import Q

from downloads.database.outages import describe_outage
from downloads.files import trash, workspace
from downloads.files.volumes.errors import StorageError
from downloads.models.archive.identity import is_own_media_folder, require_own_media_folder
from downloads.models.audit.actor import current_actor
from downloads.models.audit.entry import AuditAction, record_entry
from downloads.models.choices import Status
from downloads.models.event import VideoEvent
from downloads.models.subscriptions.item import SubscriptionItem

ANY_STATE = Q()
logger = logging.getLogger(__name__)
R = TypeVar("R", bound="Removable")


class RemovalError(Exception):
    """A video could not be removed, and is unchanged; the message is a reason for people."""


class Removable(models.Model):
    """Removal of the row together with its files."""

    # Columns of the whole model.
    video_id: "models.CharField[Any, str]"
    status: "models.CharField[Any, str]"

    class Meta:
        abstract = True

    def record_event(self, reason: str, message: dict[str, Any] | None = None) -> None:
        """Insert the event of a change: implemented by Transitions."""
        raise NotImplementedError

    def remove(
        self, reason: str = "Deleted", *, where: Q = ANY_STATE, before_removal: Callable[[], None] | None = None
    ) -> bool:
        """Remove the video with its files and events; False if it is gone already. Raise RemovalError if it stays.

        Only where the row matches `where`. `before_removal` runs in the same transaction. A running download loses its
        lease with the row, and its worker stops it.
        """
        rows = type(self)._default_manager.filter(pk=self.pk)
        matching_rows = rows.filter(where)
        try:
            # The outermost transaction, since its commit decides whether the files are deleted.
            with transaction.atomic(durable=True):
                if not _remove_row(matching_rows, reason, before_removal):
                    return False
                require_own_media_folder()
                trash.move_to_trash(self.video_id)
        except (OSError, DatabaseError) as error:
            if describe_outage(error) and self.video_id not in trash.list_trashed_ids():
                raise  # nothing was done, and the next video would wait as long
            logger.warning("%s could not be removed: %s", self.video_id, error)
            _recover_after_failure(rows, self.video_id)
            raise RemovalError(_describe_error(error)) from error
        _remove_leftover_files(self.video_id)
        return True

    def delete(self, *_: Any, **__: Any) -> tuple[int, dict[str, int]]:
        """Remove the video as `remove` does: Django's own delete would leave the files behind."""
        count = int(self.remove())
        return count, {self._meta.label: count}


def _remove_row(rows: models.QuerySet[R], reason: str, before_removal: Callable[[], None] | None) -> bool:
    """Delete the row and its events. The event of the removal stays, for pages that missed it, and an audit entry."""
    video = rows.select_for_update().first()
    if video is None:
        return False
    VideoEvent.objects.filter(public_id=video.video_id).delete()
    if before_removal:
        before_removal()
    SubscriptionItem.objects.mark_video_removed(video.pk, reason)
    # Where the entry has no name, the reason says why.
    why = "" if current_actor().name else f"{reason}. "
    status = str(dict(Status.choices).get(video.status, video.status)).lower()
    state = "had failed" if video.status == Status.FAILED else f"was {status}"
    record_entry(AuditAction.DELETED, video, f"{why}It {state}.")
    video.record_event(reason, {"changed": True})
    # Django's own delete: that of Removable would call this again.
    models.Model.delete(video)
    return True


def _describe_error(error: Exception) -> str:
    if isinstance(error, StorageError):
        return "its files are out of reach, since the media folder is not the right one (its disk may not be mounted)"
    if isinstance(error, OSError):
        return f"its files cannot be moved ({error.strerror})"
    return "the database did not take it"


def _remove_leftover_files(video_id: str) -> None:
    """Delete the trash and workspace of a video without a row; what cannot be deleted is retried later."""
    try:
        trash.delete_from_trash(video_id)
        # If a download still uses the workspace, its worker removes it.
        workspace.remove_workspace(video_id)
    except OSError as error:
        logger.warning("Files of %s could not be removed yet: %s", video_id, error)


def _recover_after_failure(rows: models.QuerySet[R], video_id: str) -> None:
    """Restore or delete the folder, as the row decides; left to a worker if the database does not answer."""
    try:
        if not connection.is_usable():
            connection.close()
        _restore_or_purge_folder(rows, video_id)
    except (OSError, DatabaseError) as error:
        logger.warning("Files of %s are left in the trash for now: %s", video_id, error)


def finish_interrupted_removals(videos: models.QuerySet[R]) -> None:
    """Finish or undo interrupted removals; `videos` are all that exist. Nothing is touched in a wrong media folder."""
    video_ids = trash.list_trashed_ids()
    if not video_ids or not is_own_media_folder():
        return
    for video_id in video_ids:
        try:
            _restore_or_purge_folder(videos.filter(video_id=video_id), video_id)
        except OSError as error:
            logger.debug("Files of %s could not be removed yet: %s", video_id, error)


def _restore_or_purge_folder(rows: models.QuerySet[R], video_id: str) -> None:
    """Restore the folder from the trash if the row exists, delete it otherwise."""
    # A removal in another process has locked the row: wait for its outcome.
    with transaction.atomic():
        if rows.select_for_update().first():
            trash.restore_from_trash(video_id)
            return
    trash.delete_from_trash(video_id)
