"""Who may ask, and what whoever acts is answered: a redirect, or where htmx asks, words in place."""

from collections.abc import Collection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.csrf import csrf_failure as default_csrf_failure
from django_htmx.http import (
    HttpResponseClientRedirect,
    push_url,
    replace_url,
    reswap,
    retarget,
    trigger_client_event,
)

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails

MAX_REFRESHED_VIDEOS = 20  # videos that an answer names; of more, the page asks for all
VIDEO_GONE_MESSAGE = "This video is not in the archive any more."
STALE_FORM_MESSAGE = "You signed in or out since this page was opened. Reload it, then try again."


def login_redirect(request: HttpRequest, next_url: str) -> HttpResponse:
    """Send to the sign-in, and from there to `then`."""
    answer = redirect_to_login(next_url)
    return HttpResponseClientRedirect(answer.url) if is_htmx_request(request) else answer


def is_htmx_request(request: HttpRequest) -> bool:
    """Tell whether htmx asks, for a part of the page that is open."""
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    return bool(htmx) and not htmx.boosted


def return_url(request: HttpRequest) -> str:
    """Return the page that a form was sent from, or that it names as the `next`; else the library."""
    for found in (request.POST.get("next", ""), request.headers.get("Referer", "")):
        ours = url_has_allowed_host_and_scheme(found, {request.get_host()}, require_https=request.is_secure())
        if ours and found.startswith(("/", "http://", "https://")):
            return found
    return reverse("library")


def action_response(request: HttpRequest, video_ids: Collection[str], next_url: str = "") -> HttpResponse:
    """Answer an action: its messages, and which videos to look at again; [] means all."""
    if not is_htmx_request(request):
        # Not `redirect`, which takes a word for the name of a view.
        return HttpResponseRedirect(next_url or return_url(request))
    if next_url:
        return HttpResponseClientRedirect(next_url)
    return refresh_videos(_messages_response(request), video_ids)


def _messages_response(request: HttpRequest) -> HttpResponse:
    """Answer the messages, to be shown in their place wherever the answer was to go."""
    answer = retarget(render(request, "downloads/_messages.html"), "[data-part='messages']")
    return reswap(answer, "outerHTML")


def message_response(request: HttpRequest, text: str) -> HttpResponse:
    """Say in its place why nothing was done."""
    messages.error(request, text)
    return _messages_response(request)


def current_url_has_parameter(request: HttpRequest, parameter: str) -> bool:
    """Tell whether the address of the page that asks has this in its query."""
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    return parameter in QueryDict(urlsplit(htmx.current_url or "").query)


def refresh_videos(response: HttpResponse, video_ids: Collection[str]) -> HttpResponse:
    """Have the page look at these videos again."""
    ids = [*video_ids] if len(video_ids) <= MAX_REFRESHED_VIDEOS else []
    return trigger_client_event(response, "acted", {"ids": ids})


def update_url(request: HttpRequest, response: HttpResponse, url: str) -> HttpResponse:
    """Have the page's address follow a form, without its empty fields; what is typed is no step to go back to."""
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    return replace_url(response, url) if htmx.trigger == "search" else push_url(response, url)


def video_gone_response(request: HttpRequest, video_id: str) -> HttpResponse:
    """Say that there is no such video: on the page that still shows it, or on one of its own."""
    if not is_htmx_request(request):
        raise Http404(VIDEO_GONE_MESSAGE)
    messages.info(request, VIDEO_GONE_MESSAGE)
    return action_response(request, [video_id])


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose token is of another session."""
    if not is_htmx_request(request):
        return default_csrf_failure(request, reason)
    return message_response(request, STALE_FORM_MESSAGE)
