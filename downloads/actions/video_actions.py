"""What a person does with videos and with the queue, and how that is said: on the pages and in the admin."""

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.utils.text import Truncator

from downloads import formatting
from downloads.models import QueuePosition, Status, Video
from downloads.models.removal import RemovalError

MAX_VIDEOS_PER_ACTION = 500
MAX_SKIPPED_NAMES = 3


@dataclasses.dataclass(frozen=True)
class Action:
    """What can be done with a video, how that is said of one and of many, and the verb that takes it back."""

    perform: Callable[[Video, Any, QueuePosition], bool]
    done_singular: str
    done_plural: str
    skipped_text: str
    undo_action: str = ""


ACTIONS = {
    "retry": Action(
        lambda video, by, _: video.retry(f"Retried by {by}"),
        "waits for another try",
        "wait for another try",
        "needs no other try",
        "take-back",
    ),
    "take-back": Action(
        lambda video, by, _: video.undo_retry(f"Not tried again, says {by}"),
        "is as it was before",
        "are as they were before",
        "had ended before",
    ),
    "cancel": Action(
        lambda video, by, _: video.cancel(f"Cancelled by {by}"),
        "is cancelled",
        "are cancelled",
        "had ended before",
        "restore",
    ),
    "restore": Action(
        lambda video, by, _: video.undo_cancel(f"Put back by {by}"), "waits again", "wait again", "was not cancelled"
    ),
    "front": Action(
        lambda video, by, _: video.move_to_front(f"Moved to the front by {by}"),
        "starts next",
        "start next",
        "does not wait any more",
        "behind",
    ),
    "behind": Action(
        lambda video, by, place: video.restore_position(f"Moved back by {by}", place),
        "is back in its place",
        "are back in their places",
        "does not wait any more",
    ),
    "again": Action(
        lambda video, by, _: video.redownload(f"Downloaded again by {by}"),
        "is downloaded again",
        "are downloaded again",
        "was not complete",
        "cancel",
    ),
    "delete": Action(
        lambda video, by, _: video.remove(f"Deleted by {by}"), "is deleted", "are deleted", "was deleted before"
    ),
}


# What is said where that is not what came of it: a video or list that was complete before is so again.
UNCHANGED_TEXTS = "is not downloaded again; it is as it was", "are not downloaded again; they are as they were"
PLAYLIST_CHECKED_TEXTS = "is looked through for new videos", "are looked through for new videos"


def run_action(
    request: HttpRequest, videos: Iterable[Video], action_name: str, positions: Mapping[str, str] = MappingProxyType({})
) -> list[Video]:
    """Do it with each video; say what was done, and what was not and why. Return those it was done to.

    `places` has where each stood before it was moved, by its id, for the verb that puts it back there.
    """
    videos, verb = list(videos), ACTIONS[action_name]
    before = {video.video_id: video.queue_position for video in videos}
    done: list[Video] = []
    skipped: list[Video] = []
    # To the front one by one, so that the last one comes first: the order they had is kept that way.
    for video in reversed(videos) if action_name == "front" else videos:
        try:
            place = QueuePosition.from_string(positions.get(video.video_id, ""))
            (done if verb.perform(video, request.user, place) else skipped).append(video)
        except RemovalError as refusal:
            messages.error(request, f"{short_title(video)} could not be deleted: {refusal}. Nothing of it was removed.")
    for (one, many), some in _group_by_outcome(verb, done).items():
        said = f"{short_title(some[0])} {one}." if len(some) == 1 else f"{len(some)} videos {many}."
        messages.success(request, said, extra_tags=undo_tags(verb, some, before))
    if skipped:
        messages.info(request, _skipped_message(verb, skipped))
    return done


def _group_by_outcome(action: Action, done: list[Video]) -> dict[tuple[str, str], list[Video]]:
    """Return the videos by what came of it, in words for one and for many."""
    found: dict[tuple[str, str], list[Video]] = {}
    for video in done:
        said = action.done_singular, action.done_plural
        if action is ACTIONS["cancel"] and video.status == Status.COMPLETE:
            said = UNCHANGED_TEXTS
        elif action is ACTIONS["again"] and video.is_list:
            said = PLAYLIST_CHECKED_TEXTS
        found.setdefault(said, []).append(video)
    return found


def short_title(video: Video) -> str:
    """Return a video's name, short enough for a sentence."""
    return Truncator(formatting.display_name(video)).chars(60)


def undo_tags(action: Action, done: list[Video], before: Mapping[str, QueuePosition] = MappingProxyType({})) -> str:
    """Return what takes it back, for the message's tags, which are not shown."""
    # A video that was complete before it was cancelled is so again: nothing of it waits.
    ids = [video.video_id for video in done if action.undo_action != "restore" or video.status == Status.CANCELLED]
    if not action.undo_action or not ids or len(ids) > MAX_VIDEOS_PER_ACTION:
        return ""
    places = [str(before[video_id]) for video_id in ids] if action.undo_action == "behind" else []
    return json.dumps({"url": "many", "do": action.undo_action, "ids": ids, "places": places})


def _skipped_message(action: Action, skipped: list[Video]) -> str:
    """Say what was left as it is; of each what it is now, not what it was when the page was drawn."""
    now = Video.objects.in_bulk([video.pk for video in skipped[:MAX_SKIPPED_NAMES]])
    states = [
        now[video.pk].get_status_display().lower() if video.pk in now else "deleted"
        for video in skipped[:MAX_SKIPPED_NAMES]
    ]
    if len(skipped) == 1:
        state = "" if action is ACTIONS["delete"] else f": it is {states[0]}"
        return f"{short_title(now.get(skipped[0].pk, skipped[0]))} {action.skipped_text}{state}."
    names = ", ".join(
        f"{short_title(video)} ({state})" for video, state in zip(skipped[:MAX_SKIPPED_NAMES], states, strict=True)
    )
    more = f" and {len(skipped) - MAX_SKIPPED_NAMES} more" if len(skipped) > MAX_SKIPPED_NAMES else ""
    return f"Left as they are: {names}{more}."


# The whole queue ---------------------------------------------------------------------------------
