"""Actions on videos, and the messages that report them, shared by the pages and the admin."""

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.utils.text import Truncator

from downloads import formatting
from downloads.accounts.permissions import Permission, require
from downloads.models import BulkItem, QueuePosition, Status, Video
from downloads.models.removal import RemovalError

MAX_VIDEOS_PER_ACTION = 500
NOTHING_SELECTED = "Select at least one video."
TOO_MANY_SELECTED = f"You can select up to {MAX_VIDEOS_PER_ACTION} videos at a time. Nothing was changed."
MAX_SKIPPED_NAMES = 3


@dataclasses.dataclass(frozen=True)
class Action:
    """One kind of action: the method it calls, the texts that report its outcome, and the action that undoes it.

    `{}` in a text is the name of the video, or the number of videos.

    `perform` takes the video, the user and the queue position to restore; it returns False if nothing was changed.
    """

    perform: Callable[[Video, Any, QueuePosition], bool]
    done_singular: str
    done_plural: str
    skipped_text: str
    undo_action: str = ""
    permission: Permission = Permission.CHANGE


ACTIONS = {
    "retry": Action(
        lambda video, user, _: video.retry(f"Retried by {user}"),
        "Retrying {}.",
        "Retrying {} videos.",
        "doesn’t need a retry",
        "take-back",
    ),
    "take-back": Action(
        lambda video, user, _: video.undo_retry(f"Retry undone by {user}"),
        "Retry of {} undone.",
        "Retry of {} videos undone.",
        "had already finished",
    ),
    "cancel": Action(
        lambda video, user, _: video.cancel(f"Cancelled by {user}"),
        "Cancelled {}.",
        "Cancelled {} videos.",
        "had already finished",
        "restore",
    ),
    "restore": Action(
        lambda video, user, _: video.undo_cancel(f"Put back by {user}"),
        "{} is back in the queue.",
        "{} videos are back in the queue.",
        "wasn’t cancelled",
    ),
    "front": Action(
        lambda video, user, _: video.move_to_front(f"Moved to the front by {user}"),
        "{} is next.",
        "{} videos are next.",
        "is no longer waiting",
        "behind",
    ),
    "behind": Action(
        lambda video, user, position: video.restore_position(f"Moved back by {user}", position),
        "{} moved back.",
        "{} videos moved back.",
        "is no longer waiting",
    ),
    "again": Action(
        lambda video, user, _: video.redownload(f"Downloaded again by {user}"),
        "Downloading {} again.",
        "Downloading {} videos again.",
        "wasn’t complete",
        "cancel",
    ),
    "protect": Action(
        lambda video, user, _: video.protect(f"Protected by {user}"),
        "Protected {}. Retention leaves it alone.",
        "Protected {} videos. Retention leaves them alone.",
        "is protected already",
        "unprotect",
        permission=Permission.DELETE,
    ),
    "unprotect": Action(
        lambda video, user, _: video.unprotect(f"No longer protected, says {user}"),
        "{} is no longer protected.",
        "{} videos are no longer protected.",
        "wasn’t protected",
        "protect",
        permission=Permission.DELETE,
    ),
    "delete": Action(
        lambda video, user, _: video.remove(f"Deleted by {user}"),
        "Deleted {}.",
        "Deleted {} videos.",
        "was already deleted",
        permission=Permission.DELETE,
    ),
}


# Texts (for one video, for many) of outcomes that an action's own texts do not fit:
# a redownload that is cancelled leaves the video complete, and a playlist is only checked for new videos.
UNCHANGED_TEXTS = (
    "Cancelled. Your existing copy of {} is unchanged.",
    "Cancelled. Your existing copies of {} videos are unchanged.",
)
PLAYLIST_CHECKED_TEXTS = "Checking {} for new videos.", "Checking {} playlists for new videos."


def required_permission(action_name: str) -> Permission:
    """Return the permission that an action of ACTIONS needs; CHANGE for one that does not exist."""
    return ACTIONS[action_name].permission if action_name in ACTIONS else Permission.CHANGE


def run_action(
    request: HttpRequest, videos: Iterable[Video], action_name: str, positions: Mapping[str, str] = MappingProxyType({})
) -> list[Video]:
    """Run an action of ACTIONS on each video, add messages about the outcome, and return the changed videos.

    Raises RoleRequired if the user may not do this. `positions` maps video ids to former queue positions (QueuePosition
    as a string); only "behind" uses it.
    """
    require(request.user, required_permission(action_name))
    videos, action = _leave_out_pending(request, list(videos)), ACTIONS[action_name]
    positions_before = {video.video_id: video.queue_position for video in videos}
    changed: list[Video] = []
    skipped: list[Video] = []
    # Each video moves in front of the one before it, so going backwards keeps their order.
    for video in reversed(videos) if action_name == "front" else videos:
        try:
            position = QueuePosition.from_string(positions.get(video.video_id, ""))
            (changed if action.perform(video, request.user, position) else skipped).append(video)
        except RemovalError as error:
            messages.error(request, f"Couldn’t delete {short_title(video)}: {error}. Nothing was removed.")
    for (singular, plural), group in _group_by_outcome(action, changed).items():
        text = singular.format(short_title(group[0])) if len(group) == 1 else plural.format(len(group))
        messages.success(request, text, extra_tags=undo_tags(action, group, positions_before))
    if skipped:
        messages.info(request, _skipped_message(action, skipped))
    return changed


def _leave_out_pending(request: HttpRequest, videos: list[Video]) -> list[Video]:
    """Return the videos that no bulk action is still to be performed on, and say which ones are left out."""
    pending_pks = set(BulkItem.objects.pending().filter(video__in=videos).values_list("video", flat=True))
    pending = [video for video in videos if video.pk in pending_pks]
    if pending:
        subject = short_title(pending[0]) if len(pending) == 1 else f"{len(pending)} videos"
        messages.info(request, f"Another action on {subject} is still running.")
    return [video for video in videos if video.pk not in pending_pks]


def _group_by_outcome(action: Action, videos: list[Video]) -> dict[tuple[str, str], list[Video]]:
    """Group the changed videos by the texts of their outcome, (singular, plural)."""
    groups: dict[tuple[str, str], list[Video]] = {}
    for video in videos:
        texts = action.done_singular, action.done_plural
        if action is ACTIONS["cancel"] and video.status == Status.COMPLETE:
            texts = UNCHANGED_TEXTS
        elif action is ACTIONS["again"] and video.is_list:
            texts = PLAYLIST_CHECKED_TEXTS
        groups.setdefault(texts, []).append(video)
    return groups


def short_title(video: Video) -> str:
    """Return the video's name, cut to 60 characters for use in a sentence."""
    return Truncator(formatting.display_name(video)).chars(60)


def undo_tags(
    action: Action, videos: list[Video], positions_before: Mapping[str, QueuePosition] = MappingProxyType({})
) -> str:
    """Return the undo form's fields as JSON, "" if there is no undo. They travel in the message's tags, unseen."""
    # A redownload that was cancelled left the video complete, so there is nothing to restore.
    ids = [video.video_id for video in videos if action.undo_action != "restore" or video.status == Status.CANCELLED]
    if not action.undo_action or not ids or len(ids) > MAX_VIDEOS_PER_ACTION:
        return ""
    positions = [str(positions_before[video_id]) for video_id in ids] if action.undo_action == "behind" else []
    return json.dumps({"url": "many", "do": action.undo_action, "ids": ids, "places": positions})


def _skipped_message(action: Action, skipped: list[Video]) -> str:
    """Describe the skipped videos, with their present status, which the page may not have shown yet."""
    named = skipped[:MAX_SKIPPED_NAMES]
    current = Video.objects.in_bulk([video.pk for video in named])
    statuses = [current[video.pk].get_status_display().lower() if video.pk in current else "deleted" for video in named]
    if len(skipped) == 1:
        status = "" if action is ACTIONS["delete"] else f": it is {statuses[0]}"
        return f"{short_title(current.get(skipped[0].pk, skipped[0]))} {action.skipped_text}{status}."
    names = ", ".join(f"{short_title(video)} ({status})" for video, status in zip(named, statuses, strict=True))
    more = f" and {len(skipped) - MAX_SKIPPED_NAMES} more" if len(skipped) > MAX_SKIPPED_NAMES else ""
    return f"Skipped: {names}{more}."
