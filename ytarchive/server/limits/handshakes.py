"""Turns of WebSocket handshakes: a few in each turn of the event loop, so that a storm of them delays no request.

When a server comes back, all pages connect at once. Begun together, their handshakes would all take so long that pages
give up and try again, for ever: what is begun has to be finished first.
"""

import asyncio
from collections import deque
from collections.abc import Callable

HANDSHAKES_PER_TURN = 4  # about 5 ms of CPU time


class HandshakeQueue:
    """Handshakes that wait for their turn, the oldest first."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], object]] = deque()

    def add(self, begin: Callable[[], object]) -> None:
        """Call `begin` soon, in its turn; called by the event loop."""
        self._waiting.append(begin)
        if len(self._waiting) == 1:
            self._schedule()

    def _schedule(self) -> None:
        asyncio.get_running_loop().call_soon(self._run_turn)

    def _run_turn(self) -> None:
        turn = [self._waiting.popleft() for _ in range(min(HANDSHAKES_PER_TURN, len(self._waiting)))]
        if self._waiting:
            self._schedule()
        for begin in turn:
            # In callbacks of their own: an exception in one does not stop the others.
            asyncio.get_running_loop().call_soon(begin)
