"""Items that are judged anew: what the site says otherwise now, and what waited until now."""

import datetime as dt
from collections.abc import Mapping, Sequence

from django.db.models import Q

from downloads.database import let_other_writers_in
from downloads.database.clock import read_clock
from downloads.models import Subscription, SubscriptionItem, SubscriptionItemState
from downloads.models.subscriptions.choices import SITE_STATES
from downloads.subscriptions.judgement import (
    LIVE_REASONS,
    LOOKED_UP_REASONS,
    MEMBERS_LOOKED_UP,
    MEMBERS_RETRY,
    NOT_YET_LOOKED_UP,
    Facts,
    Filters,
    Verdict,
    judge,
)
from downloads.subscriptions.ledger.candidates import Candidate
from downloads.subscriptions.ledger.limits import (
    BACKLOG_REASON,
    POSTPONED_REASONS,
    CheckQuota,
    check_transaction,
    record_dry_run,
)
from downloads.subscriptions.ledger.outcome import Outcome
from downloads.subscriptions.ledger.queueing import BACKLOG_PRIORITY, NEW_PRIORITY, queue_items, save_states
from downloads.subscriptions.walks import SLICE_LENGTH
from downloads.ytdlp.results import Stage

GROUP_SIZE = 200  # items per transaction
# Over once the list gives a live_status that is not in LIVE_REASONS, such as "was_live".
REASONS_ENDED_BY_LISTING = tuple(NOT_YET_LOOKED_UP[stage] for stage in (Stage.ANNOUNCED, Stage.LIVE, Stage.OFFLINE))


def apply_changes(
    subscription: Subscription,
    candidates: Sequence[Candidate],
    known: Mapping[str, SubscriptionItem],
    outcome: Outcome,
    now: dt.datetime,
) -> None:
    """Judge anew the known videos of which the site says otherwise now: a premiere that is over, one that is public."""
    facts = {
        item.pk: candidate.facts
        for candidate in candidates
        if (item := known.get(candidate.identity)) and _is_for_the_site(item)
    }
    pks = list(facts)
    for start in range(0, len(pks), GROUP_SIZE):
        if outcome.is_lease_lost:
            return
        if start:
            let_other_writers_in()
        group = {pk: facts[pk] for pk in pks[start : start + GROUP_SIZE]}
        _apply_changes_of_group(subscription, group, outcome, now)


def _apply_changes_of_group(
    subscription: Subscription, facts: Mapping[int, Facts], outcome: Outcome, now: dt.datetime
) -> None:
    with check_transaction(subscription):
        current = subscription.leased_row().select_for_update().first()
        if current is None:
            outcome.is_lease_lost = True
            return
        filters = Filters.of(current)
        items = SubscriptionItem.objects.select_for_update().filter(pk__in=facts, state__in=SITE_STATES)
        verdicts = [(item, judge(facts[item.pk], filters, now)) for item in items]
        changed = [(item, verdict) for item, verdict in verdicts if _is_change(item, verdict, facts[item.pk], now)]
        _apply(subscription, current, changed, outcome, now)
    record_dry_run(subscription, (item.identity for item, _ in changed))


def _is_for_the_site(item: SubscriptionItem) -> bool:
    return item.state in SITE_STATES and item.reason not in POSTPONED_REASONS


def _is_change(item: SubscriptionItem, verdict: Verdict, facts: Facts, now: dt.datetime) -> bool:
    is_due = item.retry_at is not None and item.retry_at <= now
    if item.reason in LOOKED_UP_REASONS and not _is_covered_by_listing(item, facts):
        return is_due
    is_moved = facts.release_at is not None and item.retry_at != verdict.retry_at
    # From now on the list is asked whether it is over, which needs no look-up.
    is_taken_over = item.reason in NOT_YET_LOOKED_UP.values() and verdict.reason in LIVE_REASONS.values()
    return verdict.state != item.state or is_due or is_moved or is_taken_over


def _is_covered_by_listing(item: SubscriptionItem, facts: Facts) -> bool:
    """Tell whether the list says something of what the look-up found; a stream that was live may be in preparation."""
    if facts.availability or facts.live_status in LIVE_REASONS:
        return True
    return bool(facts.live_status) and item.reason in REASONS_ENDED_BY_LISTING


def apply_due(subscription: Subscription, *, now: dt.datetime | None = None) -> Outcome:
    """Judge anew what waited until now and no listing of this check has spoken of. Call it after `apply`."""
    now = now or read_clock()
    outcome = Outcome()
    if not subscription.items.filter(_due_condition(now)).exists():
        return outcome
    with check_transaction(subscription):
        current = subscription.leased_row().select_for_update().first()
        if current is None:
            outcome.is_lease_lost = True
            return outcome
        filters = Filters.of(current)
        verdicts = [(item, _judge_due(item, filters, now)) for item in _select_due(subscription, now)]
        _apply(subscription, current, verdicts, outcome, now)
    return outcome


def _due_condition(now: dt.datetime) -> Q:
    """Return the condition of what is judged anew; what was postponed follows, also after the clock was set back."""
    return Q(retry_at__lte=now) | Q(retry_at__isnull=False, reason__in=POSTPONED_REASONS)


def _select_due(subscription: Subscription, now: dt.datetime) -> list[SubscriptionItem]:
    """Return the oldest of what is due: of the backlog and of all others as many as may be queued."""
    items = subscription.items.select_for_update().filter(_due_condition(now), state__in=SITE_STATES)
    items = items.exclude(identity__in=subscription.dry_run_identities).order_by("retry_at", "pk")
    quota = CheckQuota(subscription)
    backlog = items.filter(reason=BACKLOG_REASON)[: max(0, quota.remaining(is_old=True))]
    others = items.exclude(reason=BACKLOG_REASON)[:SLICE_LENGTH]
    return [*others, *backlog]


def _judge_due(item: SubscriptionItem, filters: Filters, now: dt.datetime) -> Verdict:
    """Judge by what is in the ledger. What only members saw waits for a listing that says otherwise."""
    if item.state == SubscriptionItemState.MEMBERS and item.reason != MEMBERS_LOOKED_UP:
        return Verdict(item.state, item.reason, now + MEMBERS_RETRY)
    # What is live still waits in the queue, until its recording is up.
    return judge(Facts.of(item), filters, now)


def _apply(
    subscription: Subscription,
    current: Subscription,
    verdicts: Sequence[tuple[SubscriptionItem, Verdict]],
    outcome: Outcome,
    now: dt.datetime,
) -> None:
    quota = CheckQuota(subscription)
    wanted: dict[bool, list[SubscriptionItem]] = {False: [], True: []}
    for item, verdict in verdicts:
        is_old = item.reason == BACKLOG_REASON
        final = quota.admit_or_postpone(is_old=is_old, now=now) if verdict.is_wanted else verdict
        item.state, item.reason, item.retry_at = final.state, final.reason, final.retry_at
        if final.is_wanted:
            wanted[is_old].append(item)
    queue_items(current, wanted[False], NEW_PRIORITY)
    queue_items(current, wanted[True], BACKLOG_PRIORITY)
    items = [item for item, _ in verdicts]
    save_states(items, now)
    outcome.counts.update(item.state for item in items)
