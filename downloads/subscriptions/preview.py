"""Previews, which change nothing: what other filters would let in, and how many a choice of the start would fetch."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from downloads.models import Subscription, SubscriptionItem
from downloads.subscriptions.judgement import Filters
from downloads.ytdlp.results import ListingEntry


@dataclass(frozen=True)
class FilterPreview:
    """Of `seen` items of the ledger, `matching` pass the filters; `added` of them would be queued now."""

    seen: int
    matching: int
    added: int
    examples: list[SubscriptionItem] = field(default_factory=list)  # of those that would be queued, the newest first

    @property
    def sentence(self) -> str:
        """Such as "Of 412 seen, 37 match, 12 more than now."."""
        return f"Of {self.seen:,} seen, {self.matching:,} match, {self.added:,} more than now."


def preview_filters(subscription: Subscription, filters: Filters) -> FilterPreview:
    """Judge the ledger by other filters; raise InvalidPattern."""
    raise NotImplementedError


def count_start_choices(entries: Sequence[ListingEntry], total: int | None = None) -> dict[str, int]:
    """Return how many videos each StartChoice would fetch of a list; `total` is its length, if it was not listed whole.

    NEWEST is counted for 10, SINCE for a month.
    """
    raise NotImplementedError
