"""Things made once in a test run and copied: a data folder after the first start of an archive, and a database."""

import contextlib
import fcntl
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

ADMIN_PASSWORD = "quiet cinema"  # of "admin"


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let no other process of pytest make what will be at `path`."""
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def prepare_data_folder(folder: Path, database: Path) -> Path:
    """Make the folder, unless another process of pytest has made it; from a database without rows, if there is one."""
    with locked(folder):
        if not folder.exists():
            new_folder = folder.with_suffix(".new")
            if database.exists():
                new_folder.mkdir(mode=0o700)
                shutil.copyfile(database, new_folder / "db.sqlite3")
            _prepare(new_folder)
            new_folder.rename(folder)
    return folder


def save_database(connection: sqlite3.Connection, path: Path) -> None:
    """Copy an open database, whose latest changes are in its log, to a file."""
    new_path = path.with_suffix(".new")
    with contextlib.closing(sqlite3.connect(new_path)) as copy:
        connection.backup(copy)
    new_path.rename(path)


def copy_data_folder(prepared: Path, folder: Path) -> None:
    """Copy the folder; the static files are shared."""
    shutil.copytree(prepared, folder, ignore=shutil.ignore_patterns("static"))
    (folder / "static").symlink_to(prepared / "static")


def _prepare(folder: Path) -> None:
    subprocess.run(
        [sys.executable, str(settings.BASE_DIR / "manage.py"), "prepare"],
        env={**os.environ, "YTARCHIVE_DATA": str(folder), "DJANGO_SUPERUSER_PASSWORD": ADMIN_PASSWORD},
        check=True,
        capture_output=True,
    )
