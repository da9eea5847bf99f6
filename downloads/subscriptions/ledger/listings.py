"""Application of a listing to the ledger: what is known is left alone, what is new is judged, what is wanted queued.

Each group of items is inserted, and what of them is wanted queued, in one transaction that holds the subscription's
row: an interrupted check leaves nothing half, and the filters are those of that moment.
"""

import datetime as dt
from collections.abc import Sequence

from downloads.database import let_other_writers_in
from downloads.database.clock import read_clock
from downloads.intake import entry_requests
from downloads.models import ChannelTab, Subscription, SubscriptionItem, SubscriptionItemState, Video
from downloads.subscriptions.judgement import LIVE_REASONS, Filters, Start, Verdict, judge, judge_start
from downloads.subscriptions.ledger import due
from downloads.subscriptions.ledger.candidates import build_candidates, build_item
from downloads.subscriptions.ledger.cursors import advance
from downloads.subscriptions.ledger.limits import CheckQuota, check_transaction, record_dry_run
from downloads.subscriptions.ledger.outcome import Outcome
from downloads.subscriptions.ledger.queueing import BACKLOG_PRIORITY, NEW_PRIORITY, queue_items
from downloads.subscriptions.ledger.reading import Reading, Sighting, read_listing
from downloads.subscriptions.patterns import check_pattern
from downloads.subscriptions.walks import Walk, read_cursor, write_cursor
from downloads.ytdlp.results import ListingEntry

GROUP_SIZE = 50  # items per transaction


class EmptyListing(Exception):
    """A list that had something is empty: a failure of the site, never a word on its videos. The message says so."""

    def __init__(self, tab: str = "") -> None:
        name = f"The tab “{dict(ChannelTab.choices).get(tab, tab)}”" if tab else "The list"
        super().__init__(f"{name} is empty, though it had videos before. Nothing was changed.")


def apply(
    subscription: Subscription, walk: Walk, entries: Sequence[ListingEntry], *, now: dt.datetime | None = None
) -> Outcome:
    """Bring the entries of a walk into the ledger, and queue what is wanted of them. Safe to repeat.

    Raise EmptyListing, and InvalidPattern for a filter that cannot be used; nothing is written then.
    """
    now = now or read_clock()
    if not entries and walk.first == 1 and subscription.items.filter(tab=walk.tab).exists():
        raise EmptyListing(walk.tab)
    check_pattern(subscription.title_includes)
    check_pattern(subscription.title_excludes)
    candidates = build_candidates(entries)
    identities = [candidate.identity for candidate in candidates]
    known = {item.identity: item for item in subscription.items.identified(identities)}
    reading = read_listing(subscription, walk, candidates, known)
    reading.fresh = [one for one in reading.fresh if one.candidate.identity not in subscription.dry_run_identities]
    outcome = Outcome(listed=len(entries))
    due.apply_changes(subscription, reading.walked, known, outcome, now)
    _insert_groups(subscription, walk, reading, outcome, now)
    return outcome


def _insert_groups(
    subscription: Subscription, walk: Walk, reading: Reading, outcome: Outcome, now: dt.datetime
) -> None:
    starts = range(0, len(reading.fresh), GROUP_SIZE) or [0]
    for start in starts:
        if outcome.is_lease_lost:
            return
        if start:
            let_other_writers_in()
        with check_transaction(subscription):
            current = subscription.leased_row().select_for_update().first()
            if current is None:
                outcome.is_lease_lost = True
                return
            group = reading.fresh[start : start + GROUP_SIZE]
            _insert_group(current, group, CheckQuota(subscription), outcome, now)
            if start == starts[-1]:
                _write_cursor(subscription, current, walk, reading, now)
        record_dry_run(subscription, (sighting.candidate.identity for sighting in group))


def _insert_group(
    current: Subscription, sightings: Sequence[Sighting], quota: CheckQuota, outcome: Outcome, now: dt.datetime
) -> None:
    """Judge and insert items; the new ones among the wanted come before the old ones in the queue."""
    wanted: dict[bool, list[SubscriptionItem]] = {False: [], True: []}
    items = []
    for sighting in sightings:
        verdict = _judge_sighting(sighting, current, now)
        if verdict.is_wanted:
            verdict = quota.admit_or_postpone(is_old=sighting.is_old, now=now)
        items.append(build_item(current, sighting.candidate, verdict))
        if verdict.is_wanted:
            wanted[sighting.is_old].append(items[-1])
    queue_items(current, wanted[False], NEW_PRIORITY)
    queue_items(current, wanted[True], BACKLOG_PRIORITY)
    _save_requests(current, sightings, items)
    SubscriptionItem.objects.bulk_create(items, ignore_conflicts=True)
    outcome.counts.update(item.state for item in items)


def _save_requests(current: Subscription, sightings: Sequence[Sighting], items: Sequence[SubscriptionItem]) -> None:
    """Keep what yt-dlp needs beside the URL for the videos that were queued just now."""
    for sighting, item in zip(sightings, items, strict=True):
        request = sighting.candidate.entry.request
        if request and item.video_id and item.state == SubscriptionItemState.QUEUED:
            entry_requests.save_entry(Video(pk=item.video_id), request, current.url)


def _judge_sighting(sighting: Sighting, current: Subscription, now: dt.datetime) -> Verdict:
    candidate, facts = sighting.candidate, sighting.candidate.facts
    if candidate.error:
        return Verdict(SubscriptionItemState.FILTERED, f"It can’t be added. {candidate.error}")
    # What is announced or live is new, however long it has been in the list.
    if sighting.is_old and facts.live_status not in LIVE_REASONS:
        verdict = judge_start(facts, Start.of(current), sighting.rank, now)
        if not verdict.is_wanted:
            return verdict
    return judge(facts, Filters.of(current), now)


def _write_cursor(
    subscription: Subscription, current: Subscription, walk: Walk, reading: Reading, now: dt.datetime
) -> None:
    """Keep where to go on, unless a person has asked for another start meanwhile: then the tab begins again."""
    if read_cursor(current, walk.tab) != read_cursor(subscription, walk.tab):
        return
    positions = write_cursor(current, walk.tab, advance(current, walk, reading, now))
    current.leased_row().update(positions=positions)
    subscription.positions = positions
