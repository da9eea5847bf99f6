"""Views that act on one video, on the selected videos, or on the whole queue."""

from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_http_methods

from downloads.accounts.permissions import Permission, require
from downloads.actions import bulk_actions, copy_actions, delete_confirmation, queue_actions, video_actions
from downloads.models import Video, VideoQuerySet
from downloads.views import responses
from downloads.views.decorators import post_only, require_permission

# The actions that a video's own buttons offer; each has a URL.
SINGLE_VIDEO_ACTIONS = ("retry", "cancel", "front", "again")


@post_only
@require_permission(Permission.CHANGE)
def video_action(request: HttpRequest, video_id: str, action_name: str) -> HttpResponse:
    """Run an action on one video."""
    video = Video.objects.filter(video_id=video_id).first()
    if video is None:
        return responses.video_gone_response(request, video_id)
    video_actions.run_action(request, [video], action_name)
    return responses.action_response(request, [video_id])


@post_only
@require_permission(copy_actions.PERMISSION)
def copy_action(request: HttpRequest, video_id: str, action_name: str) -> HttpResponse:
    """Make, cancel or remove the playable copy of a video."""
    video = Video.objects.filter(video_id=video_id).first()
    if video is None:
        return responses.video_gone_response(request, video_id)
    copy_actions.run_copy_action(request, video, action_name)
    return responses.action_response(request, [video_id])


@post_only
def bulk_action(request: HttpRequest) -> HttpResponse:
    """Run the action named by `do` on the videos named by `id`; "delete" needs `confirmed`.

    `bulk` in place of `id` is the bulk action that is to be undone.
    """
    action_name = request.POST.get("do", "")
    require(request.user, video_actions.required_permission(action_name))
    if "bulk" in request.POST:
        bulk_actions.undo_bulk_action(request, request.POST["bulk"], action_name)
        return responses.action_response(request, [])
    video_ids = request.POST.getlist("id")
    if len(video_ids) > video_actions.MAX_VIDEOS_PER_ACTION:
        messages.error(request, video_actions.TOO_MANY_SELECTED)
        return responses.action_response(request, [])
    videos = Video.objects.with_ids(video_ids).order_by("pk")
    if action_name not in video_actions.ACTIONS or not videos.exists():
        messages.info(request, "Select at least one video.")
        return responses.action_response(request, [])
    if action_name == "delete":
        return _delete_if_confirmed(request, videos, confirmed="confirmed" in request.POST)
    positions = dict(zip(video_ids, request.POST.getlist("place"), strict=False))
    bulk_actions.run_or_start(request, videos, action_name, positions)
    return responses.action_response(request, video_ids)


@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(Permission.DELETE)
def delete_video(request: HttpRequest, video_id: str) -> HttpResponse:
    """Show the delete confirmation (GET) or delete the video (POST)."""
    video = Video.objects.filter(video_id=video_id)
    if not video.exists():
        return responses.video_gone_response(request, video_id)
    return _delete_if_confirmed(request, video, confirmed=request.method == "POST")


def _delete_if_confirmed(request: HttpRequest, videos: VideoQuerySet, *, confirmed: bool) -> HttpResponse:
    return _delete_videos(request, videos) if confirmed else _render_delete_confirmation(request, list(videos))


def _render_delete_confirmation(request: HttpRequest, videos: list[Video]) -> HttpResponse:
    """Render the confirmation as a page, or as a partial for the dialog of an open page."""
    is_partial = responses.is_htmx_request(request)
    context = {
        "deletion": delete_confirmation.build_delete_confirmation(videos),
        "ids": [video.video_id for video in videos],
        "back": responses.return_url(request),
        "part": is_partial,
    }
    response = render(request, "downloads/video/_delete.html" if is_partial else "downloads/video/delete.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _delete_videos(request: HttpRequest, videos: VideoQuerySet) -> HttpResponse:
    """Delete the videos and go back; to the library if the page to go back to was that of a deleted video."""
    return_path = urlsplit(responses.return_url(request)).path
    video_ids = list(videos.values_list("video_id", flat=True))
    bulk_actions.run_or_start(request, videos, "delete")
    page_ids = [video_id for video_id in video_ids if reverse("video", args=[video_id]) == return_path]
    is_page_gone = page_ids and not Video.objects.filter(video_id__in=page_ids).exists()
    next_url = reverse("library") if is_page_gone else ""
    return responses.action_response(request, video_ids, next_url)


@post_only
@require_permission(Permission.MANAGE)
def queue_action(request: HttpRequest, action_name: str) -> HttpResponse:
    """Run an action on the whole queue."""
    queue_actions.run_queue_action(request, action_name)
    return responses.action_response(request, [])


@post_only
@require_permission(Permission.MANAGE)
def resume_site(request: HttpRequest) -> HttpResponse:
    """End the pause that the site named by `site` has asked for."""
    queue_actions.end_site_pause(request, request.POST.get("site", "")[:255])
    return responses.action_response(request, [])
