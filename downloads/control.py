"""What a person does with the queue: with one video, with several that are selected, or with all of them."""

import dataclasses
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.text import Truncator
from django.views.decorators.http import require_POST

from downloads.models import Queue, Video
from downloads.views import back, changing

AT_ONCE = 500
SKIPPED_NAMED = 3


@dataclasses.dataclass(frozen=True)
class Verb:
    """What can be done with a video, and how that is said of one and of many."""

    do: Callable[[Video, Any], bool]
    one: str
    many: str
    skipped: str


VERBS = {
    "retry": Verb(
        lambda video, by: video.retry(f"Retried by {by}"),
        "waits for another try",
        "wait for another try",
        "needs no other try",
    ),
    "cancel": Verb(
        lambda video, by: video.cancel(f"Cancelled by {by}"), "is cancelled", "are cancelled", "had ended before"
    ),
    "front": Verb(
        lambda video, by: video.move_to_front(f"Moved to the front by {by}"),
        "starts next",
        "start next",
        "does not wait any more",
    ),
    "again": Verb(
        lambda video, by: video.again(f"Downloaded again by {by}"),
        "is downloaded again",
        "are downloaded again",
        "was not complete",
    ),
}


@require_POST
@changing
def one(request: HttpRequest, video_id: str, verb: str) -> HttpResponse:
    """Do one thing with one video."""
    act(request, [get_object_or_404(Video, video_id=video_id)], VERBS[verb])
    return redirect(back(request))


@require_POST
@changing
def many(request: HttpRequest) -> HttpResponse:
    """Do one thing with the videos that were selected."""
    verb = VERBS.get(request.POST.get("do", ""))
    videos = list(Video.objects.named(request.POST.getlist("id")[:AT_ONCE]).order_by("pk"))
    if verb is None or not videos:
        messages.info(request, "Select videos first, then what to do with them.")
    else:
        act(request, videos, verb)
    return redirect(back(request))


@require_POST
@changing
def queue(request: HttpRequest, do: str) -> HttpResponse:
    """Do one thing with the whole queue."""
    messages.info(request, QUEUE_VERBS[do](request.user))
    return redirect(back(request))


def act(request: HttpRequest, videos: list[Video], verb: Verb) -> None:
    """Do it with each video; say what was done, and what was not and why."""
    # To the front one by one, so that the last one comes first: the order they had is kept that way.
    ordered = reversed(videos) if verb is VERBS["front"] else videos
    did = {video.pk: verb.do(video, request.user) for video in ordered}
    done = [video for video in videos if did[video.pk]]
    skipped = [video for video in videos if not did[video.pk]]
    if done:
        messages.success(
            request, f"{_name(done[0])} {verb.one}." if len(done) == 1 else f"{len(done)} videos {verb.many}."
        )
    if skipped:
        names = ", ".join(f"{_name(video)} ({video.get_status_display().lower()})" for video in skipped[:SKIPPED_NAMED])
        more = f" and {len(skipped) - SKIPPED_NAMED} more" if len(skipped) > SKIPPED_NAMED else ""
        messages.info(request, f"Left as it is, for it {verb.skipped}: {names}{more}.")


def _name(video: Video) -> str:
    # What happened meanwhile is said, not what was when the page was drawn.
    video.refresh_from_db(fields=["status", "title"])
    return Truncator(video.name).chars(60)


def _pause(by: Any) -> str:
    if Queue.pause(f"The queue was paused by {by}."):
        return "The queue is paused. What runs goes on; nothing new starts."
    return "The queue was paused already."


def _resume(by: Any) -> str:
    words = "The queue goes on." if Queue.resume(f"Resumed by {by}") else "The queue was not paused."
    held = Queue.now().words
    return f"{words} {held}" if held else words


def _cancel_all(by: Any) -> str:
    count = Video.objects.cancel_all(f"Cancelled with all others by {by}")
    return f"{_count(count)} cancelled." if count else "Nothing was waiting or running."


def _retry_failed(by: Any) -> str:
    count = Video.objects.retry_failed(f"Retried with all others by {by}")
    return f"{_count(count)} put back into the queue." if count else "Nothing had failed."


def _count(count: int) -> str:
    return "1 video was" if count == 1 else f"{count} videos were"


QUEUE_VERBS = {"pause": _pause, "resume": _resume, "cancel-all": _cancel_all, "retry-failed": _retry_failed}
