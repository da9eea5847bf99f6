"""Time that passes for the rows, on any database: it has a clock of its own, which no test can set."""

import datetime as dt

from django.db.models import F

from downloads.models import Queue, Video


def let_time_pass(seconds: float) -> None:
    """Move all leases, waits and holds back, as if so many seconds had passed; forward if negative."""
    passed = dt.timedelta(seconds=seconds)
    Video.objects.update(lease_until=F("lease_until") - passed, not_before=F("not_before") - passed)
    Queue.objects.update(held_until=F("held_until") - passed)


def set_clock_back(**distance: float) -> None:
    """Leave all moments in the rows so far ahead as they are when the database's clock is set back."""
    let_time_pass(-dt.timedelta(**distance).total_seconds())
