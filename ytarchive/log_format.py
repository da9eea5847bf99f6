"""Format of log lines."""

import datetime as dt
import logging
import zoneinfo

from django.conf import settings


class ZonedFormatter(logging.Formatter):
    """Formatter whose times have the offset of the zone in TZ (ISO 8601): 2026-11-28 23:05:07.123+01:00."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        """Return the time of a record."""
        # Not by time.localtime(), which knows the system's zones only, and takes UTC for one that it lacks.
        moment = dt.datetime.fromtimestamp(record.created, zoneinfo.ZoneInfo(settings.TIME_ZONE))
        return moment.isoformat(" ", "milliseconds")
