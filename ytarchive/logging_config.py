"""The LOGGING setting, and the format of log lines."""

import datetime as dt
import logging
import time
import zoneinfo
from typing import Any

from django.conf import settings

from downloads.network.url_secrets import hide_secrets

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
    "filters": {"rate": {"()": "ytarchive.log_rate.RateLimitFilter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["rate"]}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        # Listed to replace Django's own handlers, which would log every line a second time.
        "django": {"level": "INFO"},
        "django.request": {"level": "ERROR"},
        # Explained by ytarchive.server.request_checks and downloads.views.error_handlers.
        "django.security.csrf": {"level": "ERROR"},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
        "daphne": {"level": "WARNING"},
        "axes": {"level": "WARNING"},
        # Access logs are the proxy's task.
        "django.channels.server": {"level": "WARNING"},
    },
}


MAX_MESSAGE_LENGTH = 4000
# What these log is the fault of the request, and their traceback the way to where Django noticed it.
WITHOUT_TRACEBACK = "django.security."
TRACEBACK_INTERVAL_SECONDS = 600.0
MAX_REMEMBERED_TRACEBACKS = 1000


class ZonedFormatter(logging.Formatter):
    """Formatter whose times have the offset of the zone in TZ (ISO 8601): 2026-11-28 23:05:07.123+01:00.

    Strangers decide about parts of many messages: they can neither begin a line nor send a control sequence to a
    terminal. Tokens in URLs are hidden. The same traceback is written once in 10 minutes.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._traceback_times: dict[tuple[object, ...], float] = {}

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        """Return the time of a record."""
        # Not by time.localtime(), which knows the system's zones only, and takes UTC for one that it lacks.
        moment = dt.datetime.fromtimestamp(record.created, zoneinfo.ZoneInfo(settings.TIME_ZONE))
        return moment.isoformat(" ", "milliseconds")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record, followed by the indented lines of its traceback."""
        record.message = hide_secrets(escape_text(record.getMessage()))
        record.asctime = self.formatTime(record)
        line = self.formatMessage(record)
        if not record.exc_info or record.exc_info[0] is None or record.name.startswith(WITHOUT_TRACEBACK):
            return line
        if self._was_written(record):
            return f"{line} ({record.exc_info[0].__name__}, as before)"
        # Indented, since the text of an exception may have lines that look like those of the log.
        lines = self.formatException(record.exc_info).splitlines()
        return "\n".join([line, *(f"  {hide_secrets(escape_text(text))}" for text in lines)])

    def _was_written(self, record: logging.LogRecord) -> bool:
        """Tell whether the traceback of the same error was written lately; remember it as written."""
        kind, _, traceback = record.exc_info or (None, None, None)
        while traceback is not None and traceback.tb_next is not None:
            traceback = traceback.tb_next
        place = (traceback.tb_frame.f_code.co_filename, traceback.tb_lineno) if traceback else ()
        key, now = (record.name, kind, *place), time.monotonic()
        was_written = now - self._traceback_times.get(key, float("-inf")) < TRACEBACK_INTERVAL_SECONDS
        if not was_written:
            if len(self._traceback_times) >= MAX_REMEMBERED_TRACEBACKS:
                self._traceback_times.clear()
            self._traceback_times[key] = now
        return was_written


def escape_text(text: str) -> str:
    """Return text for one line: control and invisible characters as escapes, cut to MAX_MESSAGE_LENGTH."""
    if len(text) > MAX_MESSAGE_LENGTH:
        text = f"{text[:MAX_MESSAGE_LENGTH]}…"
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
