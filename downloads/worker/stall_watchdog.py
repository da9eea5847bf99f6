"""Notices that nothing arrives any more."""

import threading
from collections.abc import Callable
from typing import Self

CHECKS_PER_TIMEOUT = 10  # in the time that silence may last


class StallWatchdog:
    """`with Silence(count, 60, on_silence) as silence`: calls `on_silence` once `count()` stood still for 60 s."""

    def __init__(self, get_byte_count: Callable[[], int], timeout_seconds: float, on_stall: Callable[[], None]) -> None:
        self._get_byte_count = get_byte_count
        self._timeout_seconds = timeout_seconds
        self._on_stall = on_stall
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch_loop, name="silence", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_watching()

    def stop_watching(self) -> None:
        """Watch no longer: nothing more is expected to arrive."""
        self._stopped.set()

    def _watch_loop(self) -> None:
        seen, still = self._get_byte_count(), 0
        # Looks are counted rather than seconds: a process that was stopped has not heard less.
        while not self._stopped.wait(self._timeout_seconds / CHECKS_PER_TIMEOUT):
            now = self._get_byte_count()
            seen, still = now, still + 1 if now == seen else 0
            if still >= CHECKS_PER_TIMEOUT:
                self._on_stall()
                return
