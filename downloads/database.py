"""Database locks, retries and timeouts."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

logger = logging.getLogger(__name__)
T = TypeVar("T")
DATABASE_RETRY_INTERVAL_SECONDS = 0.5  # seconds between two tries of a write


SHORT_DATABASE_TIMEOUT_SECONDS = 2  # seconds: a supervisor that waits for the database sees nothing else


def advisory_lock(name: str) -> None:
    """Let no other transaction by this name in until ours ends; on SQLite there is but one that writes."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"ytarchive {name}"])


def retry_while_database_is_down(write: Callable[[], T]) -> T:
    """Write to the database, however long it is away; the supervisor ends this process when the lease runs out."""
    while True:
        try:
            return write()
        except (OperationalError, InterfaceError) as error:
            logger.warning("The database does not take a write, trying again: %s", error)
            connection.close()
            time.sleep(DATABASE_RETRY_INTERVAL_SECONDS)


def use_short_timeouts() -> None:
    """Have this process' database give up soon instead of keeping the loop waiting."""
    options = connection.settings_dict["OPTIONS"]
    options["timeout" if connection.vendor == "sqlite" else "connect_timeout"] = SHORT_DATABASE_TIMEOUT_SECONDS
    connection.close()
