"""The folder that an attempt works in: one per video, one attempt in it at a time.

The lock is on the folder itself and the kernel's, so it ends with the process that holds it.
"""

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from downloads.files import media_folder, partial_file

LOCK_TIMEOUT_SECONDS = 10.0  # seconds: a former attempt is killed well within
RESERVE_FILE = "ballast"
RESERVE_BYTES = 2**20  # bytes
MIN_GAINED_BYTES = 2**20  # bytes: an attempt that fetched so many more has not failed for nothing


class WorkspaceLocked(Exception):
    """Another process works in this video's folder."""


@contextlib.contextmanager
def locked_workspace(video_id: str) -> Iterator[Path]:
    """Have the video's work folder to oneself, with the parts that an earlier attempt left; raise Occupied."""
    folder = Path(settings.WORK_ROOT / video_id)
    with _folder_lock(folder, LOCK_TIMEOUT_SECONDS):
        partial_file.prepare_for_resume(folder)
        (folder / RESERVE_FILE).write_bytes(os.urandom(RESERVE_BYTES))  # which no file system makes smaller
        yield folder


def delete_reserve_file(video_id: str) -> None:
    """Give way on a full disk, so that the row and its event can be written: the database may be on it too."""
    Path(settings.WORK_ROOT / video_id / RESERVE_FILE).unlink(missing_ok=True)


def has_gained_bytes(video_id: str) -> bool:
    """Tell whether the attempt in a video's folder has come noticeably farther than any before it."""
    return partial_file.bytes_gained(Path(settings.WORK_ROOT / video_id)) >= MIN_GAINED_BYTES


def remove_workspace(video_id: str) -> bool:
    """Remove what ended attempts left, here and on its way into the library; False if somebody works there."""
    folder = Path(settings.WORK_ROOT / video_id)
    if folder.is_dir():
        try:
            with _folder_lock(folder, 0):
                shutil.rmtree(folder, ignore_errors=True)
        except WorkspaceLocked:
            return False
    media_folder.remove_incoming(video_id)
    return True


def disk_shortage() -> str:
    """Say in a sentence that a disk is nearly full; "" where there is room."""
    try:
        free = min(shutil.disk_usage(root).free for root in (settings.WORK_ROOT, settings.MEDIA_ROOT))
    except OSError as error:
        return f"The data folder cannot be used ({error.strerror}): nothing new starts."
    if free >= settings.MIN_FREE_BYTES:
        return ""
    least = settings.MIN_FREE_BYTES / 1e6
    return f"The disk is nearly full ({free / 1e6:.0f} MB left, {least:g} MB are kept free): nothing new starts."


def list_ids() -> list[str]:
    """Return the ids of the videos that have a work folder."""
    return sorted(path.name for path in Path(settings.WORK_ROOT).iterdir() if path.is_dir())


@contextlib.contextmanager
def _folder_lock(folder: Path, timeout_seconds: float) -> Iterator[None]:
    handle = _acquire_lock(folder, time.monotonic() + timeout_seconds)
    try:
        yield
    finally:
        os.close(handle)


def _acquire_lock(folder: Path, deadline: float) -> int:
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            if _try_lock(handle, folder):
                return handle
            os.close(handle)
        if time.monotonic() >= deadline:
            raise WorkspaceLocked(f"Another process works in {folder}.")
        time.sleep(0.1)


def _try_lock(handle: int, folder: Path) -> bool:
    """Lock an opened folder; False if another has it, or if it was removed meanwhile and made anew."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.fstat(handle).st_ino == folder.stat().st_ino
    except (BlockingIOError, FileNotFoundError):
        return False
