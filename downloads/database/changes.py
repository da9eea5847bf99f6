"""Detection of writes: whether anything may be new in the database, at the cost of one look at a counter."""

from typing import Any

from django.db import connection


class ChangeDetector:
    """Tells whether anybody has written since the last call; for the connection of one thread.

    SQLite counts the commits of others (PRAGMA data_version, sqlite.org) and the rows that this connection has changed.
    Other databases have no such counter, so that everything may be new.
    """

    def __init__(self) -> None:
        self._last_seen: tuple[Any, ...] = ()

    def has_changed(self) -> bool:
        """Return True if something may be new. Call it before reading: what is written after it is seen by the next."""
        if connection.vendor != "sqlite":
            return True
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA data_version")
            # The counters begin anew with each connection.
            seen = (connection.connection, cursor.fetchone()[0], connection.connection.total_changes)
        last_seen, self._last_seen = self._last_seen, seen
        return seen != last_seen
