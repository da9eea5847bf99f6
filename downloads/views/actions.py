"""Views that act on one video, or on the whole queue."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from downloads.accounts.permissions import Permission, require
from downloads.actions import copy_actions, queue_actions, video_actions
from downloads.models import Video
from downloads.views import responses
from downloads.views.bulk import delete_if_confirmed
from downloads.views.decorators import post_only, require_permission

# The actions that a video's own buttons offer; each has a URL.
SINGLE_VIDEO_ACTIONS = ("retry", "cancel", "front", "again", "protect", "unprotect")


@post_only
def video_action(request: HttpRequest, video_id: str, action_name: str) -> HttpResponse:
    """Run an action on one video."""
    require(request.user, video_actions.required_permission(action_name))
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


@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(Permission.DELETE)
def delete_video(request: HttpRequest, video_id: str) -> HttpResponse:
    """Show the delete confirmation (GET) or delete the video (POST)."""
    video = Video.objects.filter(video_id=video_id)
    if not video.exists():
        return responses.video_gone_response(request, video_id)
    return delete_if_confirmed(request, video, confirmed=request.method == "POST")


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
