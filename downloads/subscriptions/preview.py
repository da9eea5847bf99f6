"""Previews, which change nothing: what other filters would let in, and how many a choice of the start would fetch."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

from downloads.database.clock import read_clock
from downloads.models import StartChoice, Subscription, SubscriptionItem, SubscriptionItemState
from downloads.models.subscriptions.choices import FILTER_STATES
from downloads.subscriptions.judgement import Facts, Filters, Start, judge, judge_start
from downloads.subscriptions.ledger.candidates import Candidate, build_candidates
from downloads.subscriptions.ledger.reading import rank_newest
from downloads.subscriptions.ledger.rejudging import Rejudging
from downloads.subscriptions.patterns import check_pattern
from downloads.ytdlp.results import ListingEntry

MAX_EXAMPLES = 10
CHUNK_SIZE = 500
READ_COLUMNS = ("subscription_id", "state", "title", "duration", "published", "is_date_rough", "position", "url")
EXAMPLE_COUNT, EXAMPLE_PERIOD = 10, dt.timedelta(days=30)


@dataclass
class FilterPreview:
    """Of `seen` items of the ledger, `matching` pass the filters, `matching_now` those that hold now.

    `added` of the items that were kept out would be queued; `examples` are the newest of them.
    """

    seen: int = 0
    matching: int = 0
    matching_now: int = 0
    added: int = 0
    examples: list[SubscriptionItem] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        """Such as "Of 412 seen, 37 match, 12 more than now."."""
        difference = self.matching - self.matching_now
        comparison = f"{abs(difference):,} {'more' if difference > 0 else 'fewer'} than" if difference else "as many as"
        return f"Of {self.seen:,} seen, {self.matching:,} match, {comparison} now."


def preview_filters(subscription: Subscription, filters: Filters) -> FilterPreview:
    """Judge the ledger by other filters; raise InvalidPattern."""
    check_pattern(filters.title_includes)
    check_pattern(filters.title_excludes)
    now, current = read_clock(), Filters.of(subscription)
    rejudging, preview = Rejudging(subscription, filters), FilterPreview()
    for item in subscription.items.only(*READ_COLUMNS).order_by("-pk").iterator(CHUNK_SIZE):
        facts = Facts.of(item)
        preview.seen += 1
        preview.matching += _matches(facts, filters, now)
        preview.matching_now += _matches(facts, current, now)
        if item.state in FILTER_STATES and rejudging.judge_item(item, now).is_wanted:
            preview.added += 1
            if len(preview.examples) < MAX_EXAMPLES:
                preview.examples.append(item)
    return preview


def _matches(facts: Facts, filters: Filters, now: dt.datetime) -> bool:
    return judge(facts, filters, now).state != SubscriptionItemState.FILTERED


def count_start_choices(entries: Sequence[ListingEntry], total: int | None = None) -> dict[str, int]:
    """Return how many videos each StartChoice would fetch of a list; `total` is its length, if it was not listed whole.

    NEWEST is counted for EXAMPLE_COUNT videos, SINCE for EXAMPLE_PERIOD, among the entries alone.
    """
    now = read_clock()
    candidates = build_candidates(entries)
    length = max(total or 0, len(candidates))
    since = Start(StartChoice.SINCE, date=(now - EXAMPLE_PERIOD).date())
    return {
        StartChoice.NEW: 0,
        StartChoice.NEWEST: min(EXAMPLE_COUNT, length),
        StartChoice.SINCE: count_start(candidates, since, now),
        StartChoice.ALL: length,
    }


def count_start(candidates: Sequence[Candidate], start: Start, now: dt.datetime, *, is_playlist: bool = False) -> int:
    """Return how many of these a choice of the start would fetch, whatever the filters say."""
    ranks = rank_newest(candidates) if is_playlist else {}
    return sum(
        judge_start(candidate.facts, start, ranks.get(candidate.identity, place), now).is_wanted
        for place, candidate in enumerate(candidates, 1)
    )
