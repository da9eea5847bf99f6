"""Verbs of people on items of the ledger. Each returns how many items it changed."""

import datetime as dt
import itertools
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from django.db import transaction
from django.db.models import F

from downloads.database import let_other_writers_in
from downloads.database.clock import current_moment, read_clock
from downloads.models import Status, Subscription, SubscriptionItem, SubscriptionItemState, Video
from downloads.models.subscriptions.choices import FILTER_STATES, KEPT_STATES, SITE_STATES
from downloads.models.subscriptions.subscription import REJUDGE
from downloads.subscriptions.ledger.limits import BACKLOG_REASON
from downloads.subscriptions.ledger.queueing import BACKLOG_PRIORITY, queue_items, save_states, save_verdicts
from downloads.subscriptions.ledger.rejudging import JudgedGroup, Rejudging

GROUP_SIZE = 50
REJUDGED_GROUP_SIZE = 250
MAX_GROUPS_AT_ONCE = 4  # without pauses between them: a person waits for the page
# States from which nothing follows by itself.
UNASKED_STATES = (*FILTER_STATES, SubscriptionItemState.REMOVED)
FETCH_PRIORITY = 0  # as what a person adds


def fetch(items: Collection[SubscriptionItem], user: Any = None) -> int:
    """Queue these at a person's request, against the filters; retention keeps them. Those that are here stay."""
    count = 0
    for subscription, pks in _group(items):
        with transaction.atomic():
            rows = subscription.items.select_for_update().filter(pk__in=pks)
            wanted = [*rows.exclude(state__in=KEPT_STATES, video__isnull=False)]
            for item in wanted:
                item.is_picked, item.retry_at = True, None
            queue_items(subscription, wanted, FETCH_PRIORITY, added_by=user if hasattr(user, "pk") else None)
            _retry_ended(wanted, user)
            save_states(wanted, current_moment())
        count += sum(item.video_id is not None for item in wanted)
    return count


def _retry_ended(items: Iterable[SubscriptionItem], user: Any) -> None:
    """Retry the videos of items that are in the archive, but failed or were cancelled."""
    for item in items:
        if item.state != SubscriptionItemState.ARCHIVED or item.video_id is None:
            continue
        video = Video.objects.get(pk=item.video_id)
        if video.retry(f"Retried by {user}" if user else "Retried"):
            item.state, item.reason = SubscriptionItemState.QUEUED, ""


def ignore(items: Collection[SubscriptionItem], user: Any = None) -> int:
    """Leave these alone for good; a video that is here stays. A video that only waits is taken from the queue."""
    reason = f"Ignored by {user}." if user else "Ignored."
    count = 0
    for subscription, pks in _group(items):
        for pk in pks:
            with transaction.atomic():
                count += _ignore(subscription, pk, reason)
    return count


def _ignore(subscription: Subscription, pk: int, reason: str) -> int:
    rows = subscription.items.filter(pk=pk)
    item = rows.select_for_update(of=("self",)).select_related("video").first()
    if item is None or item.state == SubscriptionItemState.IGNORED or not _give_up(item, reason):
        return 0
    return rows.change_state(SubscriptionItemState.IGNORED, reason, previous_state=item.state)


def _give_up(item: SubscriptionItem, reason: str) -> bool:
    """Cancel the video of an item, if this subscription alone has queued it; False for one that is here."""
    if item.state not in KEPT_STATES or item.video is None:
        return True
    if item.state == SubscriptionItemState.ARCHIVED or item.video.status == Status.COMPLETE or item.video.media_file:
        return False
    others = SubscriptionItem.objects.filter(video=item.video, state__in=KEPT_STATES).exclude(pk=item.pk)
    if not others.exists():
        item.video.cancel(reason)
    return True


def stop_ignoring(items: Collection[SubscriptionItem], user: Any = None) -> int:
    """Undo `ignore`: each is as before, deleted ones stay away, and the site’s word on others is asked anew."""
    count = 0
    for subscription, pks in _group(items):
        ignored = subscription.items.filter(pk__in=pks, state=SubscriptionItemState.IGNORED)
        with transaction.atomic():
            queued = ignored.filter(previous_state=SubscriptionItemState.QUEUED, video__isnull=False)
            for item in queued.select_related("video"):
                if item.video:
                    item.video.undo_cancel()
                count += ignored.filter(pk=item.pk).change_state(SubscriptionItemState.QUEUED, "")
            deleted = ignored.filter(previous_state=SubscriptionItemState.QUEUED, video__isnull=True)
            count += deleted.change_state(SubscriptionItemState.REMOVED, "Its video was deleted meanwhile.")
            for states, retry_at in ((UNASKED_STATES, None), (SITE_STATES, current_moment())):
                count += ignored.filter(previous_state__in=states).change_state(
                    F("previous_state"), "No longer ignored.", retry_at=retry_at
                )
            waiting = SubscriptionItemState.WAITING
            count += ignored.change_state(waiting, BACKLOG_REASON, retry_at=current_moment())
    return count


def reapply_filters(subscription: Subscription) -> int:
    """Judge anew what the filters and the choice of the start have kept out; return how many are wanted now.

    `mark_to_be_rejudged` comes before, with the change. Of many items the first are judged at once, the rest by the
    next check. The first of those that are wanted are queued, the rest follow with the next checks. Raise
    InvalidPattern.
    """
    wanted = sum(itertools.islice(_rejudge_groups(subscription), MAX_GROUPS_AT_ONCE))
    current = Subscription.objects.filter(pk=subscription.pk).first()
    if current is not None and current.is_to_be_rejudged:
        current.check_now()
    return wanted


def finish_rejudging(subscription: Subscription) -> int:
    """Judge anew all that `reapply_filters` has left, for a check; return how many are wanted now.

    An interrupted one goes on where it was, and begins again when the filters are changed meanwhile.
    """
    current = Subscription.objects.filter(pk=subscription.pk).first()
    if current is None or not current.is_to_be_rejudged:
        return 0
    wanted = 0
    for count in _rejudge_groups(current):
        wanted += count
        subscription.written_groups += 1
        let_other_writers_in()
    return wanted


def mark_to_be_rejudged(positions: dict[str, Any]) -> dict[str, Any]:
    """Return the positions of a subscription all of whose items have to be judged anew."""
    return {**positions, REJUDGE: 0}


def _rejudge_groups(subscription: Subscription) -> Iterator[int]:
    """Judge group after group until none is left; yield how many of each are wanted."""
    now, room = read_clock(), subscription.max_new or 1
    while (group := _rejudge_group(subscription, room, now)) is not None:
        room = max(0, room - len(group.wanted))
        yield len(group.wanted)


def _rejudge_group(subscription: Subscription, room: int, now: dt.datetime) -> JudgedGroup | None:
    """Judge the next group, and keep how far it reached, in one transaction; None if none is left."""
    with transaction.atomic():
        current = Subscription.objects.select_for_update().filter(pk=subscription.pk).first()
        if current is None or not current.is_to_be_rejudged:
            return None
        pks = _next_filtered_pks(current)
        rows = current.items.select_for_update().in_state(*FILTER_STATES).order_by("pk")
        group = Rejudging(current).judge([*rows.filter(pk__in=pks[:REJUDGED_GROUP_SIZE])], now)
        queue_items(current, group.wanted[:room], BACKLOG_PRIORITY)
        for item in group.wanted[room:]:
            item.state, item.reason, item.retry_at = SubscriptionItemState.WAITING, BACKLOG_REASON, now
        save_states(group.wanted[:room], now)
        save_verdicts(subscription, group.changed + group.wanted[room:], now)
        positions = {name: value for name, value in (current.positions or {}).items() if name != REJUDGE}
        if len(pks) > REJUDGED_GROUP_SIZE:
            positions[REJUDGE] = pks[REJUDGED_GROUP_SIZE - 1]
        Subscription.objects.filter(pk=current.pk).update(positions=positions)
    return group


def _next_filtered_pks(subscription: Subscription) -> list[int]:
    """Return the keys of the next group, and one more if there are more. Each state is in the order of its index."""
    rest = subscription.items.filter(pk__gt=subscription.rejudged_until).order_by("pk")
    pks = [rest.in_state(state).values_list("pk", flat=True)[: REJUDGED_GROUP_SIZE + 1] for state in FILTER_STATES]
    return sorted(itertools.chain(*pks))[: REJUDGED_GROUP_SIZE + 1]


def _group(items: Collection[SubscriptionItem]) -> Iterator[tuple[Subscription, list[int]]]:
    """Yield the subscriptions of items, with the keys of GROUP_SIZE at most."""
    by_subscription: dict[int, list[int]] = {}
    for item in items:
        by_subscription.setdefault(item.subscription_id, []).append(item.pk)
    for subscription in Subscription.objects.filter(pk__in=by_subscription):
        pks = by_subscription[subscription.pk]
        yield from ((subscription, pks[start : start + GROUP_SIZE]) for start in range(0, len(pks), GROUP_SIZE))
