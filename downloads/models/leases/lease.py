"""Lease of a row by a worker: its duration, and the columns of a row that nobody holds."""

import datetime as dt
from typing import Any

from django.conf import settings

LEASE_DURATION = dt.timedelta(seconds=settings.LEASE_SECONDS)
CLEARED_LEASE: dict[str, Any] = {"worker": "", "lease_token": "", "lease_until": None}
