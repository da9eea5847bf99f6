"""Date hierarchy of the admin, answered from an index."""

import datetime as dt
import itertools
from collections.abc import Iterator
from typing import Any, TypeVar

from django.db import models
from django.db.models import Exists, Max, Min
from django.utils import timezone

M = TypeVar("M", bound=models.Model)
EARLIEST, LATEST = dt.datetime(1970, 1, 2, tzinfo=dt.UTC), dt.datetime(2200, 1, 1, tzinfo=dt.UTC)
MAX_PERIODS = 60  # years, months or days that are looked up one by one
PERIOD_LENGTHS = {"year": dt.timedelta(days=366), "month": dt.timedelta(days=31), "day": dt.timedelta(days=1)}


class DateHierarchyQuerySet(models.QuerySet[M]):
    """Queryset whose date hierarchy leaves out moments that no video can have, such as those of the year 1."""

    def aggregate(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Aggregate; for the bounds of the date hierarchy (`first` and `last`), over plausible moments only."""
        if kwargs.keys() == {"first", "last"} and isinstance(kwargs["first"], Min):
            name = kwargs["first"].source_expressions[0].name  # type: ignore[attr-defined]  # an F()
            plausible = self.filter(**{f"{name}__gte": EARLIEST, f"{name}__lt": LATEST})
            return super(DateHierarchyQuerySet, plausible).aggregate(**kwargs)
        return super().aggregate(*args, **kwargs)

    def datetimes(self, field_name: str, kind: Any, order: Any = "ASC", tzinfo: Any = None) -> Any:
        """Return the years, months or days in which there are rows, for the date hierarchy of the admin.

        They begin at midnight in the time zone, by default that of TZ. Each period is looked up in an index, because
        Django's own query has SQLite call Python for every row. More than MAX_PERIODS or another order are left to
        Django.
        """
        rows = self.filter(**{f"{field_name}__gte": EARLIEST, f"{field_name}__lt": LATEST})
        bounds = rows.aggregate(first=Min(field_name), last=Max(field_name)).values()
        first, last = (bound and timezone.localtime(bound, tzinfo) for bound in bounds)
        spans = (
            list(itertools.islice(_iterate_periods(first, last, kind), MAX_PERIODS + 1))
            if first and last and kind in PERIOD_LENGTHS
            else []
        )
        if order != "ASC" or not 0 < len(spans) <= MAX_PERIODS:
            moments = super(DateHierarchyQuerySet, rows).datetimes(field_name, kind, order, tzinfo)
            return [moment for moment in moments if moment]  # None for a text that is no moment
        between = [{f"{field_name}__gte": start, f"{field_name}__lt": end} for start, end in spans]
        lookups = {f"span{n}": Exists(self.order_by().filter(**lookup)) for n, lookup in enumerate(between)}
        exists = self.model._default_manager.order_by("pk").annotate(**lookups).values_list(*lookups)[:1].get()
        return [start for (start, _), has_rows in zip(spans, exists, strict=True) if has_rows]


def _iterate_periods(first: dt.datetime, last: dt.datetime, kind: str) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    """Yield the start and the end of each year, month or day from `first` to `last`, midnights in their time zone."""
    start = first.replace(hour=0, minute=0, second=0, microsecond=0)
    start = start if kind == "day" else start.replace(day=1, month=1 if kind == "year" else start.month)
    while start <= last:
        end = start + PERIOD_LENGTHS[kind]
        end = end if kind == "day" else end.replace(day=1)
        yield start, end
        start = end
