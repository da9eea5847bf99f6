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
        self._window_start = float("-inf")
        self._counts: dict[tuple[str, int, str], int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a record is written; the first that is not has the others summed up after the window."""
        if not record.name.startswith(LIMITED_LOGGERS) or getattr(record, "is_summary", False):
            return True
        key = (record.name, record.levelno, record.msg if isinstance(record.msg, str) and record.args else "")
        with self._lock:
            now = time.monotonic()
            if now - self._window_start >= WINDOW_SECONDS:
                self._window_start, self._counts = now, {}
            count = self._counts[key] = self._counts.get(key, 0) + 1
        if count == MAX_LINES_PER_WINDOW + 1:
            timer = threading.Timer(WINDOW_SECONDS, self._write_summary, [key, self._counts])
            timer.daemon = True
            timer.start()
        return count <= MAX_LINES_PER_WINDOW

    @staticmethod
    def _write_summary(key: tuple[str, int, str], counts: dict[tuple[str, int, str], int]) -> None:
        name, level, _ = key
        omitted = counts[key] - MAX_LINES_PER_WINDOW
        logging.getLogger(name).log(
            level, "%d more lines of this kind were left out", omitted, extra={"is_summary": True}
        )
