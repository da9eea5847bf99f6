"""Bulk actions: what is asked for on many videos is recorded at once, and a worker performs it.

A request must not take longer the more was chosen: a proxy waits 60 s for it, and on SQLite no one else can write.
"""

import dataclasses
import datetime as dt
import functools
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.http import HttpRequest
from django.utils import timezone

from downloads.accounts.permissions import require
from downloads.actions.video_actions import ACTIONS, Action, required_permission, run_action
from downloads.database import advisory_lock
from downloads.models import ACTIVE_STATUSES, BulkAction, BulkItem, ItemState, Queue, Status, Video
from downloads.models.audit.actor import actor_of
from downloads.models.audit.entry import AuditAction, record_entry
from downloads.models.bulk.bulk_action import find_shown
from downloads.models.event import record_queue_event
from downloads.pluralization import format_count
from downloads.progress import publisher
from downloads.progress.message import Progress

MAX_IMMEDIATE_VIDEOS = 50  # more are left to a worker; one takes about 5 ms
MAX_STOPPED_DOWNLOADS = 100  # running downloads that the request itself stops
MAX_ANNOUNCED_VIDEOS = 200  # more than a page fetches one by one: it fetches its whole list then
WORKER_TIMEOUT = dt.timedelta(seconds=10)  # without progress, it is shown as waiting for a worker
RETENTION_PERIOD = dt.timedelta(days=1)  # of finished ones, which an undo needs


@dataclasses.dataclass(frozen=True)
class BulkKind:
    """A bulk action: what it does with each video, and its texts; `{}` is a number of videos."""

    action: Action
    text: str
    label: str  # shown in place of a video's buttons


def _cancel_with_all(video: Video, user: Any, _: Any) -> bool:
    return video.cancel(f"Cancelled with all others by {user}")


def _retry_with_all(video: Video, user: Any, _: Any) -> bool:
    return video.retry(f"Retried with all others by {user}", allow_duplicate=False)


CANCEL, RETRY = ACTIONS["cancel"], ACTIONS["retry"]
BULK_KINDS = {
    "delete": BulkKind(ACTIONS["delete"], "Deleting {}", "Deleting…"),
    "cancel": BulkKind(CANCEL, "Cancelling {}", "Cancelling…"),
    "cancel-all": BulkKind(dataclasses.replace(CANCEL, perform=_cancel_with_all), "Cancelling {}", "Cancelling…"),
    "retry": BulkKind(RETRY, "Retrying {}", "Retrying…"),
    "retry-all": BulkKind(dataclasses.replace(RETRY, perform=_retry_with_all), "Retrying {}", "Retrying…"),
    "again": BulkKind(ACTIONS["again"], "Putting {} into the queue again", "Queueing…"),
    "front": BulkKind(ACTIONS["front"], "Moving {} to the front of the queue", "Moving…"),
    "protect": BulkKind(ACTIONS["protect"], "Protecting {}", "Protecting…"),
    "unprotect": BulkKind(ACTIONS["unprotect"], "Ending the protection of {}", "Unprotecting…"),
    "behind": BulkKind(ACTIONS["behind"], "Moving {} back to their places", "Moving…"),
    "restore": BulkKind(ACTIONS["restore"], "Putting {} back into the queue", "Queueing…"),
    "take-back": BulkKind(ACTIONS["take-back"], "Undoing the retry of {}", "Undoing…"),
}
UNKNOWN_KIND_TEXT = "Unknown action on {}"  # of a row that something else wrote
STOPPING_KINDS = ("delete", "cancel", "cancel-all")


# Asking for one --------------------------------------------------------------------------------------


def run_or_start(
    request: HttpRequest,
    videos: "QuerySet[Video]",
    action_name: str,
    positions: Mapping[str, str] = MappingProxyType({}),
) -> list[Video]:
    """Run an action at once, or leave it to a worker if there are many videos; add the messages.

    Return the videos that were changed at once.
    """
    require(request.user, required_permission(action_name))
    first_videos = list(videos[: MAX_IMMEDIATE_VIDEOS + 1])
    if not first_videos:
        messages.info(request, "These videos are no longer in the archive.")  # removed by another request meanwhile
        return []
    # Positions arrive only with an undo of few videos.
    if len(first_videos) <= MAX_IMMEDIATE_VIDEOS or positions:
        return run_action(request, videos if positions else first_videos, action_name, positions)
    text, undo = start_bulk_action(request.user, action_name, videos)
    messages.info(request, text, extra_tags=undo)
    return []


def exceeds_request(videos: "QuerySet[Video]") -> bool:
    """Return True if these are more videos than one request may act on."""
    return videos[: MAX_IMMEDIATE_VIDEOS + 1].count() > MAX_IMMEDIATE_VIDEOS


def start_bulk_action(user: Any, action_name: str, rows: "QuerySet[Any]", video_column: str = "pk") -> tuple[str, str]:
    """Record a bulk action on the videos of `rows`; return its message and the JSON of its undo, "" without one.

    The number of statements does not grow with the number of videos.
    """
    actor = actor_of(user)
    with transaction.atomic():
        advisory_lock("bulk actions")  # two that choose the same video would both mark it (PostgreSQL)
        BulkAction.objects.filter(finished_at__lt=timezone.now() - RETENTION_PERIOD).delete()
        bulk = BulkAction.objects.create(action=action_name, user_id=actor.user_id, user_name=actor.name)
        bulk.total = BulkItem.objects.insert_from(bulk, _in_order(rows, action_name, video_column), video_column)
        if not bulk.total:
            bulk.delete()
            return "Another action on these videos is still running.", ""
        bulk.save(update_fields=["total"])
        Queue.objects.get_or_create(pk=1)  # with which the pages read that there is one
        text = f"{describe_kind(bulk)}."
        record_entry(AuditAction.BULK_STARTED, details=text, actor=actor)
        record_queue_event(f"{text[:-1]}, asked for by {actor.name}")
        transaction.on_commit(functools.partial(_announce_items, bulk))
    _stop_downloads(bulk)
    return text, _undo_tags(bulk)


def _in_order(rows: "QuerySet[Any]", action_name: str, video_column: str) -> "QuerySet[Any]":
    """Order the rows as they are to be worked on."""
    if video_column != "pk":
        return rows.order_by("-pk" if action_name == "front" else "pk")
    # Running downloads first: they are to stop soon.
    is_waiting = Case(When(status__in=ACTIVE_STATUSES, then=Value(0)), default=Value(1), output_field=IntegerField())
    # Each video moves in front of the one before it, so going backwards keeps their order.
    return rows.order_by("-pk") if action_name == "front" else rows.order_by(is_waiting, "pk")


def _announce_items(bulk: BulkAction) -> None:
    """Have open pages fetch the first videos again, which are marked now."""
    first = bulk.items.pending().values_list("video__video_id", "video__attempt")
    changes = {video_id: Progress(changed=True, attempt=attempt) for video_id, attempt in first[:MAX_ANNOUNCED_VIDEOS]}
    if changes:
        publisher.publish_many(changes)


def _stop_downloads(bulk: BulkAction) -> None:
    """Cancel the running downloads of a deletion or cancellation, which is not to wait for other bulk actions."""
    if bulk.action not in STOPPING_KINDS:
        return
    running = Video.objects.active().filter(bulk_items__bulk_action=bulk)[:MAX_STOPPED_DOWNLOADS]
    perform = BULK_KINDS["cancel" if bulk.action == "delete" else bulk.action].action.perform
    for video in running:
        stopped = perform(video, bulk.user_name, video.queue_position)
        if stopped and bulk.action != "delete":
            state = ItemState.DONE
            bulk.items.pending().filter(video=video).update(state=state)


def _undo_tags(bulk: BulkAction) -> str:
    undo_action = BULK_KINDS[bulk.action].action.undo_action
    return json.dumps({"url": "many", "do": undo_action, "bulk": bulk.pk}) if undo_action else ""


def undo_bulk_action(request: HttpRequest, bulk_id: str, action_name: str) -> None:
    """Stop a bulk action, and start the one that undoes what was done of it; add the message."""
    require(request.user, required_permission(action_name))
    # Fewer than 19 digits fit a 64-bit integer.
    is_number = bulk_id.isascii() and bulk_id.isdigit() and len(bulk_id) < 19
    bulk = BulkAction.objects.filter(pk=int(bulk_id)).first() if is_number else None
    kind = BULK_KINDS.get(bulk.action) if bulk else None
    if bulk is None or kind is None or not action_name or kind.action.undo_action != action_name:
        messages.info(request, "This can no longer be undone.")
        return
    stopped_count = bulk.items.pending().update(state=ItemState.SKIPPED)
    done = BulkItem.objects.filter(_undoable_condition(action_name), bulk_action=bulk, state=ItemState.DONE)
    if done.exists():
        text, undo = start_bulk_action(request.user, action_name, done, "video")
    else:
        text, undo = ("Stopped before anything was done." if stopped_count else "There is nothing to undo."), ""
    messages.info(request, text, extra_tags=undo)


def _undoable_condition(undo_action: str) -> Q:
    """Return the condition of the items that an undo concerns: a cancelled redownload left its video complete."""
    return Q(video__status=Status.CANCELLED) if undo_action == "restore" else Q()


# Showing them ----------------------------------------------------------------------------------------


def describe_kind(bulk: BulkAction, done_count: int | None = None) -> str:
    """Return "Deleting 10,000 videos", with `done_count` "Deleting 3,410 of 10,000 videos"."""
    count = format_count(bulk.total, "video")
    text = BULK_KINDS[bulk.action].text if bulk.action in BULK_KINDS else UNKNOWN_KIND_TEXT
    return text.format(count if done_count is None else f"{done_count:,} of {count}")


def describe_running() -> list[tuple[str, bool]]:
    """Return the progress of each bulk action that pages show, a sentence, and whether there are problems."""
    return [(_describe_progress(bulk), bool(bulk.problems or bulk.wait_reason)) for bulk in find_shown()]


def _describe_progress(bulk: BulkAction) -> str:
    if bulk.finished_at:
        return bulk.problems
    text = describe_kind(bulk, bulk.count_done())
    if bulk.wait_reason:
        return f"{text}: waiting. {bulk.wait_reason} {bulk.problems}".rstrip()
    is_worked_on = bulk.progress_at and timezone.now() - bulk.progress_at < WORKER_TIMEOUT
    progress = f"{text} …" if is_worked_on else f"{text}: waiting for a worker."
    return f"{progress} {bulk.problems}".rstrip()
