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

AT_ONCE = 500
NAMED = 3


@dataclasses.dataclass(frozen=True)
class Verb:
    """What can be done with a video, how that is said of one and of many, and the verb that takes it back."""

    do: Callable[[Video, Any, QueuePosition], bool]
    one: str
    many: str
    skipped: str
    undo: str = ""


VERBS = {
    "retry": Verb(
        lambda video, by, _: video.retry(f"Retried by {by}"),
        "waits for another try",
        "wait for another try",
        "needs no other try",
        "take-back",
    ),
    "take-back": Verb(
        lambda video, by, _: video.undo_retry(f"Not tried again, says {by}"),
        "is as it was before",
        "are as they were before",
        "had ended before",
    ),
    "cancel": Verb(
        lambda video, by, _: video.cancel(f"Cancelled by {by}"),
        "is cancelled",
        "are cancelled",
        "had ended before",
        "restore",
    ),
    "restore": Verb(
        lambda video, by, _: video.undo_cancel(f"Put back by {by}"), "waits again", "wait again", "was not cancelled"
    ),
    "front": Verb(
        lambda video, by, _: video.move_to_front(f"Moved to the front by {by}"),
        "starts next",
        "start next",
        "does not wait any more",
        "behind",
    ),
    "behind": Verb(
        lambda video, by, place: video.restore_position(f"Moved back by {by}", place),
        "is back in its place",
        "are back in their places",
        "does not wait any more",
    ),
    "again": Verb(
        lambda video, by, _: video.redownload(f"Downloaded again by {by}"),
        "is downloaded again",
        "are downloaded again",
        "was not complete",
        "cancel",
    ),
    "delete": Verb(
        lambda video, by, _: video.remove(f"Deleted by {by}"), "is deleted", "are deleted", "was deleted before"
    ),
}


# What is said where that is not what came of it: a video or list that was complete before is so again.
KEPT = "is not downloaded again; it is as it was", "are not downloaded again; they are as they were"
LOOKED_THROUGH = "is looked through for new videos", "are looked through for new videos"


def act(
    request: HttpRequest, videos: Iterable[Video], name: str, places: Mapping[str, str] = MappingProxyType({})
) -> list[Video]:
    """Do it with each video; say what was done, and what was not and why. Return those it was done to.

    `places` has where each stood before it was moved, by its id, for the verb that puts it back there.
    """
    videos, verb = list(videos), VERBS[name]
    before = {video.video_id: video.queue_position for video in videos}
    done: list[Video] = []
    skipped: list[Video] = []
    # To the front one by one, so that the last one comes first: the order they had is kept that way.
    for video in reversed(videos) if name == "front" else videos:
        try:
            place = QueuePosition.from_string(places.get(video.video_id, ""))
            (done if verb.do(video, request.user, place) else skipped).append(video)
        except RemovalError as refusal:
            messages.error(request, f"{short(video)} could not be deleted: {refusal}. Nothing of it was removed.")
    for (one, many), some in _by_outcome(verb, done).items():
        said = f"{short(some[0])} {one}." if len(some) == 1 else f"{len(some)} videos {many}."
        messages.success(request, said, extra_tags=_undo(verb, some, before))
    if skipped:
        messages.info(request, _left(verb, skipped))
    return done


def _by_outcome(verb: Verb, done: list[Video]) -> dict[tuple[str, str], list[Video]]:
    """Return the videos by what came of it, in words for one and for many."""
    found: dict[tuple[str, str], list[Video]] = {}
    for video in done:
        said = verb.one, verb.many
        if verb is VERBS["cancel"] and video.status == Status.COMPLETE:
            said = KEPT
        elif verb is VERBS["again"] and video.is_list:
            said = LOOKED_THROUGH
        found.setdefault(said, []).append(video)
    return found


def short(video: Video) -> str:
    """Return a video's name, short enough for a sentence."""
    return Truncator(formatting.named(video)).chars(60)


def _undo(verb: Verb, done: list[Video], before: Mapping[str, QueuePosition] = MappingProxyType({})) -> str:
    """Return what takes it back, for the message's tags, which are not shown."""
    # A video that was complete before it was cancelled is so again: nothing of it waits.
    ids = [video.video_id for video in done if verb.undo != "restore" or video.status == Status.CANCELLED]
    if not verb.undo or not ids or len(ids) > AT_ONCE:
        return ""
    places = [str(before[video_id]) for video_id in ids] if verb.undo == "behind" else []
    return json.dumps({"url": "many", "do": verb.undo, "ids": ids, "places": places})


def _left(verb: Verb, skipped: list[Video]) -> str:
    """Say what was left as it is; of each what it is now, not what it was when the page was drawn."""
    now = Video.objects.in_bulk([video.pk for video in skipped[:NAMED]])
    states = [now[video.pk].get_status_display().lower() if video.pk in now else "deleted" for video in skipped[:NAMED]]
    if len(skipped) == 1:
        state = "" if verb is VERBS["delete"] else f": it is {states[0]}"
        return f"{short(now.get(skipped[0].pk, skipped[0]))} {verb.skipped}{state}."
    names = ", ".join(f"{short(video)} ({state})" for video, state in zip(skipped[:NAMED], states, strict=True))
    more = f" and {len(skipped) - NAMED} more" if len(skipped) > NAMED else ""
    return f"Left as they are: {names}{more}."


# The whole queue ---------------------------------------------------------------------------------
