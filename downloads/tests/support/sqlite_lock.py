"""A lock on the tests' SQLite database, held by another connection as a backup or a stuck program would."""

import contextlib
import sqlite3
from collections.abc import Iterator

from django.db import connection


@contextlib.contextmanager
def locked_database() -> Iterator[None]:
    """Keep SQLite's write lock; others can read."""
    with contextlib.closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")
