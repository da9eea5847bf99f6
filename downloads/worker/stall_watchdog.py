"""Notices that nothing arrives any more."""

import threading
from collections.abc import Callable
from typing import Self

LOOKS = 10  # in the time that silence may last


class Silence:
    """`with Silence(count, 60, on_silence) as silence`: calls `on_silence` once `count()` stood still for 60 s."""

    def __init__(self, count: Callable[[], int], seconds: float, on_silence: Callable[[], None]) -> None:
        self._count = count
        self._seconds = seconds
        self._on_silence = on_silence
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="silence", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Watch no longer: nothing more is expected to arrive."""
        self._ended.set()

    def _watch(self) -> None:
        seen, still = self._count(), 0
        # Looks are counted rather than seconds: a process that was stopped has not heard less.
        while not self._ended.wait(self._seconds / LOOKS):
            now = self._count()
            seen, still = now, still + 1 if now == seen else 0
            if still >= LOOKS:
                self._on_silence()
                return
