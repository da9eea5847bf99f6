"""Rate of the log lines that strangers can cause, each kind by itself; the rest is counted and summed up."""

import logging
import threading
import time

# Loggers about requests and sockets. What the worker and the bridge log follows from what the archive does.
LIMITED_LOGGERS = (
    "asyncio",
    "axes",
    "channels",
    "concurrent",
    "daphne",
    "django",
    "downloads.accounts",
    "downloads.consumers",
    "downloads.views",
    "twisted",
    "ytarchive.asgi",
    "ytarchive.server",
)
WINDOW_SECONDS = 10.0
MAX_LINES_PER_WINDOW = 20


class RateLimitFilter(logging.Filter):
    """Filter that passes MAX_LINES_PER_WINDOW lines of a kind: of one logger, level and message format."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Forget what was logged."""
        self._window_start = float("-inf")
        self._counts: dict[tuple[str, int, str], int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a record is written; those that were not are summed up before the first one after the window."""
        if not record.name.startswith(LIMITED_LOGGERS) or getattr(record, "is_summary", False):
            return True
        key = (record.name, record.levelno, record.msg if isinstance(record.msg, str) and record.args else "")
        with self._lock:
            now, omitted = time.monotonic(), {}
            if now - self._window_start >= WINDOW_SECONDS:
                omitted = {kind: count for kind, count in self._counts.items() if count > MAX_LINES_PER_WINDOW}
                self._window_start, self._counts = now, {}
            count = self._counts[key] = self._counts.get(key, 0) + 1
        for kind, omitted_count in omitted.items():
            self._write_summary(kind, omitted_count - MAX_LINES_PER_WINDOW)
        return count <= MAX_LINES_PER_WINDOW

    @staticmethod
    def _write_summary(kind: tuple[str, int, str], count: int) -> None:
        name, level, message = kind
        summary = "%d more lines of this kind were left out: %s"
        logging.getLogger(name).log(level, summary, count, message, extra={"is_summary": True})
