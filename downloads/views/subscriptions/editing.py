"""Views that change the settings of a subscription, with a preview of its filters, and that end one."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from downloads.accounts.permissions import Permission, require
from downloads.actions import bulk_actions
from downloads.formatting import truncate_text
from downloads.forms import SubscriptionForm
from downloads.models import Subscription
from downloads.pluralization import format_count
from downloads.subscriptions import verbs
from downloads.subscriptions.patterns import InvalidPattern
from downloads.subscriptions.preview import preview_filters
from downloads.views.decorators import post_only, require_permission
from downloads.views.subscriptions.pages import page_context
from downloads.views.subscriptions.retention import require_permission_to_tighten_retention

MAX_COUNTED = 1_000  # videos that a subscription has brought


@post_only
@require_permission(Permission.CHANGE)
def edit_subscription(request: HttpRequest, key: str) -> HttpResponse:
    """Save the settings; with `preview`, show what the filters would let in, and save nothing."""
    context = page_context(request, key, "settings")
    subscription: Subscription = context["subscription"]
    form = context["form"] = SubscriptionForm(request.POST, subscription=subscription)
    if not form.is_valid():
        return render(request, "downloads/subscriptions/subscription.html", context)
    require_permission_to_tighten_retention(request.user, form.settings(), subscription)
    if "preview" in request.POST:
        context |= _preview(subscription, form)
        return render(request, "downloads/subscriptions/subscription.html", context)
    try:
        count = verbs.edit(subscription, form.settings(), request.user)
    except ValidationError as error:
        form.show_errors(error)
        return render(request, "downloads/subscriptions/subscription.html", context)
    messages.success(request, _saved_sentence(subscription, count))
    return redirect(context["page"].build_url("settings"))


def _preview(subscription: Subscription, form: SubscriptionForm) -> dict[str, Any]:
    try:
        return {"preview": preview_filters(subscription, form.filters())}
    except InvalidPattern as error:
        form.add_error(None, str(error))
        return {}


def _saved_sentence(subscription: Subscription, count: int) -> str:
    sentences = ["Saved."]
    if count:
        sentences.append(f"{format_count(count, 'video')} of the list {'are' if count != 1 else 'is'} wanted now.")
    subscription.refresh_from_db(fields=["positions"])
    if subscription.is_to_be_rejudged:
        sentences.append("The list is long: its next check judges the rest of it.")
    return " ".join(sentences)


def _label_count(videos: Any) -> str:
    """Return how many these are, such as "12 videos"; "" for none. Many are not counted to their end."""
    count = videos[: MAX_COUNTED + 1].count()
    if count > MAX_COUNTED:
        return f"more than {MAX_COUNTED:,} videos"
    return format_count(count, "video") if count else ""


@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(Permission.CHANGE)
def unsubscribe(request: HttpRequest, key: str) -> HttpResponse:
    """Ask (GET), or end the subscription (POST); with `delete`, its own videos are deleted too."""
    subscription = get_object_or_404(Subscription, key=key)
    own = verbs.own_videos(subscription)
    if request.method != "POST":
        context = {"subscription": subscription, "kept": subscription.items.count(), "own_label": _label_count(own)}
        return render(request, "downloads/subscriptions/unsubscribe.html", context)
    if "delete" in request.POST:
        require(request.user, Permission.DELETE)
        if own.exists():
            bulk_actions.run_or_start(request, own.order_by("pk"), "delete")
    if verbs.unsubscribe(subscription, f"Unsubscribed by {request.user}"):
        text = f"No longer following {truncate_text(str(subscription), 80)}."
        messages.success(request, text if "delete" in request.POST else f"{text} Its videos stay.")
    return redirect("subscriptions")
