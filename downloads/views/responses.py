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

NAMED = 20  # videos that an answer names; of more, the page asks for all
GONE = "This video is not in the archive any more."
OLD_FORM = "You signed in or out since this page was opened. Reload it, then try again."


def to_sign_in(request: HttpRequest, then: str) -> HttpResponse:
    """Send to the sign-in, and from there to `then`."""
    answer = redirect_to_login(then)
    return HttpResponseClientRedirect(answer.url) if is_part(request) else answer


def is_part(request: HttpRequest) -> bool:
    """Tell whether htmx asks, for a part of the page that is open."""
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    return bool(htmx) and not htmx.boosted


def back(request: HttpRequest) -> str:
    """Return the page that a form was sent from, or that it names as the `next`; else the library."""
    for found in (request.POST.get("next", ""), request.headers.get("Referer", "")):
        ours = url_has_allowed_host_and_scheme(found, {request.get_host()}, require_https=request.is_secure())
        if ours and found.startswith(("/", "http://", "https://")):
            return found
    return reverse("library")


def acted(request: HttpRequest, video_ids: Collection[str], then: str = "") -> HttpResponse:
    """Answer an action: its messages, and which videos to look at again; [] means all."""
    if not is_part(request):
        # Not `redirect`, which takes a word for the name of a view.
        return HttpResponseRedirect(then or back(request))
    if then:
        return HttpResponseClientRedirect(then)
    return naming(_said(request), video_ids)


def _said(request: HttpRequest) -> HttpResponse:
    """Answer the messages, to be shown in their place wherever the answer was to go."""
    answer = retarget(render(request, "downloads/_messages.html"), "[data-part='messages']")
    return reswap(answer, "outerHTML")


def said(request: HttpRequest, words: str) -> HttpResponse:
    """Say in its place why nothing was done."""
    messages.error(request, words)
    return _said(request)


def brought(request: HttpRequest, name: str) -> bool:
    """Tell whether the address of the page that asks has this in its query."""
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    return name in QueryDict(urlsplit(htmx.current_url or "").query)


def naming(answer: HttpResponse, video_ids: Collection[str]) -> HttpResponse:
    """Have the page look at these videos again."""
    ids = [*video_ids] if len(video_ids) <= NAMED else []
    return trigger_client_event(answer, "acted", {"ids": ids})


def addressed(request: HttpRequest, answer: HttpResponse, url: str) -> HttpResponse:
    """Have the page's address follow a form, without its empty fields; what is typed is no step to go back to."""
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    return replace_url(answer, url) if htmx.trigger == "search" else push_url(answer, url)


def gone(request: HttpRequest, video_id: str) -> HttpResponse:
    """Say that there is no such video: on the page that still shows it, or on one of its own."""
    if not is_part(request):
        raise Http404(GONE)
    messages.info(request, GONE)
    return acted(request, [video_id])


def old_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose token is of another session."""
    if not is_part(request):
        return default_csrf_failure(request, reason)
    return said(request, OLD_FORM)
