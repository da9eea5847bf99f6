"""Ends the sockets of sessions that ended: a signed-out browser, a changed password, an account that was closed.

Channels looks at a session when a socket connects, and never again (OWASP's WebSocket cheat sheet asks for both).
"""

import asyncio
import logging
from collections.abc import Iterator
from typing import Protocol

from asgiref.sync import sync_to_async
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from downloads.accounts import permissions
from downloads.loop_local import OnePerLoop

logger = logging.getLogger(__name__)

EVERY = 20.0  # seconds
AT_ONCE = 500  # sessions that are looked up together
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
                # Many tabs have one session: each is looked up once. Not in the thread that new sockets wait for.
                over = await sync_to_async(ended, thread_sensitive=False)(set(self._keys.values()))
            except Exception:
                logger.exception("whether sessions have ended is not known, sockets stay open")
                continue
            closing = [socket.close(SIGNED_OUT) for socket, key in self._keys.items() if key in over]
            for problem in await asyncio.gather(*closing, return_exceptions=True):
                if problem:
                    logger.warning("a socket of a session that ended could not be closed: %r", problem)


def ended(session_keys: set[str]) -> set[str]:
    """Return which of these sessions show nothing any more."""
    try:
        keys = sorted(session_keys)
        chunks = [keys[start : start + AT_ONCE] for start in range(0, len(keys), AT_ONCE)]
        return session_keys - {key for chunk in chunks for key in _living(chunk)}
    finally:
        connection.close()


def _living(session_keys: list[str]) -> Iterator[str]:
    """Yield those whose user may still look, as `django.contrib.auth.get_user` decides, but without changing a row."""
    rows = Session.objects.filter(pk__in=session_keys, expire_date__gt=timezone.now())
    said = {row.session_key: row.get_decoded() for row in rows}
    wanted = {key: found.get(SESSION_KEY) for key, found in said.items()}
    users = get_user_model()._default_manager.in_bulk({user for user in wanted.values() if user})
    by_key = {str(pk): user for pk, user in users.items()}
    for key, found in said.items():
        user = by_key.get(str(wanted[key]))
        same = user and constant_time_compare(found.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash())
        if user and same and user.is_active and permissions.may_look(user):
            yield key


# Of the running loop.
current = OnePerLoop(Watch)
