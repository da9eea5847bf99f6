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
from downloads.loop_local import LoopLocal

logger = logging.getLogger(__name__)

SESSION_CHECK_INTERVAL_SECONDS = 20.0  # seconds
SESSIONS_PER_QUERY = 500  # sessions that are looked up together
CLOSE_SIGNED_OUT = 4401  # RFC 6455, section 7.4.2: 4000 to 4999 are an application's own


class ClosableSocket(Protocol):
    """What can be ended."""

    async def close(self, code: int) -> None:
        """Close with this code."""


class SessionMonitor:
    """All sockets of one event loop that are there because somebody has signed in."""

    def __init__(self) -> None:
        self._session_keys: dict[ClosableSocket, str] = {}
        self._check_task: asyncio.Task[None] | None = None

    def add_socket(self, socket: ClosableSocket, session_key: str) -> None:
        """Look after a socket from now on, until it leaves."""
        self._session_keys[socket] = session_key
        if self._check_task is None or self._check_task.done():
            self._check_task = asyncio.create_task(self._check_periodically())

    def remove_socket(self, socket: ClosableSocket) -> None:
        """Forget a socket."""
        self._session_keys.pop(socket, None)
        if not self._session_keys and self._check_task:
            self._check_task.cancel()
            self._check_task = None

    async def _check_periodically(self) -> None:
        while True:
            await asyncio.sleep(SESSION_CHECK_INTERVAL_SECONDS)
            try:
                # Many tabs have one session: each is looked up once. Not in the thread that new sockets wait for.
                over = await sync_to_async(find_ended_sessions, thread_sensitive=False)(
                    set(self._session_keys.values())
                )
            except Exception:
                logger.exception("whether sessions have ended is not known, sockets stay open")
                continue
            closing = [socket.close(CLOSE_SIGNED_OUT) for socket, key in self._session_keys.items() if key in over]
            for problem in await asyncio.gather(*closing, return_exceptions=True):
                if problem:
                    logger.warning("a socket of a session that ended could not be closed: %r", problem)


def find_ended_sessions(session_keys: set[str]) -> set[str]:
    """Return which of these sessions show nothing any more."""
    try:
        keys = sorted(session_keys)
        chunks = [keys[start : start + SESSIONS_PER_QUERY] for start in range(0, len(keys), SESSIONS_PER_QUERY)]
        return session_keys - {key for chunk in chunks for key in _valid_session_keys(chunk)}
    finally:
        connection.close()


def _valid_session_keys(session_keys: list[str]) -> Iterator[str]:
    """Yield those whose user may still look, as `django.contrib.auth.get_user` decides, but without changing a row."""
    rows = Session.objects.filter(pk__in=session_keys, expire_date__gt=timezone.now())
    said = {row.session_key: row.get_decoded() for row in rows}
    wanted = {key: found.get(SESSION_KEY) for key, found in said.items()}
    users = get_user_model()._default_manager.in_bulk({user for user in wanted.values() if user})
    by_key = {str(pk): user for pk, user in users.items()}
    for key, found in said.items():
        user = by_key.get(str(wanted[key]))
        same = user and constant_time_compare(found.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash())
        if user and same and user.is_active and permissions.can_view(user):
            yield key


# Of the running loop.
get_session_monitor = LoopLocal(SessionMonitor)
