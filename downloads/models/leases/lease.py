"""Lease of a row by a worker: its duration, the columns of a row that nobody holds, and the row while one holds it."""

import datetime as dt
from typing import Any, TypeVar

from django.conf import settings
from django.db.models import Model, Q, QuerySet

from downloads.database.clock import CLOCK_TOLERANCE, Moment, read_clock

LEASE_DURATION = dt.timedelta(seconds=settings.LEASE_SECONDS)
CLEARED_LEASE: dict[str, Any] = {"worker": "", "lease_token": "", "lease_until": None}
# A longer one was set before the clock was set back.
MAX_REMAINING = LEASE_DURATION + CLOCK_TOLERANCE

LeasedModel = TypeVar("LeasedModel", bound=Model)


def leased_row(row: LeasedModel, token: str, **where: Any) -> QuerySet[LeasedModel]:
    """Return a query for `row` while it is leased with this token, and has the values of `where`; else for nothing."""
    return type(row)._default_manager.filter(pk=row.pk, lease_token=token, **where).exclude(lease_token="")


def lease_in_force(now: Moment) -> Q:
    """Return the condition for rows with a lease in force at `now`; one that ends too late for its duration is not."""
    return Q(lease_until__gt=now, lease_until__lte=now + MAX_REMAINING) & ~Q(lease_token="")


def lease_expired(now: Moment, *, before: Moment) -> Q:
    """Return the condition for rows whose lease ends before a moment, is cleared, or ends too late for its duration."""
    return Q(lease_until=None) | Q(lease_until__lt=before) | Q(lease_until__gt=now + MAX_REMAINING)


def has_lease_in_force(token: str, lease_until: dt.datetime | None) -> bool:
    """Tell whether a row's lease is in force now, by the database's clock; read only if the row has a lease."""
    if not token or lease_until is None:
        return False
    now = read_clock()
    return now < lease_until <= now + MAX_REMAINING
