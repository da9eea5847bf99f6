"""Previews, which change nothing: what other filters would let in, and how many a choice of the start would fetch."""

import datetime as dt
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from downloads.database.clock import read_clock
from downloads.database.stored_values import read_columns
from downloads.models import StartChoice, Subscription, SubscriptionItem, SubscriptionItemState
from downloads.models.subscriptions.choices import FILTER_STATES
from downloads.subscriptions.judgement import Facts, Filters, Start, judge, judge_start
from downloads.subscriptions.ledger.candidates import Candidate, build_candidates
from downloads.subscriptions.ledger.reading import rank_newest
from downloads.subscriptions.ledger.rejudging import Rejudging
from downloads.subscriptions.patterns import check_pattern
from downloads.ytdlp.results import ListingEntry

MAX_EXAMPLES = 10
MAX_JUDGED = 2_000  # items for one preview: about 60 ms
MAX_CPU_SECONDS = 0.5  # for one preview: a pattern may take a thousand times as long as another
CHUNK_SIZE = 100
READ_COLUMNS = ("id", "title", "duration", "published", "is_date_rough", "position", "state")
EXAMPLE_COUNT, EXAMPLE_PERIOD = 10, dt.timedelta(days=30)


@dataclass
class FilterPreview:
    """Of `judged` items of the ledger, `matching` pass the filters, `matching_now` those that hold now.

    `added` of the items that were kept out would be queued; `examples` are the newest of them. `seen` is the number of
    all items, of which the newest are judged, as many as a page can wait for.
    """

    seen: int = 0
    judged: int = 0
    matching: int = 0
    matching_now: int = 0
    added: int = 0
    examples: list[SubscriptionItem] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        """Such as "Of 412 seen, 37 match, 12 more than now."."""
        difference = self.matching - self.matching_now
        comparison = f"{abs(difference):,} {'more' if difference > 0 else 'fewer'} than" if difference else "as many as"
        seen = f"{self.seen:,} seen" if self.is_whole else f"the last {self.judged:,} of {self.seen:,} seen"
        return f"Of {seen}, {self.matching:,} match, {comparison} now."

    @property
    def added_sentence(self) -> str:
        """Such as "12 would be fetched when you save, the newest of them:", before the examples."""
        if not self.added:
            return f"None{'' if self.is_whole else ' of these'} would be fetched when you save."
        return (
            f"{'' if self.is_whole else 'At least '}{self.added:,} would be fetched when you save, the newest of them:"
        )

    @property
    def is_whole(self) -> bool:
        """Return whether all items were judged."""
        return self.judged >= self.seen


def preview_filters(subscription: Subscription, filters: Filters) -> FilterPreview:
    """Judge the newest of the ledger by other filters; raise InvalidPattern."""
    check_pattern(filters.title_includes)
    check_pattern(filters.title_excludes)
    now, current, started_at = read_clock(), Filters.of(subscription), time.thread_time()
    rejudging, preview = Rejudging(subscription, filters), FilterPreview(seen=subscription.items.count())
    added_pks: list[int] = []
    rows = subscription.items.order_by("-pk")[:MAX_JUDGED]
    for pk, title, duration, published, is_date_rough, position, state in read_columns(rows, *READ_COLUMNS):
        facts = Facts(title, duration, published, is_date_rough)
        verdict = judge(facts, filters, now)
        preview.judged += 1
        preview.matching += verdict.state != SubscriptionItemState.FILTERED
        preview.matching_now += judge(facts, current, now).state != SubscriptionItemState.FILTERED
        is_added = state in FILTER_STATES and verdict.is_wanted
        if is_added and not rejudging.is_before_start(pk, state, position, facts, now):
            added_pks.append(pk)
        if preview.judged % CHUNK_SIZE == 0 and time.thread_time() - started_at > MAX_CPU_SECONDS:
            break
    preview.added = len(added_pks)
    preview.examples = list(subscription.items.filter(pk__in=added_pks[:MAX_EXAMPLES]).order_by("-pk"))
    return preview


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
