"""Copy of an SQLite database from before an upgrade: one file beside it, in place of an earlier one."""

import contextlib
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path

from django.db import connection

from downloads.database.schema import OWN_APP

COPY_PREFIX, COPY_SUFFIX, PART_SUFFIX = "before-", ".sqlite3", ".part"
SPARE_BYTES = 10 * 1024 * 1024  # for the upgrade itself
READ_MIGRATIONS_SQL = "SELECT app, name FROM django_migrations"


class CopyError(Exception):
    """No copy could be made; the message is a sentence with what to do."""


def copy_before(pending: list[tuple[str, str]], applied: set[tuple[str, str]]) -> Path:
    """Copy the database as it is before the migrations `pending` and return the copy's path; raise CopyError.

    After an upgrade that failed half-way, the copy from before it is kept instead.
    """
    database = Path(connection.settings_dict["NAME"])
    copies = find_copies(database)
    for path in copies:
        if _is_of_unfinished_upgrade(path, applied):
            return path
    target = database.with_name(f"{database.stem}.{COPY_PREFIX}{_target_name(pending)}{COPY_SUFFIX}")
    try:
        _write_copy(database, target)
    except (OSError, sqlite3.Error) as error:
        raise CopyError(
            f"No copy of the database can be made before its upgrade, so nothing was changed ({error}). "
            f"Make room in {database.parent}, or check that it can be written to."
        ) from error
    for path in copies:
        if path != target:
            path.unlink(missing_ok=True)
    return target


def find_copies(database: Path) -> list[Path]:
    """Return the copies beside a database."""
    return sorted(database.parent.glob(f"{database.stem}.{COPY_PREFIX}*{COPY_SUFFIX}"))


def _target_name(pending: list[tuple[str, str]]) -> str:
    own_names = [name for app, name in pending if app == OWN_APP]
    return own_names[-1] if own_names else "-".join(pending[-1])


def _is_of_unfinished_upgrade(path: Path, applied: set[tuple[str, str]]) -> bool:
    """Return whether the database is between the state of this copy and the one that its upgrade led to."""
    target = path.name.partition(COPY_PREFIX)[2].removesuffix(COPY_SUFFIX)
    if any(target in (name, f"{app}-{name}") for app, name in applied):
        return False
    return _read_migrations(path) < applied


def _read_migrations(path: Path) -> set[tuple[str, str]]:
    """Return the migrations of a copy; a set that no database has if it cannot be read."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as copy:
            return set(copy.execute(READ_MIGRATIONS_SQL))
    except sqlite3.Error:
        return {("", str(path))}


def _write_copy(database: Path, target: Path) -> None:
    """Write the copy under another name, readable by its owner only, and rename it when it is complete."""
    for leftover in database.parent.glob(f".{database.stem}.{COPY_PREFIX}*{PART_SUFFIX}"):
        leftover.unlink(missing_ok=True)  # of a start that was killed
    needed = database.stat().st_size + SPARE_BYTES
    free = shutil.disk_usage(database.parent).free
    if free < needed:
        raise OSError(f"it needs {needed // 10**6 + 1} MB, and {free // 10**6} MB are free")
    prefix = f".{database.stem}.{COPY_PREFIX}"
    fd, name = tempfile.mkstemp(dir=database.parent, prefix=prefix, suffix=PART_SUFFIX)  # mode 0600
    os.close(fd)
    part = Path(name)
    try:
        with contextlib.closing(sqlite3.connect(database, timeout=20)) as source:
            source.execute("VACUUM INTO ?", [name])
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
