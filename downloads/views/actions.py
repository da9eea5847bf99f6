"""What a person does on the pages: with one video, with several that are selected, or with the whole queue."""

from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_http_methods

from downloads.actions import delete_confirmation, queue_actions, video_actions
from downloads.models import Video
from downloads.views import responses
from downloads.views.decorators import changing, posting

# The verbs that a video's own buttons have.
OF_ONE = ("retry", "cancel", "front", "again")


@posting
@changing
def one(request: HttpRequest, video_id: str, verb: str) -> HttpResponse:
    """Do one thing with one video."""
    video = Video.objects.filter(video_id=video_id).first()
    if video is None:
        return responses.gone(request, video_id)
    video_actions.run_action(request, [video], verb)
    return responses.acted(request, [video_id])


@posting
@changing
def many(request: HttpRequest) -> HttpResponse:
    """Do one thing with the videos that were selected."""
    verb = request.POST.get("do", "")
    chosen = request.POST.getlist("id")
    if len(chosen) > video_actions.MAX_VIDEOS_PER_ACTION:
        messages.error(request, f"{video_actions.MAX_VIDEOS_PER_ACTION} videos at once are the most. Nothing was done: select fewer.")
        return responses.acted(request, [])
    videos = list(Video.objects.with_ids(chosen).order_by("pk"))
    if verb not in video_actions.ACTIONS or not videos:
        messages.info(request, "Select videos first, then what to do with them.")
        return responses.acted(request, [])
    if verb != "delete":
        video_actions.run_action(request, videos, verb, dict(zip(chosen, request.POST.getlist("place"), strict=False)))
        return responses.acted(request, [video.video_id for video in videos])
    return _delete(request, videos) if "confirmed" in request.POST else _ask(request, videos)


@require_http_methods(["GET", "HEAD", "POST"])
@changing
def delete(request: HttpRequest, video_id: str) -> HttpResponse:
    """Ask whether a video is to be deleted; delete it."""
    video = Video.objects.filter(video_id=video_id).first()
    if video is None:
        return responses.gone(request, video_id)
    return _delete(request, [video]) if request.method == "POST" else _ask(request, [video])


def _ask(request: HttpRequest, videos: list[Video]) -> HttpResponse:
    """Name what would be deleted: on a page of its own, or for a dialog on the page that is open."""
    context = {"deletion": delete_confirmation.delete_confirmation(videos), "ids": [video.video_id for video in videos]}
    template = "downloads/_delete.html" if responses.is_part(request) else "downloads/delete.html"
    answer = render(request, template, {**context, "back": responses.back(request), "part": responses.is_part(request)})
    patch_vary_headers(answer, ["HX-Request"])
    return answer


def _delete(request: HttpRequest, videos: list[Video]) -> HttpResponse:
    then = responses.back(request)
    video_actions.run_action(request, videos, "delete")
    # The page of a video that is gone is no page to go back to.
    opened = [video.pk for video in videos if video.get_absolute_url() == urlsplit(then).path]
    left = opened and not Video.objects.filter(pk__in=opened).exists()
    return responses.acted(request, [video.video_id for video in videos], reverse("library") if left else "")


@posting
@changing
def queue(request: HttpRequest, do: str) -> HttpResponse:
    """Do one thing with the whole queue."""
    queue_actions.run_queue_action(request, do)
    return responses.acted(request, [])
