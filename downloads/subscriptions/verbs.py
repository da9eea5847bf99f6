"""Verbs of people on subscriptions, shared by pages, commands and the admin; `pause`, `resume` and `check_now` are
methods of the model.
"""

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef

from downloads.database import advisory_lock
from downloads.database.clock import read_clock
from downloads.intake.urls import ParsedUrl
from downloads.models import (
    AuditAction,
    AuditEntry,
    Subscription,
    SubscriptionItem,
    SubscriptionItemState,
    Video,
    VideoEvent,
)
from downloads.models.audit.entry import build_entry
from downloads.models.querysets import UNPROTECTED_CONDITION
from downloads.models.subscriptions.choices import KEPT_STATES
from downloads.network.sites import site_of
from downloads.subscriptions import items
from downloads.subscriptions.list_urls import list_spellings, parse_list_url
from downloads.subscriptions.schedule import Schedule
from downloads.subscriptions.validation import (
    EDITABLE_FIELDS,
    FILTER_FIELDS,
    SCHEDULE_FIELDS,
    START_FIELDS,
    check_settings,
    label,
)

__all__ = ["EDITABLE_FIELDS", "check_settings", "edit", "own_videos", "subscribe", "subscribe_many", "unsubscribe"]

MAX_TRIES = 5  # while others follow the same lists at the same moment


def subscribe(url: str, *, added_by: Any = None, **values: Any) -> tuple[Subscription, bool]:
    """Follow a list, and check it at once; return (subscription, True), or (the one with this URL, False).

    Raise InvalidUrl for the URL and ValidationError for the values (EDITABLE_FIELDS).
    """
    address, tab = parse_list_url(url)
    if tab and "tabs" not in values:
        values = {**values, "tabs": tab}
    check_settings(values)
    return subscribe_many([(address, values)], added_by=added_by)[0]


def subscribe_many(
    lists: Sequence[tuple[ParsedUrl, Mapping[str, Any]]], *, added_by: Any = None
) -> list[tuple[Subscription, bool]]:
    """Follow lists in one transaction, with settings that `check_settings` has passed; return as `subscribe` does."""
    for _ in range(MAX_TRIES - 1):
        # Raised when somebody else follows one of them just now.
        with contextlib.suppress(IntegrityError), transaction.atomic():
            return _follow_all(lists, added_by)
    with transaction.atomic():
        return _follow_all(lists, added_by)


def _follow_all(lists: Sequence[tuple[ParsedUrl, Mapping[str, Any]]], added_by: Any) -> list[tuple[Subscription, bool]]:
    # Two who follow a list by two spellings would both find that nobody does (PostgreSQL).
    advisory_lock("subscribe")
    subscriptions = _find_known(address for address, _ in lists)
    results = []
    for address, values in lists:
        known = next((subscriptions[url] for url in _spell(address) if url in subscriptions), None)
        subscription = known or _build_subscription(address, values, added_by)
        subscriptions[subscription.canonical_url] = subscription
        results.append((subscription, known is None))
    _insert_all([subscription for subscription, is_new in results if is_new])
    return results


def _find_known(addresses: Iterable[ParsedUrl]) -> dict[str, Subscription]:
    """Return the subscriptions to these lists, under whatever spelling of their URLs."""
    urls = {url for address in addresses for url in _spell(address)}
    return {one.canonical_url: one for one in Subscription.objects.filter(canonical_url__in=urls)}


def _spell(address: ParsedUrl) -> list[str]:
    return [address.canonical_url, *list_spellings(address.canonical_url)]


def _build_subscription(address: ParsedUrl, values: Mapping[str, Any], added_by: Any) -> Subscription:
    now = read_clock()
    return Subscription(
        url=address.line,
        canonical_url=address.canonical_url,
        host=site_of(address.host)[:255],
        added_by=added_by,
        created_at=now,
        next_check_at=now,
        scheduled_at=now,
        **values,
    )


def _insert_all(subscriptions: list[Subscription]) -> None:
    """Insert subscriptions with their events and entries of the audit log; raise IntegrityError."""
    if not subscriptions:
        return
    Subscription.objects.bulk_create(subscriptions)
    first, *others = subscriptions
    VideoEvent.objects.bulk_create([one.build_event("Subscribed") for one in others])
    first.record_event("Subscribed")  # which also tells open pages, of all at once
    entries = [_build_entry(AuditAction.SUBSCRIBED, one) for one in subscriptions]
    AuditEntry.objects.bulk_create(entries)


def edit(subscription: Subscription, values: Mapping[str, Any], user: Any = None) -> int:
    """Change a subscription, also while it is checked; return how many items the new filters let in.

    Raise ValidationError. What the filters had kept out is judged anew; a new schedule counts from now on. With
    another choice of the start, the older videos are walked through again.
    """
    check_settings({name: getattr(subscription, name) for name in EDITABLE_FIELDS} | dict(values))
    changes = {name: value for name, value in values.items() if getattr(subscription, name) != value}
    if not changes:
        return 0
    updates: dict[str, Any] = dict(changes)
    for name, value in changes.items():
        setattr(subscription, name, value)
    if changes.keys() & set(SCHEDULE_FIELDS) and subscription.next_check_at is not None:
        now = read_clock()
        updates |= {"next_check_at": Schedule.of(subscription).next_after(now), "scheduled_at": now}
    with transaction.atomic():
        current = Subscription.objects.select_for_update().filter(pk=subscription.pk).first()
        if current is None:
            return 0
        updates |= _change_positions(current, changes)
        Subscription.objects.filter(pk=subscription.pk).update(**updates)
        subscription.refresh_from_db()
        subscription.record_event(f"Changed{f' by {user}' if user else ''}: {_name_fields(changes)}")
    return items.reapply_filters(subscription) if "positions" in updates else 0


def _change_positions(current: Subscription, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the positions after a change of the filters or the start; nothing after any other."""
    if changes.keys() & set(START_FIELDS):
        return {"positions": items.mark_to_be_rejudged({})}
    if changes.keys() & set(FILTER_FIELDS):
        return {"positions": items.mark_to_be_rejudged(current.positions or {})}
    return {}


def _name_fields(changes: Mapping[str, Any]) -> str:
    return ", ".join(label(name) for name in changes)


def unsubscribe(subscription: Subscription, reason: str = "Unsubscribed") -> bool:
    """Follow a list no more: its ledger goes, its videos stay. False if it is gone already.

    To delete the videos as well, start the bulk action of `own_videos` before.
    """
    with transaction.atomic():
        # Locked first, so that no check adds an item while the ledger goes.
        row = Subscription.objects.select_for_update().filter(pk=subscription.pk).first()
        if row is not None:
            row.delete()
            subscription.record_event(reason)
            _build_entry(AuditAction.UNSUBSCRIBED, subscription).save(force_insert=True)
    return row is not None


def own_videos(subscription: Subscription) -> Any:
    """Return the videos that this subscription alone has brought, without those that are protected or picked."""
    kept = SubscriptionItem.objects.filter(state__in=KEPT_STATES)
    own = subscription.items.filter(state=SubscriptionItemState.QUEUED, is_picked=False, video__isnull=False)
    others = kept.filter(video=OuterRef("pk")).exclude(subscription=subscription)
    return Video.objects.filter(UNPROTECTED_CONDITION, pk__in=own.values("video")).exclude(Exists(others))


def _build_entry(action: AuditAction, subscription: Subscription) -> AuditEntry:
    entry = build_entry(action)
    entry.title, entry.url = str(subscription)[:500], subscription.url
    return entry
