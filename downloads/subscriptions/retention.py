"""Retention: removal of videos that a subscription brought, once they are older or more than it keeps."""

import datetime as dt
from dataclasses import dataclass, field

from downloads.models import Subscription, SubscriptionItem

MAX_REMOVED_PER_RUN = 100
PLAYED_RECENTLY = dt.timedelta(hours=1)


@dataclass
class Pruning:
    """A run of retention: the items whose videos are past it, oldest first, and sentences on what went wrong."""

    items: list[SubscriptionItem] = field(default_factory=list)
    removed: int = 0
    problems: list[str] = field(default_factory=list)


def find_past_retention(subscription: Subscription | None = None, *, now: dt.datetime | None = None) -> Pruning:
    """Return what the next run would remove, of one subscription or of all: the dry run."""
    raise NotImplementedError


def prune(*, now: dt.datetime | None = None) -> Pruning:
    """Remove what is past retention, MAX_REMOVED_PER_RUN at most; another run at the same time does nothing."""
    raise NotImplementedError
