"""Tells of a download's progress at a bearable rate: the newest state, at most every 200 ms, the last one always."""

import logging
import threading
from collections.abc import Callable
from typing import Self

from downloads.progress.message import Progress

logger = logging.getLogger(__name__)

REPORT_INTERVAL_SECONDS = 0.2  # seconds


class Reporter:
    """`with Reporter(send) as reporter: reporter.say(state)`; `send` runs in a thread, so it never delays a byte."""

    def __init__(self, send: Callable[[Progress], None]) -> None:
        self._send = send
        self._wakeup = threading.Event()
        self._closing = threading.Event()
        self._pending_state: Progress | None = None
        self._thread = threading.Thread(target=self._send_loop, name="reporter", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.flush_and_close()

    def report(self, state: Progress) -> None:
        """Replace the state that is told next."""
        self._pending_state = state
        self._wakeup.set()

    def flush_and_close(self) -> None:
        """Tell the last state, then nothing more; what is said of the video's end comes after it."""
        self._closing.set()
        self._wakeup.set()
        self._thread.join()

    def _send_loop(self) -> None:
        while self._wakeup.wait():
            self._wakeup.clear()
            ends = self._closing.is_set()
            state, self._pending_state = self._pending_state, None
            if state is not None:
                self._send_safely(state)
            if ends:
                return
            self._closing.wait(REPORT_INTERVAL_SECONDS)

    def _send_safely(self, state: Progress) -> None:
        try:
            self._send(state)
        except Exception:
            # Progress may be lost, a download may not; a bug here is a line in the log.
            logger.exception("Progress could not be told.")
