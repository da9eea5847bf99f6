"""What a person does with videos and with the queue, and how that is said: on the pages and in the admin."""

import dataclasses
import json
from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.utils.text import Truncator

from downloads.models import Queue, Status, Video
from downloads.removal import CannotRemove
from downloads.templatetags import words

AT_ONCE = 500
NAMED = 3


@dataclasses.dataclass(frozen=True)
class Verb:
    """What can be done with a video, how that is said of one and of many, and the verb that takes it back."""

    do: Callable[[Video, Any], bool]
    one: str
    many: str
    skipped: str
    undo: str = ""


VERBS = {
    "retry": Verb(
        lambda video, by: video.retry(f"Retried by {by}"),
        "waits for another try",
        "wait for another try",
        "needs no other try",
        "take-back",
    ),
    "take-back": Verb(
        lambda video, by: video.take_back(f"Not tried again, says {by}"),
        "is as it was before",
        "are as they were before",
        "had ended before",
    ),
    "cancel": Verb(
        lambda video, by: video.cancel(f"Cancelled by {by}"),
        "is cancelled",
        "are cancelled",
        "had ended before",
        "restore",
    ),
    "restore": Verb(
        lambda video, by: video.restore(f"Put back by {by}"), "waits again", "wait again", "was not cancelled"
    ),
    "front": Verb(
        lambda video, by: video.move_to_front(f"Moved to the front by {by}"),
        "starts next",
        "start next",
        "does not wait any more",
        "behind",
    ),
    "behind": Verb(
        lambda video, by: video.move_behind(f"Moved back by {by}"),
        "is back in its place",
        "are back in their places",
        "does not wait any more",
    ),
    "again": Verb(
        lambda video, by: video.again(f"Downloaded again by {by}"),
        "is downloaded again",
        "are downloaded again",
        "was not complete",
        "cancel",
    ),
    "delete": Verb(
        lambda video, by: video.remove(f"Deleted by {by}"), "is deleted", "are deleted", "was deleted before"
    ),
}


def act(request: HttpRequest, videos: Iterable[Video], name: str) -> list[Video]:
    """Do it with each video; say what was done, and what was not and why. Return those it was done to."""
    videos, verb = list(videos), VERBS[name]
    done: list[Video] = []
    skipped: list[Video] = []
    # To the front one by one, so that the last one comes first: the order they had is kept that way.
    for video in reversed(videos) if name == "front" else videos:
        try:
            (done if verb.do(video, request.user) else skipped).append(video)
        except CannotRemove as refusal:
            messages.error(request, f"{short(video)} could not be deleted: {refusal}. Nothing of it was removed.")
    if done:
        said = f"{short(done[0])} {verb.one}." if len(done) == 1 else f"{len(done)} videos {verb.many}."
        messages.success(request, said, extra_tags=_undo(verb, done))
    if skipped:
        messages.info(request, _left(verb, skipped))
    return done


def short(video: Video) -> str:
    """Return a video's name, short enough for a sentence."""
    return Truncator(words.named(video)).chars(60)


def _undo(verb: Verb, done: list[Video]) -> str:
    """Return what takes it back, for the message's tags: they are not shown, and signed as the message is."""
    # A video that was complete before it was cancelled is so again: nothing of it waits.
    ids = [video.video_id for video in done if verb.undo != "restore" or video.status == Status.CANCELLED]
    if not verb.undo or not ids or len(ids) > AT_ONCE:
        return ""
    return json.dumps({"url": "many", "do": verb.undo, "ids": ids})


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


def act_on_queue(request: HttpRequest, name: str) -> None:
    """Do one thing with the whole queue, and say what came of it."""
    said, undo = QUEUE_VERBS[name](request.user)
    messages.info(request, said, extra_tags=undo)


def _pause(by: Any) -> tuple[str, str]:
    if Queue.pause(f"The queue was paused by {by}."):
        return "The queue is paused. What runs goes on; nothing new starts.", json.dumps({"url": "queue-resume"})
    return "The queue was paused already.", ""


def _resume(by: Any) -> tuple[str, str]:
    undo = json.dumps({"url": "queue-pause"}) if Queue.resume(f"Resumed by {by}") else ""
    said = "The queue goes on." if undo else "The queue was not paused."
    held = Queue.now().words
    return (f"{said} {held}" if held else said), undo


def _cancel_all(by: Any) -> tuple[str, str]:
    done = Video.objects.cancel_all(f"Cancelled with all others by {by}")
    said = f"{_count(done)} cancelled." if done else "Nothing was waiting or running."
    return said, _undo(VERBS["cancel"], done)


def _retry_failed(by: Any) -> tuple[str, str]:
    done = Video.objects.retry_failed(f"Retried with all others by {by}")
    said = f"{_count(done)} put back into the queue." if done else "Nothing had failed."
    return said, _undo(VERBS["retry"], done)


def _count(videos: list[Video]) -> str:
    return "1 video was" if len(videos) == 1 else f"{len(videos)} videos were"


QUEUE_VERBS = {"pause": _pause, "resume": _resume, "cancel-all": _cancel_all, "retry-failed": _retry_failed}
