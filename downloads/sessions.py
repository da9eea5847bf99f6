"""Ends the sockets of sessions that ended: a signed-out browser, a changed password, an account that was closed.

Channels looks at a session when a socket connects, and never again (OWASP's WebSocket cheat sheet asks for both).
"""

import asyncio
import logging
import weakref
from typing import Protocol

from asgiref.sync import sync_to_async
from django.db import DatabaseError, close_old_connections

from downloads import access

logger = logging.getLogger(__name__)

EVERY = 20.0  # seconds
SIGNED_OUT = 4401  # RFC 6455, section 7.4.2: 4000 to 4999 are an application's own


class Socket(Protocol):
    """What can be ended."""

    async def close(self, code: int) -> None:
        """Close with this code."""


class Watch:
    """All sockets of one event loop that are there because somebody has signed in."""

    def __init__(self) -> None:
        self._keys: dict[Socket, str] = {}
        self._looking: asyncio.Task[None] | None = None

    def add(self, socket: Socket, session_key: str) -> None:
        """Look after a socket from now on, until it leaves."""
        self._keys[socket] = session_key
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())

    def leave(self, socket: Socket) -> None:
        """Forget a socket."""
        self._keys.pop(socket, None)
        if not self._keys and self._looking:
            self._looking.cancel()
            self._looking = None

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            try:
                # Many tabs have one session: each is looked up once.
                over = await sync_to_async(ended)(set(self._keys.values()))
            except DatabaseError as error:
                logger.warning("whether sessions have ended is not known, sockets stay open: %s", error)
                continue
            closing = [socket.close(SIGNED_OUT) for socket, key in self._keys.items() if key in over]
            for problem in await asyncio.gather(*closing, return_exceptions=True):
                if problem:
                    logger.warning("a socket of a session that ended could not be closed: %r", problem)


def ended(session_keys: set[str]) -> set[str]:
    """Return which of these sessions show nothing any more."""
    try:
        return {key for key in session_keys if not access.still_may_look(key)}
    finally:
        close_old_connections()


_watches: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Watch]" = weakref.WeakKeyDictionary()


def current() -> Watch:
    """Return the running loop's Watch."""
    return _watches.setdefault(asyncio.get_running_loop(), Watch())
