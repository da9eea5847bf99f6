"""Responses to forms and actions: a redirect for a full page, messages and events for an htmx request."""

import posixpath
from collections.abc import Collection
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import (
    HttpResponseClientRedirect,
    push_url,
    replace_url,
    reselect,
    reswap,
    retarget,
    trigger_client_event,
)

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails

MAX_REFRESHED_VIDEOS = 20  # above this, the page refreshes its whole list
VIDEO_GONE_MESSAGE = "This video is no longer in the archive."


def login_redirect(request: HttpRequest, next_url: str) -> HttpResponse:
    """Redirect to the sign-in page, and from there to `next_url`."""
    response = redirect_to_login(next_url)
    return HttpResponseClientRedirect(response.url) if is_htmx_request(request) else response


def is_htmx_request(request: HttpRequest) -> bool:
    """Return True if htmx requests a partial; boosted requests load full pages."""
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    return bool(htmx) and not htmx.boosted


def return_url(request: HttpRequest) -> str:
    """Return the URL to go back to: the form's `next`, else the Referer, else the library. Never another site's."""
    for url in (request.POST.get("next", ""), request.headers.get("Referer", "")):
        if is_own_url(request, url):
            return url
    return reverse("library")


def is_own_url(request: HttpRequest, url: str) -> bool:
    """Return True if a URL is of this archive: of the request's host, and under the path of YTARCHIVE_PATH."""
    is_own_host = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    if not is_own_host or not url.startswith(("/", "http://", "https://")):
        return False
    # Browsers resolve dot segments, encoded ones too, and take a backslash for a slash (URL standard, 4.4).
    path = unquote(urlsplit(url).path).replace("\\", "/") or "/"
    return f"{posixpath.normpath(path)}/".startswith(settings.URL_PREFIX)


def action_response(request: HttpRequest, video_ids: Collection[str], next_url: str = "") -> HttpResponse:
    """Return the response to an action: the messages and an event that refreshes these videos ([]: all of them).

    With `next_url`, and without htmx, it is a redirect.
    """
    if not is_htmx_request(request):
        # Not `redirect()`, which would take a URL without a slash for the name of a view.
        return HttpResponseRedirect(next_url or return_url(request))
    if next_url:
        return HttpResponseClientRedirect(next_url)
    return refresh_videos(_messages_response(request), video_ids)


def _messages_response(request: HttpRequest) -> HttpResponse:
    """Render the messages and swap them into the page's message area, whatever the request's own target."""
    response = retarget(render(request, "downloads/messages/_messages.html"), "[data-part='messages']")
    return reswap(response, "outerHTML")


def message_response(request: HttpRequest, text: str, status: int = 200) -> HttpResponse:
    """Show an error message on the open page."""
    messages.error(request, text)
    response = _messages_response(request)
    response.status_code = status
    # From error pages, htmx selects another part (`htmx-config` in base.html).
    return reselect(response, "[data-part='messages']")


def current_url_has_parameter(request: HttpRequest, parameter: str) -> bool:
    """Return True if the URL of the open page (htmx's HX-Current-URL) has this query parameter."""
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    return parameter in QueryDict(urlsplit(htmx.current_url or "").query)


def refresh_videos(response: HttpResponse, video_ids: Collection[str]) -> HttpResponse:
    """Add the event `acted`, with which the page fetches these videos again; [] and too many mean all."""
    ids = [*video_ids] if len(video_ids) <= MAX_REFRESHED_VIDEOS else []
    return trigger_client_event(response, "acted", {"ids": ids})


def update_url(request: HttpRequest, response: HttpResponse, url: str) -> HttpResponse:
    """Show `url` in the address bar; typing in the search field replaces the history entry, others add one."""
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    return replace_url(response, url) if htmx.trigger == "search" else push_url(response, url)


def video_gone_response(request: HttpRequest, video_id: str) -> HttpResponse:
    """Show that the video is gone: a message on the page that still lists it, else a 404 page (raises Http404)."""
    if not is_htmx_request(request):
        raise Http404(VIDEO_GONE_MESSAGE)
    messages.info(request, VIDEO_GONE_MESSAGE)
    return action_response(request, [video_id])
