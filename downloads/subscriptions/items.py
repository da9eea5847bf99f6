"""Verbs of people on items of the ledger. Each returns how many items it changed."""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from django.db import transaction
from django.db.models import F

from downloads.database import let_other_writers_in
from downloads.database.clock import current_moment, read_clock
from downloads.models import Status, Subscription, SubscriptionItem, SubscriptionItemState, Video
from downloads.models.subscriptions.choices import FILTER_STATES, KEPT_STATES, SITE_STATES
from downloads.models.subscriptions.item import SubscriptionItemQuerySet
from downloads.models.subscriptions.subscription import REJUDGE
from downloads.subscriptions.ledger.limits import BACKLOG_REASON
from downloads.subscriptions.ledger.queueing import BACKLOG_PRIORITY, queue_items, save_states
from downloads.subscriptions.ledger.rejudging import Rejudging

GROUP_SIZE = 50
REJUDGED_GROUP_SIZE = 250
MAX_REJUDGED_AT_ONCE = 1_000  # without pauses between the groups: a person waits for the page
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

    Of many items the first are judged at once, the rest by the next check. The first of those that are wanted are
    queued, the rest follow with the next checks. Raise InvalidPattern.
    """
    pks = list(_filtered(subscription).values_list("pk", flat=True)[: MAX_REJUDGED_AT_ONCE + 1])
    is_whole = len(pks) <= MAX_REJUDGED_AT_ONCE
    pks, wanted, room = pks[:MAX_REJUDGED_AT_ONCE], 0, subscription.max_new or 1
    for start in range(0, len(pks), REJUDGED_GROUP_SIZE):
        wanted += _rejudge_group(subscription, pks[start : start + REJUDGED_GROUP_SIZE], max(0, room - wanted))
    if not is_whole:
        with transaction.atomic():
            current = Subscription.objects.select_for_update().filter(pk=subscription.pk).first()
            _write_place(current, pks[-1])
        subscription.check_now()
    return wanted


def finish_rejudging(subscription: Subscription, on_group: Callable[[], None] = lambda: None) -> int:
    """Judge anew all that `reapply_filters` has left, for a check; return how many are wanted now.

    `on_group` is called after each transaction. The place is kept, so that an interrupted check goes on there.
    """
    wanted, room = 0, subscription.max_new or 1
    while current := Subscription.objects.filter(pk=subscription.pk, positions__has_key=REJUDGE).first():
        place = current.positions[REJUDGE]
        rows = _filtered(current).filter(pk__gt=place if isinstance(place, int) else 0)
        pks = list(rows.values_list("pk", flat=True)[:REJUDGED_GROUP_SIZE])
        wanted += _rejudge_group(current, pks, max(0, room - wanted))
        with transaction.atomic():
            locked = Subscription.objects.select_for_update().filter(pk=current.pk).first()
            if locked and locked.positions.get(REJUDGE) == place:  # else the filters were changed once more
                _write_place(locked, pks[-1] if pks else None)
        let_other_writers_in()
        on_group()
    return wanted


def _filtered(subscription: Subscription) -> SubscriptionItemQuerySet:
    return subscription.items.in_state(*FILTER_STATES).order_by("pk")


def _write_place(locked: Subscription | None, pk: int | None) -> None:
    """Keep the item up to which the filters have been applied; None for all."""
    if locked:
        others = {name: value for name, value in (locked.positions or {}).items() if name != REJUDGE}
        positions = others if pk is None else {**others, REJUDGE: pk}
        Subscription.objects.filter(pk=locked.pk).update(positions=positions)


def _rejudge_group(subscription: Subscription, pks: list[int], room: int) -> int:
    """Judge items anew, and queue as many as there is room for; return how many are wanted."""
    now = read_clock()
    with transaction.atomic():
        current = Subscription.objects.select_for_update().filter(pk=subscription.pk).first()
        if current is None:
            return 0
        rows = subscription.items.select_for_update().in_state(*FILTER_STATES).order_by("pk")
        group = Rejudging(current).judge([*rows.filter(pk__in=pks)], now)
        queue_items(current, group.wanted[:room], BACKLOG_PRIORITY)
        for item in group.wanted[room:]:
            item.state, item.reason, item.retry_at = SubscriptionItemState.WAITING, BACKLOG_REASON, now
        save_states(group.changed + group.wanted, now)
    return len(group.wanted)


def _group(items: Collection[SubscriptionItem]) -> Iterator[tuple[Subscription, list[int]]]:
    """Yield the subscriptions of items, with the keys of GROUP_SIZE at most."""
    by_subscription: dict[int, list[int]] = {}
    for item in items:
        by_subscription.setdefault(item.subscription_id, []).append(item.pk)
    for subscription in Subscription.objects.filter(pk__in=by_subscription):
        pks = by_subscription[subscription.pk]
        yield from ((subscription, pks[start : start + GROUP_SIZE]) for start in range(0, len(pks), GROUP_SIZE))
