"""Monitor that closes the WebSockets of ended sessions: after a sign-out, a new password, a deactivated account.

Channels checks a session only when a socket connects. OWASP's WebSocket cheat sheet asks for checks later, too.
"""

import asyncio
import logging
from collections.abc import Iterator
from typing import Protocol

from asgiref.sync import sync_to_async
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.models import Session
from django.db import Error, connection
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from downloads.accounts import permissions
from downloads.accounts.session_store import checked_session_data
from downloads.loop_local import LoopLocal
from downloads.outage_log import OutageLog

logger = logging.getLogger(__name__)

SESSION_CHECK_INTERVAL_SECONDS = 20.0
SESSIONS_PER_QUERY = 500
CLOSE_SIGNED_OUT = 4401  # RFC 6455, section 7.4.2: 4000 to 4999 are for private use


class ClosableSocket(Protocol):
    """A WebSocket as the monitor needs it."""

    async def close(self, code: int) -> None:
        """Close with this code."""


class SessionMonitor:
    """The WebSockets of one event loop that belong to signed-in users, and their session keys."""

    def __init__(self) -> None:
        self._session_keys: dict[ClosableSocket, str] = {}
        self._check_task: asyncio.Task[None] | None = None
        self._outage_log = OutageLog(
            logger, "Cannot check for ended sessions, all sockets stay open: %s", "Sessions are checked again"
        )

    def add_socket(self, socket: ClosableSocket, session_key: str) -> None:
        """Monitor a socket until `remove_socket`."""
        self._session_keys[socket] = session_key
        if self._check_task is None or self._check_task.done():
            self._check_task = asyncio.create_task(self._check_periodically())

    def remove_socket(self, socket: ClosableSocket) -> None:
        """Stop monitoring a socket; one that is not monitored is ignored."""
        self._session_keys.pop(socket, None)
        if not self._session_keys and self._check_task:
            self._check_task.cancel()
            self._check_task = None

    async def _check_periodically(self) -> None:
        while True:
            await asyncio.sleep(SESSION_CHECK_INTERVAL_SECONDS)
            try:
                # A set, since several tabs share one session. Not thread-sensitive: connecting sockets use that thread.
                ended_keys = await sync_to_async(find_ended_sessions, thread_sensitive=False)(
                    set(self._session_keys.values())
                )
            except Error as database_error:
                self._outage_log.failed(database_error)
                continue
            except Exception:
                logger.exception("Cannot check for ended sessions; all sockets stay open")
                continue
            self._outage_log.recovered()
            closing = [
                socket.close(CLOSE_SIGNED_OUT) for socket, key in self._session_keys.items() if key in ended_keys
            ]
            for error in await asyncio.gather(*closing, return_exceptions=True):
                if error:
                    logger.warning("Cannot close a socket of an ended session: %r", error)


def find_ended_sessions(session_keys: set[str]) -> set[str]:
    """Return the keys of the sessions that no longer permit viewing; closes the thread's database connection."""
    try:
        keys = sorted(session_keys)
        chunks = [keys[start : start + SESSIONS_PER_QUERY] for start in range(0, len(keys), SESSIONS_PER_QUERY)]
        return session_keys - {key for chunk in chunks for key in _valid_session_keys(chunk)}
    finally:
        connection.close()


def _valid_session_keys(session_keys: list[str]) -> Iterator[str]:
    """Yield the keys of sessions whose user may view, by the rules of `django.contrib.auth.get_user`, read-only."""
    rows = Session.objects.filter(pk__in=session_keys, expire_date__gt=timezone.now())
    session_data = {row.session_key: checked_session_data(row.get_decoded()) for row in rows}
    user_ids = {key: data.get(SESSION_KEY) for key, data in session_data.items()}
    users = get_user_model()._default_manager.in_bulk({user_id for user_id in user_ids.values() if user_id})
    users_by_id = {str(pk): user for pk, user in users.items()}
    for key, data in session_data.items():
        user = users_by_id.get(str(user_ids[key]))
        hash_matches = user and constant_time_compare(data.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash())
        if user and hash_matches and permissions.is_signed_in(user) and permissions.can_view(user):
            yield key


# Returns the monitor of the running event loop.
get_session_monitor = LoopLocal(SessionMonitor)
