"""Log lines at a limited rate: two about an outage, and few of those that strangers can cause."""

import logging
import time
from collections.abc import Hashable
from typing import Any

REPEAT_INTERVAL_SECONDS = 600.0  # of the same line
WINDOW_SECONDS = 60.0
MAX_LINES_PER_WINDOW = 20
MAX_REMEMBERED_KEYS = 1000


class OutageLog:
    """Log the first failure of an outage as a warning, and the first success after it as info.

    `failure_message` is a format with one argument, the error. The lines carry the name of `logger`.
    """

    def __init__(self, logger: logging.Logger, failure_message: str, recovery_message: str) -> None:
        self._logger = logger
        self._failure_message = failure_message
        self._recovery_message = recovery_message
        self.is_down = False

    def failed(self, error: object) -> None:
        """Record a failure; log it unless this outage is logged already."""
        if not self.is_down:
            self._logger.warning(self._failure_message, error)
        self.is_down = True

    def recovered(self) -> None:
        """Record a success; log it if there was an outage."""
        if self.is_down:
            self._logger.info(self._recovery_message)
        self.is_down = False


class LogLimiter:
    """Logger of warnings: the same one once in 10 minutes, and all together 20 times a minute.

    What is left out is counted, and summed up in one line at most once a minute.
    """

    def __init__(self, logger_name: str) -> None:
        self._logger = logging.getLogger(logger_name)
        self.reset()

    def reset(self) -> None:
        """Forget what was logged."""
        self._logged_at: dict[Hashable, float] = {}
        self._window_start = float("-inf")
        self._lines_in_window = self._omitted = 0

    def warning(self, key: Hashable, message: str, *args: Any) -> None:
        """Log a warning, unless this key was logged lately or the limit is reached."""
        now = time.monotonic()
        if now - self._logged_at.get(key, float("-inf")) < REPEAT_INTERVAL_SECONDS:
            self._omitted += 1
            return
        if now - self._window_start >= WINDOW_SECONDS:
            self._begin_window(now)
        self._lines_in_window += 1
        if self._lines_in_window > MAX_LINES_PER_WINDOW:
            self._omitted += 1
            return
        if len(self._logged_at) >= MAX_REMEMBERED_KEYS:
            self._logged_at.clear()
        self._logged_at[key] = now
        self._logger.warning(message, *args)

    def _begin_window(self, now: float) -> None:
        self._window_start, self._lines_in_window = now, 0
        if self._omitted:
            self._logger.warning("%d warnings like the next one were left out", self._omitted)
        self._omitted = 0
