"""Tells of a download's progress at a bearable rate: the newest state, at most every 200 ms, the last one always."""

import logging
import threading
from collections.abc import Callable
from typing import Self

from downloads.progress.message import Progress

logger = logging.getLogger(__name__)

INTERVAL = 0.2  # seconds


class Reporter:
    """`with Reporter(send) as reporter: reporter.say(state)`; `send` runs in a thread, so it never delays a byte."""

    def __init__(self, send: Callable[[Progress], None]) -> None:
        self._send = send
        self._news = threading.Event()
        self._closing = threading.Event()
        self._state: Progress | None = None
        self._thread = threading.Thread(target=self._run, name="reporter", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def say(self, state: Progress) -> None:
        """Replace the state that is told next."""
        self._state = state
        self._news.set()

    def close(self) -> None:
        """Tell the last state, then nothing more; what is said of the video's end comes after it."""
        self._closing.set()
        self._news.set()
        self._thread.join()

    def _run(self) -> None:
        while self._news.wait():
            self._news.clear()
            ends = self._closing.is_set()
            state, self._state = self._state, None
            if state is not None:
                self._tell(state)
            if ends:
                return
            self._closing.wait(INTERVAL)

    def _tell(self, state: Progress) -> None:
        try:
            self._send(state)
        except Exception:
            # Progress may be lost, a download may not; a bug here is a line in the log.
            logger.exception("Progress could not be told.")
