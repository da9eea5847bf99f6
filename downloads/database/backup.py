"""Backup of an SQLite database before an upgrade: one file beside it, replacing the previous one."""

import contextlib
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path

from django.db import connection

from downloads.database.schema import OWN_APP

BACKUP_PREFIX, BACKUP_SUFFIX, PART_SUFFIX = "before-", ".sqlite3", ".part"
SPARE_BYTES = 10 * 1024 * 1024  # for the upgrade itself
READ_MIGRATIONS_SQL = "SELECT app, name FROM django_migrations"


class BackupError(Exception):
    """No backup could be made; the message is a sentence with what to do."""


def back_up_before_upgrade(pending: list[tuple[str, str]], applied: set[tuple[str, str]]) -> Path:
    """Back up the database as it is before the migrations `pending`, and return the path; raise BackupError.

    After an upgrade that failed half-way, the backup from before it is kept instead.
    """
    database = Path(connection.settings_dict["NAME"])
    backups = find_backups(database)
    for path in backups:
        if _is_of_unfinished_upgrade(path, applied):
            return path
    target = database.with_name(f"{database.stem}.{BACKUP_PREFIX}{_target_name(pending)}{BACKUP_SUFFIX}")
    try:
        _write_backup(database, target)
    except (OSError, sqlite3.Error) as error:
        raise BackupError(
            f"No copy of the database can be made before its upgrade, so nothing was changed ({error}). "
            f"Make room in {database.parent}, or check that it can be written to."
        ) from error
    for path in backups:
        if path != target:
            path.unlink(missing_ok=True)
    return target


def find_backups(database: Path) -> list[Path]:
    """Return the backups beside a database."""
    return sorted(database.parent.glob(f"{database.stem}.{BACKUP_PREFIX}*{BACKUP_SUFFIX}"))


def _target_name(pending: list[tuple[str, str]]) -> str:
    own_names = [name for app, name in pending if app == OWN_APP]
    return own_names[-1] if own_names else "-".join(pending[-1])


def _is_of_unfinished_upgrade(path: Path, applied: set[tuple[str, str]]) -> bool:
    """Return whether the database is between the state of this backup and the one that its upgrade led to."""
    target = path.name.partition(BACKUP_PREFIX)[2].removesuffix(BACKUP_SUFFIX)
    if any(target in (name, f"{app}-{name}") for app, name in applied):
        return False
    return _read_migrations(path) < applied


def _read_migrations(path: Path) -> set[tuple[str, str]]:
    """Return the migrations of a backup; a set that no database has if it cannot be read."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as backup:
            return set(backup.execute(READ_MIGRATIONS_SQL))
    except sqlite3.Error:
        return {("", str(path))}


def _write_backup(database: Path, target: Path) -> None:
    """Write the backup under another name, readable by its owner only, and rename it when it is complete."""
    for leftover in database.parent.glob(f".{database.stem}.{BACKUP_PREFIX}*{PART_SUFFIX}"):
        leftover.unlink(missing_ok=True)  # of a start that was killed
    needed = database.stat().st_size + SPARE_BYTES
    free = shutil.disk_usage(database.parent).free
    if free < needed:
        raise OSError(f"it needs {needed // 10**6 + 1} MB, and {free // 10**6} MB are free")
    prefix = f".{database.stem}.{BACKUP_PREFIX}"
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
