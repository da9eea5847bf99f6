"""Retention: removal of videos that a subscription brought, once they are older or more than it keeps.

Only what this subscription alone brought is removed, and nothing that is protected, was asked for by a person, or was
played within the last hour. A video goes by `Video.remove`, row and files together, and its item says so.
"""

import datetime as dt
import logging
import math
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from downloads.database import session_lock
from downloads.database.clock import read_clock
from downloads.models import Status, Subscription, SubscriptionItem, SubscriptionItemState, Video, WatchState
from downloads.models.querysets import UNPROTECTED_CONDITION
from downloads.models.removal import RemovalError
from downloads.models.subscriptions.choices import KEPT_STATES
from downloads.models.subscriptions.item import AGED_FROM
from downloads.network.url_secrets import hide_secrets
from downloads.progress import recent_plays
from downloads.progress.redis_clients import REDIS_ERRORS

logger = logging.getLogger(__name__)

MAX_REMOVED_PER_RUN = 100
MAX_TRIED_PER_RUN = 1_000  # with those that cannot be removed, which must not keep the others from it
PLAYED_RECENTLY = dt.timedelta(hours=1)
LOCK_NAME = "retention"
READ_FIELDS = (
    *("subscription_id", "source_id", "title", "url", "published", "seen_at", "video_id"),
    *("video__video_id", "video__size", "video__ended_at", "video__added_at"),
)


@dataclass
class Pruning:
    """A run of retention: the items whose videos are past it, oldest first, and sentences on what went wrong.

    An item carries the reason for its removal as `retention_reason`.
    """

    items: list[SubscriptionItem] = field(default_factory=list)
    removed: int = 0
    problems: list[str] = field(default_factory=list)
    is_other_run: bool = False  # another process prunes, so this run did nothing

    @property
    def total_bytes(self) -> int:
        """Return the size of all these videos, as far as it is known."""
        return sum(item.video.size or 0 for item in self.items if item.video)


def find_past_retention(
    subscription: Subscription | None = None, *, now: dt.datetime | None = None, tried: Collection[int] = ()
) -> Pruning:
    """Select the items that the next run would remove, of one subscription or of all, without those in `tried`."""
    now = now or read_clock()
    subscriptions = Subscription.objects.exclude(keep_days=None, keep_newest=None)
    exceeding = (
        _select_exceeding(subscriptions, now) if subscription is None else subscriptions.filter(pk=subscription.pk)
    )
    items = [item for one in exceeding for item in _past_retention(one, now, tried)]
    items.sort(key=lambda item: (item.published or item.seen_at, item.pk))
    return Pruning(items[:MAX_REMOVED_PER_RUN])


def prune(
    subscription: Subscription | None = None, *, now: dt.datetime | None = None, max_seconds: float = math.inf
) -> Pruning:
    """Remove what is past retention, of one subscription or of all, MAX_REMOVED_PER_RUN at most.

    While another run goes on, this does nothing. After `max_seconds` it ends; the next run goes on.
    """
    with session_lock(LOCK_NAME) as is_locked:
        if not is_locked:
            return Pruning(is_other_run=True)
        run = _Run(subscription, now, time.monotonic() + max_seconds)
        try:
            while items := run.find_next():
                run.remove_all(items)
        except REDIS_ERRORS as error:
            logger.warning("Nothing is removed while nobody knows what is being played: %s", error)
            run.pruning.problems.append("Redis cannot be reached, so nobody knows what is being played.")
        return run.pruning


@dataclass
class _Run:
    """A run of retention, up to a moment of the monotonic clock."""

    subscription: Subscription | None
    now: dt.datetime | None
    deadline: float
    pruning: Pruning = field(default_factory=Pruning)

    def find_next(self) -> list[SubscriptionItem]:
        """Return what is tried next: as many as may still be removed."""
        room = min(MAX_REMOVED_PER_RUN - self.pruning.removed, MAX_TRIED_PER_RUN - len(self.pruning.items))
        if room <= 0 or time.monotonic() > self.deadline:
            return []
        tried = [item.pk for item in self.pruning.items]
        return find_past_retention(self.subscription, now=self.now, tried=tried).items[:room]

    def remove_all(self, items: Iterable[SubscriptionItem]) -> None:
        """Remove the videos of these, until the deadline."""
        for item in items:
            if time.monotonic() > self.deadline:
                return
            self.pruning.items.append(item)
            try:
                self.pruning.removed += _remove(item, self.now or read_clock())
            except RemovalError as error:
                self.pruning.problems.append(f"{item.title or hide_secrets(item.url)} stays: {error}.")


def _read_holdings(subscription_pks: Collection[int]) -> dict[int, tuple[int, dt.datetime]]:
    """Return how many videos each of these has brought, and since when the oldest is here: by one query at most."""
    if not subscription_pks:
        return {}
    brought = SubscriptionItem.objects.filter(state=SubscriptionItemState.QUEUED, video__status=Status.COMPLETE)
    brought = brought.filter(subscription__in=subscription_pks)
    oldest = Min(Coalesce("video__ended_at", "video__added_at"))
    rows = brought.order_by().values_list("subscription").annotate(count=Count("pk"), oldest=oldest)
    return {subscription_pk: (count, oldest_at) for subscription_pk, count, oldest_at in rows}


def _select_exceeding(subscriptions: Iterable[Subscription], now: dt.datetime) -> list[Subscription]:
    """Return those that may have videos past their retention: most need no queries of their own."""
    candidates = list(subscriptions)
    holdings = _read_holdings([one.pk for one in candidates])
    return [one for one in candidates if one.pk in holdings and _may_have_any(one, *holdings[one.pk], now)]


def _may_have_any(subscription: Subscription, count: int, oldest: dt.datetime, now: dt.datetime) -> bool:
    is_surplus = subscription.keep_newest is not None and count > subscription.keep_newest
    return is_surplus or (
        subscription.keep_days is not None and oldest < now - dt.timedelta(days=subscription.keep_days)
    )


def _past_retention(subscription: Subscription, now: dt.datetime, tried: Collection[int]) -> Iterator[SubscriptionItem]:
    """Yield the oldest items of a subscription that may go, as many as a run removes, each with its reason."""
    too_old = now - dt.timedelta(days=subscription.keep_days) if subscription.keep_days else None
    brought = _brought_items(subscription).annotate(aged_from=AGED_FROM)
    past_condition = (
        _surplus_condition(brought, subscription.keep_newest or 0) if _may_have_surplus(subscription) else Q(pk__in=())
    )
    if too_old:
        past_condition |= Q(archived_at__lt=too_old)
    archived_at = Coalesce("video__ended_at", "video__added_at")
    rows = _removable(brought, now).exclude(pk__in=tried).alias(archived_at=archived_at).filter(past_condition)
    # First the keys alone: a sort of whole rows would carry those of all videos.
    pks = list(rows.order_by(AGED_FROM, "pk").values_list("pk", flat=True)[:MAX_REMOVED_PER_RUN])
    items = SubscriptionItem.objects.filter(pk__in=pks).select_related("video").only(*READ_FIELDS)
    for item in items.order_by(AGED_FROM, "pk"):
        item.subscription = subscription
        item.retention_reason = f"Not among the newest {subscription.keep_newest or 0:,} of the subscription."
        if too_old and _archived_at(item) < too_old:
            days = subscription.keep_days or 0
            duration = "day" if days == 1 else f"{days} days"
            item.retention_reason = f"Older than the {duration} that the subscription keeps."
        yield item


def _may_have_surplus(subscription: Subscription) -> bool:
    """Tell by the index alone whether there may be more than the newest, of which only the complete count."""
    if not subscription.keep_newest:
        return False
    here = subscription.items.filter(state=SubscriptionItemState.QUEUED, video__isnull=False)
    return here.count() > subscription.keep_newest


def _surplus_condition(brought: "QuerySet[SubscriptionItem]", keep_newest: int) -> Q:
    """Return the condition of what is not among the newest: a comparison, in place of a list of all that are."""
    newest_first = brought.order_by(AGED_FROM.desc(), "-pk").values_list("pk", flat=True)
    for pk in newest_first[keep_newest : keep_newest + 1]:
        age = Subquery(SubscriptionItem.objects.filter(pk=pk).values(age=AGED_FROM))
        return Q(aged_from__lt=age) | Q(aged_from=age, pk__lte=pk)
    return Q(pk__in=())


def _archived_at(item: SubscriptionItem) -> dt.datetime:
    """Return since when the video of an item is here."""
    return (item.video and (item.video.ended_at or item.video.added_at)) or item.seen_at


def _brought_items(subscription: Subscription) -> "QuerySet[SubscriptionItem]":
    """Return the items whose videos are here because of this subscription."""
    return subscription.items.filter(
        state=SubscriptionItemState.QUEUED, video__status=Status.COMPLETE, video__isnull=False
    )


def _removable(items: "QuerySet[SubscriptionItem]", now: dt.datetime) -> "QuerySet[SubscriptionItem]":
    others = SubscriptionItem.objects.filter(video=OuterRef("video"), state__in=KEPT_STATES).exclude(pk=OuterRef("pk"))
    return (
        items.filter(is_picked=False)
        .filter(Q(video__protected=None) | Q(video__protected=False))
        .exclude(Exists(others))
        .exclude(Exists(_recently_watched(OuterRef("video"), now)))
    )


def _recently_watched(video: OuterRef, now: dt.datetime) -> "QuerySet[WatchState]":
    return WatchState.objects.filter(video=video, updated_at__gt=now - PLAYED_RECENTLY)


def _remove(item: SubscriptionItem, now: dt.datetime) -> bool:
    """Remove the video of an item, unless it is wanted after all: much may have happened since it was chosen."""
    video = Video.objects.filter(pk=item.video_id).first()
    if video is None or recent_plays.was_played(video.video_id):
        return False
    still_removable = _removable(_brought_items(item.subscription).filter(pk=item.pk), now)
    own = still_removable.filter(video=OuterRef("pk")).values("pk")
    return video.remove(item.retention_reason, where=Q(Exists(own)) & UNPROTECTED_CONDITION)
