"""The ledger: a range of a flat listing is compared with all that was seen before, and what is new is judged.

Each group of items is inserted, and what of them is wanted queued, in one transaction: an interrupted check leaves
nothing half, and the next one goes on.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

from downloads.models import Subscription
from downloads.subscriptions.walks import Walk
from downloads.ytdlp.results import Listing, ListingEntry

GROUP_SIZE = 50  # items per transaction
NEW_PRIORITY, BACKLOG_PRIORITY = -1, -2  # in the queue: behind what a person adds


@dataclass
class Outcome:
    """What a walk brought: how many entries it listed, and how many of them came into each state."""

    listed: int = 0
    counts: dict[str, int] = field(default_factory=dict)  # of SubscriptionItemState
    is_lease_lost: bool = False  # nothing more may be written

    @property
    def queued(self) -> int:
        """How many videos were queued."""
        return self.counts.get("queued", 0)


class EmptyListing(Exception):
    """A list that had something is empty: a failure of the site, never a word on its videos. The message says so."""


class SameList(Exception):
    """Another subscription has the same list; the message names it."""


def save_identity(subscription: Subscription, listing: Listing) -> bool:
    """Keep the name, id and kind of a list, after the first listing of a check; False if the lease is lost.

    Raise SameList if another subscription has this list under another URL.
    """
    raise NotImplementedError


def apply(
    subscription: Subscription, walk: Walk, entries: Sequence[ListingEntry], *, now: dt.datetime | None = None
) -> Outcome:
    """Bring the entries of a walk into the ledger, and queue what is wanted of them.

    Raise EmptyListing, and InvalidPattern for a filter that cannot be used; nothing is written then. Safe to repeat.
    """
    raise NotImplementedError


def apply_due(subscription: Subscription, *, now: dt.datetime | None = None) -> Outcome:
    """Judge anew what waited until now: queue what no listing of this check has spoken of. Call it after `apply`."""
    raise NotImplementedError
