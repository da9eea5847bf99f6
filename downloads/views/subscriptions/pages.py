"""Views of the list of subscriptions and of one, and the parts of both that a live page fetches again."""

import io
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from downloads.accounts.permissions import Permission, has_permission
from downloads.forms import SubscriptionForm
from downloads.library.subscriptions.detail import SubscriptionPage
from downloads.library.subscriptions.index import SubscriptionIndex
from downloads.library.subscriptions.pictures import attach_newest_videos
from downloads.models import Subscription
from downloads.subscriptions import retention
from downloads.subscriptions.exchange.opml import write_opml
from downloads.views.decorators import require_permission
from downloads.views.subscriptions.start_counts import describe_start_choices


@require_safe
@require_permission(Permission.VIEW)
def subscription_index(request: HttpRequest) -> HttpResponse:
    """Show the subscriptions, 50 a page."""
    return render(request, "downloads/subscriptions/index.html", index_context(request))


@require_safe
@require_permission(Permission.VIEW)
def subscription_rows(request: HttpRequest) -> HttpResponse:
    """Return the parts of the list that change, for an open page."""
    return render(request, "downloads/subscriptions/_index_parts.html", index_context(request))


@require_safe
@require_permission(Permission.VIEW)
def subscription_page(request: HttpRequest, key: str) -> HttpResponse:
    """Show one subscription: the tab that the query string names."""
    return render(request, "downloads/subscriptions/subscription.html", page_context(request, key))


@require_safe
@require_permission(Permission.VIEW)
def subscription_parts(request: HttpRequest, key: str) -> HttpResponse:
    """Return the parts of the page that change; a form that somebody fills in is not among them."""
    return render(request, "downloads/subscriptions/_page_parts.html", page_context(request, key))


@require_safe
@require_permission(Permission.VIEW)
def export_subscriptions(request: HttpRequest) -> HttpResponse:
    """Return all subscriptions as OPML, their tokens only for those who may change them."""
    out = io.StringIO()
    with_secrets = has_permission(request.user, Permission.CHANGE)
    write_opml(Subscription.objects.order_by("name", "pk").iterator(), out, with_secrets=with_secrets)
    name = f"ytarchive-{timezone.localdate():%Y-%m-%d}.opml"
    return HttpResponse(
        out.getvalue().encode(),
        headers={"Content-Type": "text/x-opml; charset=utf-8", "Content-Disposition": f'attachment; filename="{name}"'},
    )


def index_context(request: HttpRequest) -> dict[str, Any]:
    """Return the context of the list; `rev` is read before the rows, so that no change in between is missed."""
    index = SubscriptionIndex(request.GET, with_secrets=has_permission(request.user, Permission.CHANGE))
    return {"rev": index.rev, "index": index}


def page_context(request: HttpRequest, key: str, show: str = "") -> dict[str, Any]:
    """Return the context of the page of one subscription."""
    subscription = get_object_or_404(Subscription, key=key)
    attach_newest_videos([subscription])
    page = SubscriptionPage(subscription, request.GET, show)
    context: dict[str, Any] = {"rev": page.rev, "page": page, "subscription": subscription}
    if page.show == "settings":
        context["form"] = SubscriptionForm(subscription=subscription)
        context["start_choices"] = describe_start_choices(subscription, page.seen_count)
    if page.show == "retention":
        context["pruning"] = retention.find_past_retention(subscription)
    return context
