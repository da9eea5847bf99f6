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
from downloads.views.decorators import looking

CARDS_AT_ONCE = 100
LONGEST_KEPT = 3_000  # characters of the sign-in's address: nginx takes headers of 4,096
# How a video is drawn where: the partial that `cards` answers with.
PARTIALS = {
    "card": "downloads/_video.html",
    "detail": "downloads/_detail.html",
    "admin": "downloads/_admin_video.html",
}


@require_safe
@looking
def library(request: HttpRequest) -> HttpResponse:
    """Show what is downloading, what waits, and the archive page by page; `urls` of the query are in the form."""
    context = _listing(request)
    given = {name: str(request.GET[name]) for name in IngestForm.base_fields if name in request.GET}
    answer = render(request, "downloads/library.html", {**context, "form": IngestForm(initial=given)})
    return responses.addressed(request, answer, context["browse"].url()) if responses.is_part(request) else answer


@require_safe
@looking
def listing(request: HttpRequest) -> HttpResponse:
    """Answer the library's list alone, for a page that missed a change."""
    return render(request, "downloads/_list.html", _listing(request))


@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """Take the URLs of the form; what is refused stays in the box, with the reason."""
    if not permissions.can_change(request.user):
        return _kept_over_the_sign_in(request)
    if request.method != "POST":
        return redirect(reverse("library") + "#id_urls")
    form = IngestForm(request.POST)
    taken: list[Video] = []
    refusals: list[submit.Rejection] = []
    if form.is_valid():
        wanted = {name: form.cleaned_data[name] for name in ("quality", "subtitles")}
        taken, refusals = submit.submit(form.lines(), added_by=request.user, **wanted)
        if taken:
            what = video_actions.short_title(taken[0]) if len(taken) == 1 else f"{len(taken)} videos"
            messages.success(request, f"Added {what}.")
        left = "\n".join(refusal.line for refusal in refusals)
        form = IngestForm(initial={"urls": left, **wanted}) if refusals else IngestForm()
    if responses.is_part(request):
        answer = render(request, "downloads/_added.html", {"form": form, "refusals": refusals})
        # What the address has brought into the form is taken.
        answer = replace_url(answer, reverse("library")) if taken and responses.brought(request, "urls") else answer
        return responses.naming(answer, [video.video_id for video in taken]) if taken else answer
    if not refusals and not form.is_bound:
        return redirect("library")
    return render(request, "downloads/library.html", {**_listing(request), "form": form, "refusals": refusals})


def _kept_over_the_sign_in(request: HttpRequest) -> HttpResponse:
    """Send to the sign-in, and have what was pasted in the form again after it; more than fits stays where it is."""
    pasted = QueryDict(mutable=True)
    pasted.update({name: str(request.POST[name]) for name in IngestForm.base_fields if request.POST.get(name)})
    there = f"{reverse('library')}?{pasted.urlencode()}" if pasted else reverse("library")
    if len(quote(there)) <= LONGEST_KEPT:
        return responses.to_sign_in(request, there)
    if not responses.is_part(request):
        return responses.to_sign_in(request, reverse("library"))
    return responses.said(request, "You are not signed in any more. Copy what you pasted, sign in, and paste it again.")


@require_safe
@looking
def cards(request: HttpRequest) -> HttpResponse:
    """Answer the partials of the asked videos; of those that are not here, only the admin's rows say so."""
    drawn = asked if (asked := request.GET.get("as")) in PARTIALS else "card"
    ids = request.GET.getlist("id")[:CARDS_AT_ONCE]
    found = Video.objects.with_ids(ids)
    context: dict[str, Any] = {"partial": PARTIALS[drawn], "can_change": permissions.can_change(request.user)}
    if drawn == "card":
        browse = Listing(request.GET)
        videos = list(found.without_long_text(browse.search_words))
        places = browse.sections_of(videos)
        shown = [{"video": video, "place": place} for video, place in zip(videos, places, strict=True)]
        context |= {"browse": browse, **_queue(browse)}
    elif drawn == "detail":
        shown = [{"video": video, "detail": video_page.video_page_context(video, request.GET)} for video in found]
    else:
        shown = [{"video": video} for video in found]
        gone = sorted({each for each in ids if VIDEO_ID_PATTERN.fullmatch(each)} - {video.video_id for video in found})
        context |= {"queue": Queue.get_or_default(), "gone": gone}
    return render(request, "downloads/_cards.html", {**context, "videos": shown})


@require_safe
@looking
def video(request: HttpRequest, video_id: str) -> HttpResponse:
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


def _listing(request: HttpRequest) -> dict[str, Any]:
    browse = Listing(request.GET)
    return {
        "rev": browse.rev,
        "browse": browse,
        **_queue(browse),
        "can_change": permissions.can_change(request.user),
    }


def _queue(browse: Listing) -> dict[str, Any]:
    """Return the queue's state, and which of its buttons would do more than a video's own.

    What waits is counted as it is listed; the queue itself is the whole archive's, whatever is looked at.
    """
    waiting = browse.archive_status_counts.get(Status.QUEUED, 0)
    running = sum(browse.archive_status_counts.get(status, 0) for status in ACTIVE_STATUSES)
    return {
        "queue": Queue.get_or_default(),
        "waiting_count": browse.status_counts.get(Status.QUEUED, 0),
        "running_count": running,
        "unfinished_count": waiting + running,
        "many_unfinished": waiting + running > 1,
        "cancel_all": f"Cancel all {waiting + running}" if browse.is_filtered else "Cancel all",
        "many_failed": browse.archive_status_counts.get(Status.FAILED, 0) > 1,
    }
