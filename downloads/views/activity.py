"""Views of the activity page: what downloads, waits, has failed or was cancelled."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from downloads.accounts import permissions
from downloads.accounts.permissions import Permission
from downloads.library.activity import ActivityListing
from downloads.models import ACTIVE_STATUSES, PlayableCopy, Queue, Status
from downloads.monitoring import standstill
from downloads.views.decorators import require_permission


@require_safe
@require_permission(Permission.VIEW)
def activity(request: HttpRequest) -> HttpResponse:
    """Show the sections of the activity page, or one of them in pages."""
    return render(request, "downloads/activity/activity.html", activity_context(request))


@require_safe
@require_permission(Permission.VIEW)
def activity_list(request: HttpRequest) -> HttpResponse:
    """Return the sections alone, for a page that missed a change."""
    return render(request, "downloads/activity/_list.html", activity_context(request))


def activity_context(request: HttpRequest) -> dict[str, Any]:
    """Return the listing of the request's query, with the queue's state and the buttons for the whole queue.

    Signed-in people are told why nothing goes on, if something waits. A button for the whole queue is shown only where
    it affects more than one video.
    """
    listing = ActivityListing(request.GET)
    rev = listing.rev
    counts = listing.archive_status_counts
    unfinished = sum(counts.get(status, 0) for status in (Status.QUEUED, *ACTIVE_STATUSES))
    queue = Queue.get_or_default()
    shows_standstill = unfinished and permissions.is_signed_in(request.user)
    return {
        "rev": rev,
        "browse": listing,
        "copies": PlayableCopy.objects.to_show() if queue.has_copies else [],
        "queue": queue,
        "standstill": standstill.standstill_sentence() if shows_standstill else "",
        "many_unfinished": unfinished > 1,
        "many_failed": counts.get(Status.FAILED, 0) > 1,
        "has_cancelled": bool(counts.get(Status.CANCELLED)),
    }
