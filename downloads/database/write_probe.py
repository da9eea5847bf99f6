"""Probe of a database: a write that is rolled back, which leaves nothing behind."""

from typing import Any

from django.db import connection, transaction

# Every database has this table, with rows. On SQLite the row is written, on PostgreSQL only locked, which a standby
# refuses too: each update would leave a dead row.
SQLITE_WRITE_SQL = "UPDATE django_migrations SET name = name WHERE id = (SELECT MIN(id) FROM django_migrations)"
POSTGRES_WRITE_SQL = "SELECT id FROM django_migrations ORDER BY id LIMIT 1 FOR UPDATE"


def try_to_write(max_wait_seconds: float) -> None:
    """Write, and take it back; raise an error of the database, after this time if it stays locked."""
    milliseconds = int(max_wait_seconds * 1000)
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            _write_to_sqlite(cursor, milliseconds)
        else:
            with transaction.atomic():
                cursor.execute(f"SET LOCAL lock_timeout = {max(1, milliseconds)}")
                _write_and_roll_back(cursor, POSTGRES_WRITE_SQL)


def _write_to_sqlite(cursor: Any, milliseconds: int) -> None:
    (usual_milliseconds,) = cursor.execute("PRAGMA busy_timeout").fetchone()
    cursor.execute(f"PRAGMA busy_timeout = {milliseconds}")
    try:
        with transaction.atomic():
            _write_and_roll_back(cursor, SQLITE_WRITE_SQL)
    finally:
        cursor.execute(f"PRAGMA busy_timeout = {usual_milliseconds}")


def _write_and_roll_back(cursor: Any, sql: str) -> None:
    cursor.execute(sql)
    transaction.set_rollback(True)
