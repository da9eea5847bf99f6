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
from downloads.views.decorators import post_only, require_change_access

# The verbs that a video's own buttons have.
SINGLE_VIDEO_ACTIONS = ("retry", "cancel", "front", "again")


@post_only
@require_change_access
def video_action(request: HttpRequest, video_id: str, action_name: str) -> HttpResponse:
    """Do one thing with one video."""
    video = Video.objects.filter(video_id=video_id).first()
    if video is None:
        return responses.video_gone_response(request, video_id)
    video_actions.run_action(request, [video], action_name)
    return responses.action_response(request, [video_id])


@post_only
@require_change_access
def bulk_action(request: HttpRequest) -> HttpResponse:
    """Do one thing with the videos that were selected."""
    verb = request.POST.get("do", "")
    chosen = request.POST.getlist("id")
    if len(chosen) > video_actions.MAX_VIDEOS_PER_ACTION:
        messages.error(
            request,
            f"{video_actions.MAX_VIDEOS_PER_ACTION} videos at once are the most. Nothing was done: select fewer.",
        )
        return responses.action_response(request, [])
    videos = list(Video.objects.with_ids(chosen).order_by("pk"))
    if verb not in video_actions.ACTIONS or not videos:
        messages.info(request, "Select videos first, then what to do with them.")
        return responses.action_response(request, [])
    if verb != "delete":
        video_actions.run_action(request, videos, verb, dict(zip(chosen, request.POST.getlist("place"), strict=False)))
        return responses.action_response(request, [video.video_id for video in videos])
    return (
        _delete_videos(request, videos) if "confirmed" in request.POST else _render_delete_confirmation(request, videos)
    )


@require_http_methods(["GET", "HEAD", "POST"])
@require_change_access
def delete_video(request: HttpRequest, video_id: str) -> HttpResponse:
    """Ask whether a video is to be deleted; delete it."""
    video = Video.objects.filter(video_id=video_id).first()
    if video is None:
        return responses.video_gone_response(request, video_id)
    return (
        _delete_videos(request, [video]) if request.method == "POST" else _render_delete_confirmation(request, [video])
    )


def _render_delete_confirmation(request: HttpRequest, videos: list[Video]) -> HttpResponse:
    """Name what would be deleted: on a page of its own, or for a dialog on the page that is open."""
    context = {"deletion": delete_confirmation.delete_confirmation(videos), "ids": [video.video_id for video in videos]}
    template = "downloads/_delete.html" if responses.is_htmx_request(request) else "downloads/delete.html"
    answer = render(
        request,
        template,
        {**context, "back": responses.return_url(request), "part": responses.is_htmx_request(request)},
    )
    patch_vary_headers(answer, ["HX-Request"])
    return answer


def _delete_videos(request: HttpRequest, videos: list[Video]) -> HttpResponse:
    then = responses.return_url(request)
    video_actions.run_action(request, videos, "delete")
    # The page of a video that is gone is no page to go back to.
    opened = [video.pk for video in videos if video.get_absolute_url() == urlsplit(then).path]
    left = opened and not Video.objects.filter(pk__in=opened).exists()
    return responses.action_response(request, [video.video_id for video in videos], reverse("library") if left else "")


@post_only
@require_change_access
def queue_action(request: HttpRequest, action_name: str) -> HttpResponse:
    """Do one thing with the whole queue."""
    queue_actions.run_queue_action(request, action_name)
    return responses.action_response(request, [])
