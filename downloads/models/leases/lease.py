"""Lease of a row by a worker: its duration, and the columns of a row that nobody holds."""

import datetime as dt
from typing import Any

from django.conf import settings

LEASE_DURATION = dt.timedelta(seconds=settings.LEASE_SECONDS)
# Margin of every check whether a stored moment is later than possible, as after the clock was set back.
CLOCK_TOLERANCE = dt.timedelta(seconds=1)
CLEARED_LEASE: dict[str, Any] = {"worker": "", "lease_token": "", "lease_until": None}
