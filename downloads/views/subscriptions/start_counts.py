"""Counts of what each choice of the start means, as far as the ledger knows."""

import datetime as dt

from django.utils import timezone

from downloads.models import StartChoice, Subscription

MONTH = dt.timedelta(days=30)


def describe_start_choices(subscription: Subscription | None, seen: int = 0) -> list[tuple[str, str, str]]:
    """Return the choices as (value, label, how many that is); "" while no check has counted them."""
    counts = _count_choices(subscription, seen) if subscription and seen else {}
    return [(value, str(label), counts.get(value, "")) for value, label in StartChoice.choices]


def _count_choices(subscription: Subscription, seen: int) -> dict[str, str]:
    counts: dict[str, str] = {StartChoice.ALL: f"{seen:,} seen so far"}
    if subscription.start_date:
        since = subscription.items.filter(published__gte=_midnight(subscription.start_date)).count()
        counts[StartChoice.SINCE] = f"{since:,} seen"
    else:
        recent = subscription.items.filter(published__gte=timezone.now() - MONTH).count()
        counts[StartChoice.SINCE] = f"{recent:,} in the last 30 days"
    return counts


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), dt.UTC)
