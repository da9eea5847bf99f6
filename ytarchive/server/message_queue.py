"""Queue of the messages for one WebSocket's application: a tenth of asyncio's, of which each socket had two.

asyncio.Queue holds four deques, of 760 bytes each while they are empty.
"""

import asyncio
from collections.abc import Sequence
from typing import Any


class MessageQueue:
    """First in, first out; one task waits. Beyond `max_messages` the oldest is dropped (0: none is)."""

    __slots__ = ("_max_messages", "_messages", "_waiter")

    def __init__(self, max_messages: int = 0) -> None:
        self._max_messages = max_messages
        self._messages: list[Any] | None = None  # None while there are none
        self._waiter: asyncio.Future[None] | None = None

    @property
    def messages(self) -> Sequence[Any]:
        """Queued messages, the oldest first."""
        return self._messages or ()

    def put_nowait(self, message: Any) -> None:
        """Add a message."""
        if self._messages is None:
            self._messages = [message]
        else:
            self._messages.append(message)
            if self._max_messages and len(self._messages) > self._max_messages:
                del self._messages[0]
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def get(self) -> Any:
        """Wait for the next message, and remove it."""
        while self._messages is None:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        message = self._messages.pop(0)
        if not self._messages:
            self._messages = None
        return message
