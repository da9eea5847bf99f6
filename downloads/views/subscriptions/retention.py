"""Retention at a person's request: who may have it delete more, and the run of one subscription at once."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse

from downloads.accounts.permissions import Permission, require
from downloads.models import Subscription
from downloads.pluralization import format_count
from downloads.subscriptions import retention as subscription_retention
from downloads.subscriptions.validation import RETENTION_FIELDS
from downloads.views.decorators import post_only, require_permission

MAX_SECONDS = 1.5  # that a person waits; the next run of a worker deletes the rest
MAX_PROBLEMS = 3


def require_permission_to_tighten_retention(
    user: Any, settings: Mapping[str, Any], subscription: Subscription | None = None
) -> None:
    """Raise RoleRequired if these settings keep less than the subscription does now, and `user` may not delete."""
    if any(_is_tighter(getattr(subscription, name, None), settings.get(name)) for name in RETENTION_FIELDS):
        require(user, Permission.DELETE)


def _is_tighter(old: int | None, new: int | None) -> bool:
    return new is not None and (old is None or new < old)


@post_only
@require_permission(Permission.DELETE)
def prune_subscription(request: HttpRequest, key: str) -> HttpResponse:
    """Delete now what the next run of retention would delete of one subscription."""
    subscription = get_object_or_404(Subscription, key=key)
    pruning = subscription_retention.prune(subscription, max_seconds=MAX_SECONDS)
    for problem in pruning.problems[:MAX_PROBLEMS]:
        messages.error(request, problem)
    if pruning.is_other_run:
        messages.info(request, "A worker is deleting what is past retention just now. Nothing more was done.")
    elif pruning.removed or not pruning.problems:
        messages.success(request, _pruned_sentence(subscription, pruning))
    return redirect(f"{reverse('subscription', args=[key])}?show=retention")


def _pruned_sentence(subscription: Subscription, pruning: subscription_retention.Pruning) -> str:
    count = pruning.removed
    sentence = f"Deleted {format_count(count, 'video')}." if count else "Nothing was to be deleted."
    is_more = bool(count) and bool(subscription_retention.find_past_retention(subscription).items)
    return f"{sentence} The next run deletes the rest, within the hour." if is_more else sentence
