"""Lease of a row by a worker: its duration, the columns of a row that nobody holds, and the row while one holds it."""

import datetime as dt
from typing import Any, TypeVar

from django.conf import settings
from django.db.models import Model, QuerySet

LEASE_DURATION = dt.timedelta(seconds=settings.LEASE_SECONDS)
CLEARED_LEASE: dict[str, Any] = {"worker": "", "lease_token": "", "lease_until": None}

LeasedModel = TypeVar("LeasedModel", bound=Model)


def leased_row(row: LeasedModel, token: str, **where: Any) -> QuerySet[LeasedModel]:
    """Return a query for `row` while it is leased with this token, and has the values of `where`; else for nothing."""
    return type(row)._default_manager.filter(pk=row.pk, lease_token=token, **where).exclude(lease_token="")
