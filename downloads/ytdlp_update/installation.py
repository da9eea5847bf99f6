"""Installed versions of yt-dlp: one folder each in `yt-dlp` of the data folder, listed by `installed.json`.

A folder is written, flushed and tested before the list names it, and the list is replaced by one rename. A process
that uses a folder keeps a shared flock(2) on it, so that no update removes it meanwhile.
"""

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from downloads.files.fsync import replace_file
from downloads.ytdlp_update.version import parse_version

LIST_NAME = "installed.json"
FOLDER_PATTERN = re.compile(r"[0-9][0-9A-Za-z.-]{0,63}")


class ListUnreadable(Exception):
    """The list of installed versions cannot be read; the message is a sentence."""


@dataclasses.dataclass(frozen=True)
class Installation:
    """An installed version: its folder, and what it was tested with.

    `problem` is why it is no longer used, although it passed the tests when it was installed; "" if it is fine.
    """

    folder: str
    version: str
    ejs_version: str
    digest: str
    python: str
    tested_with: str
    problem: str = ""

    @property
    def path(self) -> Path:
        """The folder for `sys.path`, which has the two packages and nothing else."""
        return root() / self.folder

    def check(self) -> None:
        """Raise ValueError unless version and folder have the form that they are written with."""
        parse_version(self.version)
        if not FOLDER_PATTERN.fullmatch(self.folder):
            raise ValueError(f"{self.folder!r} is no folder of a version")

    def find_problem(self) -> str:
        """Return why it cannot be used, a clause; "" if it can."""
        if self.problem:
            return self.problem
        if self.python != python_version():
            return f"it was installed for Python {self.python}, and this is {python_version()}"
        if self.tested_with != code_digest():
            return "it has not been tested with this version of ytarchive"
        if not self.path.is_dir():
            return "its folder is missing"
        return "" if folder_digest(self.path) == self.digest else "its files are damaged"


def root() -> Path:
    """Return the folder of all installed versions."""
    return Path(settings.YTDLP_ROOT)


def python_version() -> str:
    """Return the version of Python that an installation is for: "3.11"."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


# The list ------------------------------------------------------------------------------------------


def read_list() -> list[Installation]:
    """Return the installed versions, the one to use first and then the one before it; raise ListUnreadable."""
    path = root() / LIST_NAME
    try:
        installations = [Installation(**fields) for fields in json.loads(path.read_bytes())]
        for installation in installations:
            installation.check()
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError) as error:
        raise ListUnreadable(f"The list of installed versions, {path}, cannot be read ({error}).") from error
    return installations


def write_list(installations: list[Installation]) -> None:
    """Replace the list: the switch to another version."""
    fields = [dataclasses.asdict(installation) for installation in installations]
    replace_file(root() / LIST_NAME, json.dumps(fields, indent=1).encode() + b"\n")


def record(tested: Installation) -> None:
    """Write what became known of an installation, unless an update has replaced it meanwhile."""
    installations = read_list()
    changed = [tested if installation.folder == tested.folder else installation for installation in installations]
    if changed != installations:
        write_list(changed)


# Folders -------------------------------------------------------------------------------------------


def folder_digest(folder: Path) -> str:
    """Return a hash of the names and contents of all files in a folder, without compiled code."""
    digest = hashlib.sha256()
    for path in _source_files(folder):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def code_digest() -> str:
    """Return a hash of our code that relies on yt-dlp: a test is valid for this code only."""
    return folder_digest(settings.BASE_DIR / "downloads" / "ytdlp")


def _source_files(folder: Path) -> list[Path]:
    paths = []
    for parent, folder_names, names in os.walk(folder):
        folder_names[:] = [name for name in folder_names if name != "__pycache__"]
        paths += [Path(parent, name) for name in names]
    return sorted(paths)


def hold_folder(folder: Path) -> int:
    """Keep a folder from being removed until this process ends or closes the returned descriptor; raise OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def remove_other_folders(kept_names: set[str]) -> None:
    """Remove all folders, those of interrupted updates too, except `kept_names` and those that a process uses."""
    for path in root().iterdir():
        if path.is_dir() and path.name not in kept_names:
            with contextlib.suppress(OSError), _unused_folder(path):
                shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def _unused_folder(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
