"""The pages: the library, one video, and what a person does there."""

from typing import Any
from urllib.parse import quote

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import replace_url

from downloads.accounts import permissions
from downloads.actions import video_actions
from downloads.forms import IngestForm
from downloads.intake import submit
from downloads.library import video_page
from downloads.library.listing import Listing
from downloads.models import ACTIVE_STATUSES, Queue, Status, Video
from downloads.progress.keys import VIDEO_ID_PATTERN
from downloads.views import responses
from downloads.views.decorators import require_view_access

MAX_CARDS_PER_REQUEST = 100
MAX_LOGIN_URL_CHARACTERS = 3_000  # characters of the sign-in's address: nginx takes headers of 4,096
# How a video is drawn where: the partial that `cards` answers with.
CARD_TEMPLATES = {
    "card": "downloads/_video.html",
    "detail": "downloads/_detail.html",
    "admin": "downloads/_admin_video.html",
}


@require_safe
@require_view_access
def library(request: HttpRequest) -> HttpResponse:
    """Show what is downloading, what waits, and the archive page by page; `urls` of the query are in the form."""
    context = _library_context(request)
    given = {name: str(request.GET[name]) for name in IngestForm.base_fields if name in request.GET}
    answer = render(request, "downloads/library.html", {**context, "form": IngestForm(initial=given)})
    return (
        responses.update_url(request, answer, context["browse"].build_url())
        if responses.is_htmx_request(request)
        else answer
    )


@require_safe
@require_view_access
def library_list(request: HttpRequest) -> HttpResponse:
    """Answer the library's list alone, for a page that missed a change."""
    return render(request, "downloads/_list.html", _library_context(request))


@require_http_methods(["GET", "HEAD", "POST"])
def add_videos(request: HttpRequest) -> HttpResponse:
    """Take the URLs of the form; what is refused stays in the box, with the reason."""
    if not permissions.can_change(request.user):
        return _keep_form_through_login(request)
    if request.method != "POST":
        return redirect(reverse("library") + "#id_urls")
    form = IngestForm(request.POST)
    taken: list[Video] = []
    refusals: list[submit.Rejection] = []
    if form.is_valid():
        wanted = {name: form.cleaned_data[name] for name in ("quality", "subtitles")}
        taken, refusals = submit.submit(form.url_lines(), added_by=request.user, **wanted)
        if taken:
            what = video_actions.short_title(taken[0]) if len(taken) == 1 else f"{len(taken)} videos"
            messages.success(request, f"Added {what}.")
        left = "\n".join(refusal.line for refusal in refusals)
        form = IngestForm(initial={"urls": left, **wanted}) if refusals else IngestForm()
    if responses.is_htmx_request(request):
        answer = render(request, "downloads/_added.html", {"form": form, "refusals": refusals})
        # What the address has brought into the form is taken.
        answer = (
            replace_url(answer, reverse("library"))
            if taken and responses.current_url_has_parameter(request, "urls")
            else answer
        )
        return responses.refresh_videos(answer, [video.video_id for video in taken]) if taken else answer
    if not refusals and not form.is_bound:
        return redirect("library")
    return render(request, "downloads/library.html", {**_library_context(request), "form": form, "refusals": refusals})


def _keep_form_through_login(request: HttpRequest) -> HttpResponse:
    """Send to the sign-in, and have what was pasted in the form again after it; more than fits stays where it is."""
    pasted = QueryDict(mutable=True)
    pasted.update({name: str(request.POST[name]) for name in IngestForm.base_fields if request.POST.get(name)})
    there = f"{reverse('library')}?{pasted.urlencode()}" if pasted else reverse("library")
    if len(quote(there)) <= MAX_LOGIN_URL_CHARACTERS:
        return responses.login_redirect(request, there)
    if not responses.is_htmx_request(request):
        return responses.login_redirect(request, reverse("library"))
    return responses.message_response(
        request, "You are not signed in any more. Copy what you pasted, sign in, and paste it again."
    )


@require_safe
@require_view_access
def video_cards(request: HttpRequest) -> HttpResponse:
    """Answer the partials of the asked videos; of those that are not here, only the admin's rows say so."""
    drawn = asked if (asked := request.GET.get("as")) in CARD_TEMPLATES else "card"
    ids = request.GET.getlist("id")[:MAX_CARDS_PER_REQUEST]
    found = Video.objects.with_ids(ids)
    context: dict[str, Any] = {"partial": CARD_TEMPLATES[drawn], "can_change": permissions.can_change(request.user)}
    if drawn == "card":
        browse = Listing(request.GET)
        videos = list(found.without_long_text(browse.search_words))
        places = browse.sections_of(videos)
        shown = [{"video": video, "place": place} for video, place in zip(videos, places, strict=True)]
        context |= {"browse": browse, **_queue_context(browse)}
    elif drawn == "detail":
        shown = [{"video": video, "detail": video_page.video_page_context(video, request.GET)} for video in found]
    else:
        shown = [{"video": video} for video in found]
        gone = sorted({each for each in ids if VIDEO_ID_PATTERN.fullmatch(each)} - {video.video_id for video in found})
        context |= {"queue": Queue.get_or_default(), "gone": gone}
    return render(request, "downloads/_cards.html", {**context, "videos": shown})


@require_safe
@require_view_access
def video_detail(request: HttpRequest, video_id: str) -> HttpResponse:
    """Show one video: its player, what is known of it, and its history."""
    rev = Video.objects.latest_rev()
    found = get_object_or_404(Video.objects.select_related("parent", "added_by"), video_id=video_id)
    context = {
        "video": found,
        "detail": video_page.video_page_context(found, request.GET),
        "rev": rev,
        "can_change": permissions.can_change(request.user),
    }
    return render(request, "downloads/detail.html", context)


def _library_context(request: HttpRequest) -> dict[str, Any]:
    browse = Listing(request.GET)
    return {
        "rev": browse.rev,
        "browse": browse,
        **_queue_context(browse),
        "can_change": permissions.can_change(request.user),
    }


def _queue_context(listing: Listing) -> dict[str, Any]:
    """Return the queue's state, and which of its buttons would do more than a video's own.

    What waits is counted as it is listed; the queue itself is the whole archive's, whatever is looked at.
    """
    waiting = listing.archive_status_counts.get(Status.QUEUED, 0)
    running = sum(listing.archive_status_counts.get(status, 0) for status in ACTIVE_STATUSES)
    return {
        "queue": Queue.get_or_default(),
        "waiting_count": listing.status_counts.get(Status.QUEUED, 0),
        "running_count": running,
        "unfinished_count": waiting + running,
        "many_unfinished": waiting + running > 1,
        "cancel_all": f"Cancel all {waiting + running}" if listing.is_filtered else "Cancel all",
        "many_failed": listing.archive_status_counts.get(Status.FAILED, 0) > 1,
    }
