"""Verbs of people on subscriptions, shared by pages, commands and the admin; `pause`, `resume` and `check_now` are
methods of the model.
"""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q

from downloads.database.clock import read_clock
from downloads.models import AuditAction, Subscription, SubscriptionItem, SubscriptionItemState, Video
from downloads.models.audit.entry import build_entry
from downloads.models.subscriptions.choices import KEPT_STATES
from downloads.network.sites import site_of
from downloads.subscriptions import items
from downloads.subscriptions.list_urls import parse_list_url
from downloads.subscriptions.schedule import Schedule
from downloads.subscriptions.validation import (
    EDITABLE_FIELDS,
    FILTER_FIELDS,
    SCHEDULE_FIELDS,
    START_FIELDS,
    check_settings,
    label,
)

__all__ = ["EDITABLE_FIELDS", "check_settings", "edit", "own_videos", "subscribe", "unsubscribe"]


def subscribe(url: str, *, added_by: Any = None, **values: Any) -> tuple[Subscription, bool]:
    """Follow a list, and check it at once; return (subscription, True), or (the one with this URL, False).

    Raise InvalidUrl for the URL and ValidationError for the values (EDITABLE_FIELDS).
    """
    address, tab = parse_list_url(url)
    if tab and "tabs" not in values:
        values = {**values, "tabs": tab}
    check_settings(values)
    now = read_clock()
    subscription = Subscription(
        url=address.line,
        canonical_url=address.canonical_url,
        host=site_of(address.host)[:255],
        added_by=added_by,
        created_at=now,
        next_check_at=now,
        scheduled_at=now,
        **values,
    )
    try:
        with transaction.atomic():
            subscription.save(force_insert=True)
            subscription.record_event("Subscribed")
            _record_entry(AuditAction.SUBSCRIBED, subscription)
    except IntegrityError:
        return Subscription.objects.get(canonical_url=address.canonical_url), False
    return subscription, True


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
    if changes.keys() & set(START_FIELDS):
        updates["positions"] = {}
    with transaction.atomic():
        if not Subscription.objects.filter(pk=subscription.pk).update(**updates):
            return 0
        subscription.refresh_from_db()
        subscription.record_event(f"Changed{f' by {user}' if user else ''}: {_name_fields(changes)}")
    is_judged_anew = changes.keys() & {*FILTER_FIELDS, *START_FIELDS}
    return items.reapply_filters(subscription) if is_judged_anew else 0


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
            _record_entry(AuditAction.UNSUBSCRIBED, subscription)
    return row is not None


def own_videos(subscription: Subscription) -> Any:
    """Return the videos that this subscription alone has brought, without those that are protected or picked."""
    kept = SubscriptionItem.objects.filter(state__in=KEPT_STATES)
    own = subscription.items.filter(state=SubscriptionItemState.QUEUED, is_picked=False, video__isnull=False)
    others = kept.filter(video=OuterRef("pk")).exclude(subscription=subscription)
    is_unprotected = Q(protected=None) | Q(protected=False)
    return Video.objects.filter(is_unprotected, pk__in=own.values("video")).exclude(Exists(others))


def _record_entry(action: AuditAction, subscription: Subscription) -> None:
    entry = build_entry(action)
    entry.title, entry.url = str(subscription)[:500], subscription.url
    entry.save(force_insert=True)
