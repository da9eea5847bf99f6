"""A data folder after the first start of an archive, made once in a test run and copied for archives of tests."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

from django.conf import settings

ADMIN_PASSWORD = "quiet cinema"  # of "admin"


def prepare_data_folder(folder: Path) -> Path:
    """Make the folder, unless another process of pytest has made it."""
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            new_folder = folder.with_suffix(".new")
            _prepare(new_folder)
            new_folder.rename(folder)
    return folder


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
