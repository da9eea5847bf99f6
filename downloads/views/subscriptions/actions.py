"""Views that act on subscriptions and on items of their ledgers, with the messages and their undo."""

import json
from collections.abc import Callable, Collection
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from downloads.accounts.permissions import Permission
from downloads.formatting import truncate_text
from downloads.models import Subscription, SubscriptionItem
from downloads.pluralization import format_count
from downloads.progress.keys import VIDEO_ID_PATTERN
from downloads.subscriptions import items
from downloads.views import responses
from downloads.views.decorators import post_only, require_permission

MAX_PER_ACTION = 500
MAX_NAME_LENGTH = 60  # characters of a message
NOTHING_SELECTED = "Select at least one."
TOO_MANY_SELECTED = f"You can select up to {MAX_PER_ACTION} at a time. Nothing was changed."
# What each verb has done to one and to many, what it says where nothing was to be done, and the verb that undoes it.
SUBSCRIPTION_TEXTS = {
    "check": ("Checking {} soon.", "Checking {} soon.", "It is paused, or being checked.", ""),
    "pause": ("Paused {}.", "Paused {}.", "It was paused already.", "resume"),
    "resume": ("Resumed {}.", "Resumed {}.", "It was not paused.", "pause"),
}
ITEM_TEXTS = {
    "fetch": ("Added {}.", "Nothing to fetch: it is here already.", ""),
    "ignore": ("Ignoring {}.", "Nothing was changed: a video that is here stays until it is deleted.", "unignore"),
    "unignore": ("No longer ignoring {}.", "It was not ignored.", ""),
}


@post_only
@require_permission(Permission.CHANGE)
def act_on_subscriptions(request: HttpRequest) -> HttpResponse:
    """Do what `do` names with the subscriptions named by `id`."""
    action = request.POST.get("do", "")
    keys = [key for key in request.POST.getlist("id") if VIDEO_ID_PATTERN.fullmatch(key)]
    subscriptions = list(Subscription.objects.filter(key__in=keys[:MAX_PER_ACTION]))
    if action not in SUBSCRIPTION_TEXTS or not subscriptions:
        messages.info(
            request, NOTHING_SELECTED if action in SUBSCRIPTION_TEXTS else "There is nothing like that to do."
        )
        return responses.action_response(request, [])
    perform_on_subscriptions(request, action, subscriptions)
    return responses.action_response(request, [])


def perform_on_subscriptions(request: HttpRequest, action: str, subscriptions: list[Subscription]) -> None:
    """Perform an action, a key of SUBSCRIPTION_TEXTS, on these, and say what was done."""
    _report(request, action, subscriptions, [one for one in subscriptions if _perform(request, action, one)])


def perform_on_selected(
    request: HttpRequest, action: str, rows: QuerySet[Any], perform: Callable[[HttpRequest, str, list[Any]], None]
) -> None:
    """Perform an action of an admin's list on up to MAX_PER_ACTION rows; of more, say that nothing was changed."""
    chosen = list(rows.order_by("pk")[: MAX_PER_ACTION + 1])
    if len(chosen) > MAX_PER_ACTION:
        messages.error(request, TOO_MANY_SELECTED)
    else:
        perform(request, action, chosen)


def _perform(request: HttpRequest, action: str, subscription: Subscription) -> bool:
    if action == "check":
        return subscription.check_now()
    change = subscription.pause if action == "pause" else subscription.resume
    return change(f"{'Paused' if action == 'pause' else 'Resumed'} by {request.user}")


def _report(
    request: HttpRequest, action: str, subscriptions: Collection[Subscription], changed: list[Subscription]
) -> None:
    """Say what was done, with the undo, or why nothing was."""
    singular, plural, nothing, undo_action = SUBSCRIPTION_TEXTS[action]
    if not changed:
        messages.info(request, nothing if len(subscriptions) == 1 else "Nothing was to be done.")
        return
    undo = json.dumps({"url": "subscriptions-act", "do": undo_action, "ids": [one.key for one in changed]})
    if len(changed) == 1:
        text = singular.format(truncate_text(str(changed[0]), MAX_NAME_LENGTH))
    else:
        text = plural.format(f"{len(changed):,} subscriptions")
    messages.success(request, text, extra_tags=undo if undo_action else "")


@post_only
@require_permission(Permission.CHANGE)
def act_on_items(request: HttpRequest) -> HttpResponse:
    """Fetch, ignore or stop ignoring the items named by `id`."""
    action = request.POST.get("do", "")
    ids = request.POST.getlist("id")
    if len(ids) > MAX_PER_ACTION:
        messages.error(request, TOO_MANY_SELECTED)
        return responses.action_response(request, [])
    # Fewer than 19 digits fit a 64-bit integer.
    pks = [int(text) for text in ids if text.isascii() and text.isdigit() and len(text) < 19]
    chosen = list(SubscriptionItem.objects.filter(pk__in=pks))
    if action not in ITEM_TEXTS or not chosen:
        messages.info(request, NOTHING_SELECTED)
        return responses.action_response(request, [])
    perform_on_items(request, action, chosen)
    return responses.action_response(request, [])


def perform_on_items(request: HttpRequest, action: str, chosen: list[SubscriptionItem]) -> None:
    """Perform an action, a key of ITEM_TEXTS, on these, and say what was done."""
    verbs: dict[str, Callable[..., int]] = {
        "fetch": items.fetch,
        "ignore": items.ignore,
        "unignore": items.stop_ignoring,
    }
    _report_items(request, action, chosen, verbs[action](chosen, request.user))


def _report_items(request: HttpRequest, action: str, chosen: list[SubscriptionItem], count: int) -> None:
    done, nothing, undo_action = ITEM_TEXTS[action]
    if not count:
        messages.info(request, nothing)
        return
    title = truncate_text(chosen[0].title, MAX_NAME_LENGTH) or "this video"
    subject = title if len(chosen) == 1 else format_count(count, "video")
    undo = json.dumps({"url": "subscription-items", "do": undo_action, "ids": [str(item.pk) for item in chosen]})
    messages.success(request, done.format(subject), extra_tags=undo if undo_action else "")
