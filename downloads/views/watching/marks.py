"""Views that mark videos as watched or unwatched, remove them from “Continue watching”, and undo either."""

import json
from collections.abc import Collection

from django.contrib import messages
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse

from downloads.actions.video_actions import MAX_VIDEOS_PER_ACTION, NOTHING_SELECTED, TOO_MANY_SELECTED, short_title
from downloads.library.selection import find_listed_videos
from downloads.models import Video, VideoQuerySet, WatchState
from downloads.views import responses
from downloads.views.decorators import post_only, require_sign_in

# The methods of marks, and what they have done to one video and to many.
MARKS = {
    "watched": (WatchState.objects.mark_watched, "Marked {} as watched."),
    "unwatched": (WatchState.objects.mark_unwatched, "Marked {} as unwatched."),
    "dismiss": (WatchState.objects.dismiss, "Removed {} from Continue watching."),
}
MAX_MARKED = 20_000


@post_only
@require_sign_in
def mark_video(request: HttpRequest, video_id: str, mark: str) -> HttpResponse:
    """Mark one video."""
    videos = Video.objects.filter(video_id=video_id)
    if not videos.exists():
        return responses.video_gone_response(request, video_id)
    _mark(request, videos, mark)
    # Only the whole list knows what moves up in the row.
    return responses.action_response(request, [] if mark == "dismiss" else [video_id])


@post_only
@require_sign_in
def mark_videos(request: HttpRequest) -> HttpResponse:
    """Mark the videos named by `id`, the entries of the playlist `list`, of an `uploader` or `listing`, as `do` says.

    `undo` in their place is the token of the mark to undo.
    """
    if "undo" in request.POST:
        return _undo(request, request.POST["undo"])
    if len(request.POST.getlist("id")) > MAX_VIDEOS_PER_ACTION:
        messages.error(request, TOO_MANY_SELECTED)
        return responses.action_response(request, [])
    videos, mark = _selected_videos(request), request.POST.get("do", "")
    if videos is None or mark not in MARKS or not videos.exists():
        messages.info(request, NOTHING_SELECTED)
        return responses.action_response(request, [])
    video_ids = _mark(request, videos, mark)
    return responses.action_response(request, video_ids)


def _selected_videos(request: HttpRequest) -> VideoQuerySet | None:
    """Return the videos that a form means; None if it names none."""
    form = request.POST
    if "all" in form:
        return find_listed_videos(form.get("listing", ""), request.user)
    if video_ids := form.getlist("id"):
        return Video.objects.with_ids(video_ids)
    # PostgreSQL refuses a NUL.
    if uploader := form.get("uploader", "").replace("\x00", ""):
        return Video.objects.filter(uploader=uploader)
    if playlist := form.get("list", ""):
        return Video.objects.filter(parent__in=Video.objects.with_ids([playlist]))
    return None


def _mark(request: HttpRequest, videos: VideoQuerySet, mark: str) -> Collection[str]:
    """Mark these videos, say so with an undo, and return their ids; a playlist itself is not watched."""
    change, sentence = MARKS[mark]
    marked = list(videos.filter(is_list=False).only("video_id", "title", "url").order_by("pk")[:MAX_MARKED])
    try:
        token = change(request.user, [video.pk for video in marked])
    except IntegrityError:  # one was deleted meanwhile
        messages.info(request, responses.VIDEO_GONE_MESSAGE)
        return []
    subject = short_title(marked[0]) if len(marked) == 1 else f"{len(marked):,} videos"
    undo = json.dumps({"url": "watched-many", "undo": token})
    messages.success(request, sentence.format(subject), extra_tags=undo)
    return [video.video_id for video in marked]


def _undo(request: HttpRequest, token: str) -> HttpResponse:
    """Undo a mark."""
    count = WatchState.objects.undo(request.user, token)
    messages.info(request, "Undone." if count else "There is nothing left to undo.")
    return responses.action_response(request, [])
