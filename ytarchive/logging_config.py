"""The LOGGING setting, and the format of log lines."""

import datetime as dt
import logging
import zoneinfo

from django.conf import settings

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "ytarchive.logging_config.ZonedFormatter",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        # Listed to replace Django's own handlers, which would log every line a second time.
        "django": {"level": "INFO"},
        "django.request": {"level": "ERROR"},
        # Explained by ytarchive.server.request_checks and downloads.views.refusals.
        "django.security.csrf": {"level": "ERROR"},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        "daphne": {"level": "WARNING"},
        "axes": {"level": "WARNING"},
        # Access logs are the proxy's task.
        "django.channels.server": {"level": "WARNING"},
    },
}


class ZonedFormatter(logging.Formatter):
    """Formatter whose times have the offset of the zone in TZ (ISO 8601): 2026-11-28 23:05:07.123+01:00."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        """Return the time of a record."""
        # Not by time.localtime(), which knows the system's zones only, and takes UTC for one that it lacks.
        moment = dt.datetime.fromtimestamp(record.created, zoneinfo.ZoneInfo(settings.TIME_ZONE))
        return moment.isoformat(" ", "milliseconds")
