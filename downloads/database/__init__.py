"""Database locks, retries and timeouts."""

import contextlib
import fcntl
import logging
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from django.conf import settings
from django.db import Error, InterfaceError, OperationalError, connection

from downloads.database.outages import describe_outage
from downloads.outage_log import OutageLog

logger = logging.getLogger(__name__)
outage_log = OutageLog(logger, "The database is unreachable, retrying the write: %s", "The database takes writes again")
T = TypeVar("T")
DATABASE_RETRY_INTERVAL_SECONDS = 0.5
# A supervisor that waits for the database watches no downloads meanwhile.
SHORT_DATABASE_TIMEOUT_SECONDS = 2
SQLITE_BUSY_POLL_SECONDS = 0.1  # the longest pause of SQLite's busy handler, which polls for the lock


def advisory_lock(name: str) -> None:
    """Lock `name` until the transaction ends; a no-op on SQLite, where transactions that write exclude each other."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"ytarchive {name}"])


@contextlib.contextmanager
def session_lock(name: str) -> Iterator[bool]:
    """Lock `name` for a block with several transactions; yield False if somebody else has it.

    On PostgreSQL for all machines; with SQLite, which has one, by a file in its cache folder.
    """
    if connection.vendor == "postgresql":
        with _postgresql_session_lock(name) as is_locked:
            yield is_locked
        return
    path = settings.CACHE_ROOT / f"{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True  # closing the file releases the lock


@contextlib.contextmanager
def _postgresql_session_lock(name: str) -> Iterator[bool]:
    key = f"ytarchive {name}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [key])
        is_locked = bool(cursor.fetchone()[0])
    try:
        yield is_locked
    finally:
        # A connection that was lost has lost the lock too.
        if is_locked and connection.connection is not None and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtext(%s))", [key])


def let_other_writers_in() -> None:
    """Wait until all that wait to write have tried again; call it between transactions of a long series.

    Writers of SQLite poll for its lock, so a series without pauses would keep it from them. PostgreSQL needs no pause.
    Within a transaction a pause would only hold the lock for longer.
    """
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        time.sleep(SQLITE_BUSY_POLL_SECONDS)


def retry_while_database_is_down(write: Callable[[], T]) -> T:
    """Call `write` until it succeeds. Blocks; the supervisor ends this process when its lease expires."""
    while True:
        try:
            result = write()
        except Error as error:
            if not isinstance(error, (OperationalError, InterfaceError)) and not describe_outage(error):
                raise  # a bug would fail again
            outage_log.failed(error)
            connection.close()
            time.sleep(DATABASE_RETRY_INTERVAL_SECONDS)
        else:
            outage_log.recovered()
            return result


def use_short_timeouts() -> None:
    """Limit how long a database call of this process may wait, so that an event loop is not blocked."""
    options = connection.settings_dict["OPTIONS"]
    options["timeout" if connection.vendor == "sqlite" else "connect_timeout"] = SHORT_DATABASE_TIMEOUT_SECONDS
    connection.close()
