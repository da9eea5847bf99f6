"""Views that act on many videos: those that are selected, or all that a listing shows."""

from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve, reverse
from django.utils.cache import patch_vary_headers
from django_htmx.http import reswap, retarget

from downloads.accounts.permissions import require
from downloads.actions import bulk_actions, bulk_confirmation, delete_confirmation, video_actions
from downloads.actions.bulk_confirmation import APPLICABLE_STATUSES, MAX_UNCONFIRMED_REDOWNLOADS
from downloads.library.selection import find_listed_videos
from downloads.models import Video, VideoQuerySet
from downloads.views import responses
from downloads.views.decorators import post_only


@post_only
def bulk_action(request: HttpRequest) -> HttpResponse:
    """Run the action named by `do` on the videos named by `id`; a deletion and the like need `confirmed`.

    `all` in place of `id` means all videos of the listing with the query string `listing`, and is their number as the
    person was shown it. `bulk` is the bulk action that is to be undone.
    """
    action_name = request.POST.get("do", "")
    require(request.user, video_actions.required_permission(action_name))
    if "bulk" in request.POST:
        bulk_actions.undo_bulk_action(request, request.POST["bulk"], action_name)
        return responses.action_response(request, [])
    if "all" in request.POST:
        return _act_on_listing(request, action_name)
    video_ids = request.POST.getlist("id")
    if len(video_ids) > video_actions.MAX_VIDEOS_PER_ACTION:
        messages.error(request, video_actions.TOO_MANY_SELECTED)
        return responses.action_response(request, [])
    videos = Video.objects.with_ids(video_ids).order_by("pk")
    if action_name not in video_actions.ACTIONS or not videos.exists():
        messages.info(request, video_actions.NOTHING_SELECTED)
        return responses.action_response(request, [])
    is_confirmed = "confirmed" in request.POST
    if action_name == "delete":
        return delete_if_confirmed(request, videos, confirmed=is_confirmed)
    if not is_confirmed and action_name == "again" and len(video_ids) > MAX_UNCONFIRMED_REDOWNLOADS:
        return _ask(request, videos, action_name, ids=video_ids)
    positions = dict(zip(video_ids, request.POST.getlist("place"), strict=False))
    bulk_actions.run_or_start(request, videos, action_name, positions)
    return responses.action_response(request, video_ids)


def _act_on_listing(request: HttpRequest, action_name: str) -> HttpResponse:
    """Act on all videos of a listing, or ask: before what cannot be undone, and if there are not as many as were shown.

    Those that the action does nothing with are left out.
    """
    listing_query, counted = request.POST.get("listing", ""), request.POST["all"]
    listed = find_listed_videos(listing_query, request.user)
    count = listed.count()
    videos = listed.filter(status__in=statuses) if (statuses := APPLICABLE_STATUSES.get(action_name)) else listed
    if action_name not in bulk_confirmation.WORDS or not videos.exists():
        messages.info(request, video_actions.NOTHING_SELECTED)
        return responses.action_response(request, [])
    is_confirmed = "confirmed" in request.POST or action_name not in ("delete", "again")
    if is_confirmed and counted == str(count):
        bulk_actions.run_or_start(request, videos, action_name)
        return responses.action_response(request, [])
    note = "" if counted == str(count) else "What matches has changed since you selected it."
    return _ask(request, videos, action_name, note, listing=listing_query, all_count=count)


def delete_if_confirmed(request: HttpRequest, videos: VideoQuerySet, *, confirmed: bool) -> HttpResponse:
    """Delete these videos, or ask before."""
    if confirmed:
        return _delete_videos(request, videos)
    video_ids = list(videos.values_list("video_id", flat=True))
    if len(video_ids) > 1:
        return _ask(request, videos, "delete", ids=video_ids)
    confirmation = delete_confirmation.build_delete_confirmation(list(videos))
    return _render_confirmation(request, {"deletion": confirmation, "ids": video_ids})


def _ask(
    request: HttpRequest, videos: VideoQuerySet, action_name: str, note: str = "", **selection: Any
) -> HttpResponse:
    confirmation = bulk_confirmation.build_bulk_confirmation(videos, action_name, note)
    return _render_confirmation(request, {"deletion": confirmation, "action": action_name, **selection})


def _render_confirmation(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Render the confirmation as a page, or as a partial for the dialog of an open page."""
    is_partial = responses.is_htmx_request(request)
    context = {**context, "back": responses.return_url(request), "part": is_partial}
    response = render(request, "downloads/video/_delete.html" if is_partial else "downloads/video/delete.html", context)
    patch_vary_headers(response, ["HX-Request"])
    # Whatever the button's own target is, which an answer without a question needs.
    return reswap(retarget(response, "#dialog"), "innerHTML") if is_partial else response


def _delete_videos(request: HttpRequest, videos: VideoQuerySet) -> HttpResponse:
    """Delete the videos and go back; to the library if the page to go back to was that of a deleted video."""
    video_ids = list(videos.values_list("video_id", flat=True))
    page_id = _video_of_page(urlsplit(responses.return_url(request)).path)
    bulk_actions.run_or_start(request, videos, "delete")
    is_page_gone = page_id in video_ids and not Video.objects.filter(video_id=page_id).exists()
    next_url = reverse("library") if is_page_gone else ""
    return responses.action_response(request, video_ids, next_url)


def _video_of_page(path: str) -> str:
    """Return the id of the video whose page has this path, "" if it is another page."""
    try:
        match = resolve(path)
    except Resolver404:
        return ""
    return str(match.kwargs["video_id"]) if match.url_name == "video" else ""
