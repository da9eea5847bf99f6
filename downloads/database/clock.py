"""The database's clock: what several machines compare moments by, since their own clocks may differ.

SQLite has only that of its one machine.
"""

import datetime as dt

from django.db import connection
from django.db.models.expressions import Combinable
from django.db.models.functions import Now
from django.utils import timezone

# Margin when a stored moment is compared with the latest that is possible: a later one was stored before the clock was
# set back.
CLOCK_TOLERANCE = dt.timedelta(seconds=1)
# A moment, or an expression for one: a timedelta can be added to either.
Moment = Combinable | dt.datetime


def current_moment() -> Moment:
    """Return the present moment for a query: on PostgreSQL an expression, the start of its statement."""
    return Now() if connection.vendor == "postgresql" else timezone.now()


def read_clock() -> dt.datetime:
    """Return the present moment by the database's clock; on PostgreSQL by a query."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        moment: dt.datetime = cursor.fetchone()[0]
    return moment


def measure_offset() -> dt.timedelta:
    """Return how far this machine's clock is ahead of the database's; negative if it is behind."""
    sent_at = timezone.now()
    database_moment = read_clock()
    return sent_at + (timezone.now() - sent_at) / 2 - database_moment
