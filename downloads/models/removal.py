"""How a video is removed: its row and its files together, or not at all.

The files leave the library by a rename, inside the transaction that removes the row. Whatever ends that
halfway, a kill or a power cut included, is settled by the row: it is there, so the folder is put back; or it
is gone, so the folder goes too.
"""

import logging
from typing import Any, TypeVar

from django.db import Error as DatabaseError
from django.db import connection, models, transaction

from downloads.files import trash, workspace
from downloads.models.event import VideoEvent

logger = logging.getLogger(__name__)


class RemovalError(Exception):
    """Nothing was removed; the message says why, in words for a person."""


class Removable(models.Model):
    """A video that is removed with its files."""

    # Of the whole model.
    video_id: "models.CharField[Any, str]"

    class Meta:
        abstract = True

    def record_event(self, reason: str, message: dict[str, Any] | None = None) -> None:
        """Insert the event of a change; `Transitions` has it."""
        raise NotImplementedError

    def remove(self, reason: str = "Deleted") -> bool:
        """Remove the video with its files and events; False if it is gone already. Raise RemovalError if it stays.

        A running download loses its lease with the row, and its worker stops it.
        """
        rows = type(self)._default_manager.filter(pk=self.pk)
        try:
            # Outermost, since only its end decides what becomes of the files.
            with transaction.atomic(durable=True):
                if not _remove_row(rows, reason):
                    return False
                trash.move_to_trash(self.video_id)
        except (OSError, DatabaseError) as error:
            logger.warning("%s could not be removed: %s", self.video_id, error)
            _recover_after_failure(rows, self.video_id)
            raise RemovalError(_describe_error(error)) from error
        _remove_leftover_files(self.video_id)
        return True

    def delete(self, *_: Any, **__: Any) -> tuple[int, dict[str, int]]:
        """Remove the video as `remove` does: Django's own delete would leave the files behind."""
        count = int(self.remove())
        return count, {self._meta.label: count}


R = TypeVar("R", bound=Removable)


def _remove_row(rows: models.QuerySet[R], reason: str) -> bool:
    """Remove the row and its events; the one that says so stays, for pages that missed it."""
    found = rows.select_for_update().first()
    if found is None:
        return False
    VideoEvent.objects.filter(public_id=found.video_id).delete()
    found.record_event(reason, {"changed": True})
    # Django's own delete: that of Removable would call this again.
    models.Model.delete(found)
    return True


def _describe_error(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"its files cannot be moved ({error.strerror})"
    return "the database did not take it"


def _remove_leftover_files(video_id: str) -> None:
    """Remove what is left of a video without a row; what cannot be removed stays in the trash, and is tried again."""
    try:
        trash.delete_from_trash(video_id)
        # Where a download still works in it, its worker does this.
        workspace.remove_workspace(video_id)
    except OSError as error:
        logger.warning("Files of %s could not be removed yet: %s", video_id, error)


def _recover_after_failure(rows: models.QuerySet[R], video_id: str) -> None:
    """Put the folder where it belongs; a worker does it later where the database cannot say where that is."""
    try:
        if not connection.is_usable():
            connection.close()
        _restore_or_purge_folder(rows, video_id)
    except (OSError, DatabaseError) as error:
        logger.warning("The files of %s wait in the trash: %s", video_id, error)


def finish_interrupted_removals(videos: models.QuerySet[R]) -> None:
    """End the removals that something broke off: `videos` are those that are there."""
    for video_id in trash.list_trashed_ids():
        try:
            _restore_or_purge_folder(videos.filter(video_id=video_id), video_id)
        except OSError as error:
            logger.debug("Files of %s could not be removed yet: %s", video_id, error)


def _restore_or_purge_folder(rows: models.QuerySet[R], video_id: str) -> None:
    # A removal that is under way elsewhere has the row's lock: what it comes to is waited for.
    with transaction.atomic():
        if rows.select_for_update().first():
            trash.restore_from_trash(video_id)
            return
    trash.delete_from_trash(video_id)
