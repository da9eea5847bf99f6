"""Verbs of people on items of the ledger. Each returns how many items it changed."""

from collections.abc import Collection
from typing import Any

from downloads.models import Subscription, SubscriptionItem


def fetch(items: Collection[SubscriptionItem], user: Any = None) -> int:
    """Queue these at a person's request, against the filters; retention keeps them. Those that are here stay."""
    raise NotImplementedError


def ignore(items: Collection[SubscriptionItem], user: Any = None) -> int:
    """Leave these alone for good; a video that is here stays. A video that only waits is taken from the queue."""
    raise NotImplementedError


def stop_ignoring(items: Collection[SubscriptionItem], user: Any = None) -> int:
    """Undo `ignore`: these are judged anew."""
    raise NotImplementedError


def reapply_filters(subscription: Subscription) -> int:
    """Judge anew what the filters have kept out; return how many were queued."""
    raise NotImplementedError
