"""Check of the database: that it can be written to, and that its schema is the one of this code."""

import shutil
from pathlib import Path

from django.db import Error, connection

from downloads.database import outages, schema, write_probe

LOCK_TIMEOUT_SECONDS = 1.0
MIN_FREE_BYTES = 1024 * 1024


class DatabaseProblem(Exception):
    """Nobody can use the database; the message is a sentence, and the cause the error, if there was one."""


def require_usable_database() -> None:
    """Raise DatabaseProblem unless the database takes writes and has the schema of this code. Closes the connection."""
    try:
        write_probe.try_to_write(LOCK_TIMEOUT_SECONDS)
        problem = schema.describe_mismatch(schema.read_applied()) or _find_full_disk()
    except Error as error:
        raise DatabaseProblem(outages.describe_outage(error) or "The database does not answer.") from error
    finally:
        connection.close()
    if problem:
        raise DatabaseProblem(problem)


def _find_full_disk() -> str:
    """Return a sentence if the disk of an SQLite database is full, which a write that is rolled back does not meet."""
    if connection.vendor != "sqlite":
        return ""
    folder = Path(connection.settings_dict["NAME"]).parent
    return outages.DISK_FULL if shutil.disk_usage(folder).free < MIN_FREE_BYTES else ""
