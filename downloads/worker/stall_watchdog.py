"""Watchdog that reports a download that stands still: no bytes arrive, or no program works."""

import threading
from collections.abc import Callable
from typing import Self

CHECKS_PER_TIMEOUT = 10


class StallWatchdog:
    """Calls `on_stall` once, in its own thread, when the count has not changed for `timeout_seconds`.

    `with StallWatchdog(get_count, 60, on_stall) as watchdog: …`
    """

    def __init__(self, get_count: Callable[[], int], timeout_seconds: float, on_stall: Callable[[], None]) -> None:
        self._get_count = get_count
        self._timeout_seconds = timeout_seconds
        self._on_stall = on_stall
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch_loop, name="stall-watchdog", daemon=True)

    def __enter__(self) -> Self:
        self.start_watching()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_watching()

    def start_watching(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop_watching(self) -> None:
        """Stop: no more changes are expected."""
        self._stopped.set()

    def _watch_loop(self) -> None:
        last_count, unchanged_checks = self._get_count(), 0
        # Checks are counted, not seconds: time in which this process was stopped is no stall.
        while not self._stopped.wait(self._timeout_seconds / CHECKS_PER_TIMEOUT):
            count = self._get_count()
            unchanged_checks = unchanged_checks + 1 if count == last_count else 0
            last_count = count
            if unchanged_checks >= CHECKS_PER_TIMEOUT:
                self._on_stall()
                return
