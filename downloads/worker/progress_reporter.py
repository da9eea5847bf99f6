"""Rate-limited progress reports: the newest state, at most every REPORT_INTERVAL_SECONDS, and always the last.

The newest state is repeated while nothing changes, since any message may be lost: published while Redis or the bridge
restarted, it would leave a page with an old percent until the next one, which may be minutes away.
"""

import logging
import threading
from collections.abc import Callable
from typing import Self

from downloads.progress.message import Progress

logger = logging.getLogger(__name__)

REPORT_INTERVAL_SECONDS = 0.2
REPEAT_INTERVAL_SECONDS = 2.0


class Reporter:
    """Calls `send` with the newest state in a thread of its own, so that it never delays the download.

    `with Reporter(send) as reporter: reporter.report(state)`
    """

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
        """Replace the state that is sent next."""
        self._pending_state = state
        self._wakeup.set()

    def flush_and_close(self) -> None:
        """Send the last state, then stop: the message of the final status must come after it."""
        self._closing.set()
        self._wakeup.set()
        self._thread.join()

    def _send_loop(self) -> None:
        newest_state: Progress | None = None
        while True:
            has_repeat_due = not self._wakeup.wait(REPEAT_INTERVAL_SECONDS)
            self._wakeup.clear()
            is_last = self._closing.is_set()
            state, self._pending_state = self._pending_state, None
            newest_state = state or newest_state
            if newest_state is not None and (state is not None or has_repeat_due):
                self._send_safely(newest_state)
            if is_last:
                return
            self._closing.wait(REPORT_INTERVAL_SECONDS)

    def _send_safely(self, state: Progress) -> None:
        try:
            self._send(state)
        except Exception:
            # Progress may be lost, a download may not: a bug in `send` is logged only.
            logger.exception("Progress could not be sent.")
