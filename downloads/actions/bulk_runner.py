"""Runner of bulk actions: a thread of each worker that performs them in small transactions."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from downloads.actions.bulk_actions import BULK_KINDS, describe_kind
from downloads.actions.video_actions import short_title
from downloads.database import let_other_writers_in
from downloads.database.changes import ChangeDetector
from downloads.files.volumes.errors import describe_os_error, is_storage_fault
from downloads.files.volumes.probe import MEDIA_LABEL, find_media_fault
from downloads.models import ArchiveIdentity, BulkAction, BulkItem, ItemState, QueuePosition
from downloads.models.audit.actor import acting_as
from downloads.models.event import record_queue_event
from downloads.models.removal import RemovalError
from downloads.outage_log import OutageLog

logger = logging.getLogger(__name__)
_faults_of_items: Counter[int] = Counter()

POLL_INTERVAL_SECONDS = 0.5
STOP_TIMEOUT_SECONDS = 2.0
MAX_SLICE_SECONDS = 0.1  # other writers of SQLite wait this long
ITEMS_PER_BATCH = 10
MAX_LISTED_PROBLEMS = 3
FOLDER_RETRY_SECONDS = 5.0  # between tries of a deletion while the media folder cannot be used
MAX_FAULTS_OF_ITEM = 3  # where the folder itself is well: then only this video's files have the fault


class FolderUnusable(Exception):
    """The media folder cannot be used, so that a deletion has to wait; the message is a sentence."""


class BulkActionRunner:
    """Context manager that performs bulk actions in a thread: `with BulkActionRunner(): …`.

    Several workers may run one each. A kill loses nothing: what is pending in the database is done by the next one.
    """

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bulk-actions", daemon=True)
        self._folder_retry_at = float("-inf")
        self._changes = ChangeDetector()
        self._outage_log = OutageLog(logger, "Bulk actions wait for the database: %s", "Bulk actions go on.")

    def __enter__(self) -> "BulkActionRunner":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(STOP_TIMEOUT_SECONDS)

    def _run(self) -> None:
        while not self._stopping.wait(POLL_INTERVAL_SECONDS):
            try:
                self._perform_all()
            except DatabaseError as error:
                self._outage_log.failed(error)
                connection.close()
            except Exception:
                # A bug, but the thread must live: the next bulk action may be without it.
                logger.exception("A bulk action could not go on")
            else:
                self._outage_log.recovered()
        connection.close()

    def _perform_all(self) -> None:
        is_folder_tried = time.monotonic() >= self._folder_retry_at
        if not self._changes.has_changed() and not is_folder_tried:
            return
        if is_folder_tried:
            self._folder_retry_at = time.monotonic() + FOLDER_RETRY_SECONDS
        while not self._stopping.is_set() and run_slices(with_waiting=is_folder_tried):
            let_other_writers_in()
            is_folder_tried = False


def run_slices(*, with_waiting: bool = True) -> bool:
    """Perform a part of each bulk action; False if there is none, or all wait for the media folder.

    `with_waiting` also tries those that wait for it.
    """
    unfinished = BulkAction.objects.filter(finished_at=None).order_by("pk")
    has_performed = False
    for bulk in unfinished if with_waiting else unfinished.filter(wait_reason=""):
        try:
            with acting_as(bulk.actor):
                _run_slice(bulk)
        except FolderUnusable as unusable:
            _set_wait_reason(bulk, str(unusable))
        else:
            has_performed = True
    return has_performed


def _run_slice(bulk: BulkAction) -> None:
    if bulk.action not in BULK_KINDS:
        # Something else wrote the row; its videos would wait for ever.
        logger.error("Bulk action %s is not known, and is ended: %r", bulk.pk, bulk.action)
        bulk.items.pending().update(state=ItemState.SKIPPED)
    elif bulk.action == "delete":
        _require_media_folder()
        # Each in a transaction of its own, whose commit decides whether its files are deleted.
        _perform_until_deadline(bulk, _pending_items(bulk), _delete_video)
        _set_wait_reason(bulk, "")
    else:
        with transaction.atomic():
            _perform_until_deadline(bulk, _lock_items(_pending_items(bulk)), _perform)
    BulkAction.objects.filter(pk=bulk.pk).update(progress_at=timezone.now())
    if not _pending_items(bulk).exists():
        _finish(bulk)


def _perform_until_deadline(bulk: BulkAction, pending: Any, perform: Callable[[BulkAction, BulkItem], None]) -> None:
    """Perform the next items, a batch at least."""
    deadline = time.monotonic() + MAX_SLICE_SECONDS
    while items := list(pending.all()[:ITEMS_PER_BATCH]):
        for item in items:
            perform(bulk, item)
        if time.monotonic() >= deadline:
            break


def _pending_items(bulk: BulkAction) -> Any:
    return bulk.items.pending().select_related("video")


def _lock_items(items: Any) -> Any:
    """Lock the items where rows can be locked, so that two workers do not perform the same ones."""
    if connection.features.has_select_for_update_skip_locked:
        return items.select_for_update(skip_locked=True, of=("self",))
    return items


def _perform(bulk: BulkAction, item: BulkItem) -> None:
    kind, video = BULK_KINDS[bulk.action], item.video
    position = QueuePosition(item.priority, item.not_before)
    try:
        is_changed = kind.action.perform(video, bulk.user_name, position)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        logger.exception("%s: %s failed", video.video_id, bulk.action)
        _record_failure(bulk, item, str(error))
        return
    state = ItemState.DONE if is_changed else ItemState.SKIPPED
    BulkItem.objects.filter(pk=item.pk, state=ItemState.PENDING).update(state=state)


def _delete_video(bulk: BulkAction, item: BulkItem) -> None:
    try:
        # The item goes with the row.
        item.video.remove(f"Deleted by {bulk.user_name}")
    except RemovalError as error:
        if isinstance(error.__cause__, (OperationalError, InterfaceError)):
            raise error.__cause__ from error
        _require_own_fault(item, error.__cause__)
        _record_failure(bulk, item, str(error))


def _require_media_folder() -> None:
    """Raise FolderUnusable if the media folder cannot be used or is the wrong one; nothing is written."""
    if fault := find_media_fault(ArchiveIdentity.get_marked_id(), is_written=False):
        raise FolderUnusable(fault)


def _require_own_fault(item: BulkItem, error: BaseException | None) -> None:
    """Raise FolderUnusable unless it is the files of this video alone that could not be deleted."""
    _require_media_folder()
    if not isinstance(error, OSError) or not is_storage_fault(error):
        return
    fault = find_media_fault(ArchiveIdentity.get_marked_id(), is_written=True)
    _faults_of_items[item.pk] += 1
    if fault or _faults_of_items[item.pk] < MAX_FAULTS_OF_ITEM:
        raise FolderUnusable(fault or describe_os_error(error, MEDIA_LABEL))


def _set_wait_reason(bulk: BulkAction, reason: str) -> None:
    """Write why a bulk action waits, "" if it goes on; open pages then show it."""
    if bulk.wait_reason == reason:
        return
    bulk.wait_reason = reason
    with transaction.atomic():
        BulkAction.objects.filter(pk=bulk.pk).update(wait_reason=reason)
        record_queue_event(f"{describe_kind(bulk)}: waiting. {reason}" if reason else f"{describe_kind(bulk)} goes on")
    if reason:
        logger.warning("%s waits: %s", describe_kind(bulk), reason)
    else:
        logger.warning("%s goes on", describe_kind(bulk))


def _record_failure(bulk: BulkAction, item: BulkItem, reason: str) -> None:
    """Leave the video as it is, and name it among the problems that the pages show."""
    BulkItem.objects.filter(pk=item.pk).update(state=ItemState.FAILED)
    failed_items = bulk.items.filter(state=ItemState.FAILED)
    count = failed_items.count()
    names = [short_title(failed.video) for failed in failed_items.select_related("video")[:MAX_LISTED_PROBLEMS]]
    more = f" and {count - len(names):,} more" if count > len(names) else ""
    bulk.problems = (
        f"{describe_kind(bulk)}: this failed for {', '.join(names)}{more} ({reason}). They stay as they were."
    )
    BulkAction.objects.filter(pk=bulk.pk).update(problems=bulk.problems)


def _finish(bulk: BulkAction) -> None:
    """End a bulk action, once; open pages then show that it is over."""
    with transaction.atomic():
        if BulkAction.objects.filter(pk=bulk.pk, finished_at=None).update(finished_at=timezone.now()):
            record_queue_event(f"{describe_kind(bulk)}: done")
