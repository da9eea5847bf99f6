"""The workspace of a download: one folder per video, locked by one attempt at a time.

The lock is flock(2) on the folder itself, so the kernel releases it when the process that holds it ends.
"""

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from downloads.files import media_folder
from downloads.files.partial_file import PARTIAL_SUFFIX, RESUME_INFO_SUFFIX
from downloads.files.volumes.moving import remove_path

LOCK_TIMEOUT_SECONDS = 10.0  # the supervisor kills a former attempt well within it
RESERVE_FILE = "ballast"
HIGH_WATER_MARK_FILE = "farthest"  # the most bytes that any attempt ended with
RESERVE_BYTES = 2**20
MIN_GAINED_BYTES = 2**20  # an attempt that got so much farther has made progress, even if it failed


class WorkspaceLocked(Exception):
    """Another process holds the lock of this video's workspace."""


@contextlib.contextmanager
def locked_workspace(video_id: str) -> Iterator[Path]:
    """Lock a video's workspace and yield its folder, with the partial files of earlier attempts.

    Raise WorkspaceLocked when another process still holds it after `LOCK_TIMEOUT_SECONDS`.
    """
    folder = Path(settings.WORK_ROOT / video_id)
    with _folder_lock(folder, LOCK_TIMEOUT_SECONDS):
        prepare_for_resume(folder)
        (folder / RESERVE_FILE).write_bytes(os.urandom(RESERVE_BYTES))  # random bytes: no file system compresses them
        yield folder


def delete_reserve_file(video_id: str) -> None:
    """Free `RESERVE_BYTES` on a full disk: a database on the same disk needs them for the row and its event."""
    with contextlib.suppress(OSError):  # read-only, or gone
        Path(settings.WORK_ROOT / video_id / RESERVE_FILE).unlink(missing_ok=True)


def has_gained_bytes(video_id: str) -> bool:
    """Return whether the attempt in a video's workspace got at least `MIN_GAINED_BYTES` farther than any before it."""
    try:
        return _bytes_gained(Path(settings.WORK_ROOT / video_id)) >= MIN_GAINED_BYTES
    except OSError:  # the folder cannot be read, so nothing can be said of it
        return False


def count_resumable_bytes(video_id: str) -> int:
    """Return how many bytes of a video are in its workspace already."""
    return _resumable_bytes(Path(settings.WORK_ROOT / video_id))


def remove_workspace(video_id: str) -> bool:
    """Remove a video's workspace and its folders in `.incoming`; False if another process holds the workspace."""
    folder = Path(settings.WORK_ROOT / video_id)
    if folder.is_dir():
        try:
            with _folder_lock(folder, 0):
                shutil.rmtree(folder, ignore_errors=True)
        except WorkspaceLocked:
            return False
    media_folder.remove_incoming(video_id)
    return True


def list_ids() -> list[str]:
    """Return the ids of the videos with a workspace, sorted."""
    return sorted(path.name for path in Path(settings.WORK_ROOT).iterdir() if path.is_dir())


# Partial files -----------------------------------------------------------------------------------


def prepare_for_resume(folder: Path) -> None:
    """Remove all from a workspace but its resumable files and the high-water mark, which is updated."""
    (folder / HIGH_WATER_MARK_FILE).write_text(str(max(_high_water_mark(folder), _resumable_bytes(folder))))
    resumable_names = {path.name for path in _resumable_files(folder)}
    for name in resumable_names:
        with contextlib.suppress(FileNotFoundError):
            (folder / name).replace(folder / (name + PARTIAL_SUFFIX))
    for path in list(folder.iterdir()):
        if not {path.name, path.name.removesuffix(RESUME_INFO_SUFFIX), path.name.removesuffix(PARTIAL_SUFFIX)} & {
            *resumable_names,
            HIGH_WATER_MARK_FILE,
        }:
            remove_path(path)


def _bytes_gained(folder: Path) -> int:
    """Return by how many bytes this attempt exceeds the most that any earlier attempt ended with."""
    return _resumable_bytes(folder) - _high_water_mark(folder)


def _resumable_bytes(folder: Path) -> int:
    candidates = [
        path for file in _resumable_files(folder) for path in (file, file.with_name(file.name + PARTIAL_SUFFIX))
    ]
    return sum(path.stat().st_size for path in candidates if path.is_file())


def _resumable_files(folder: Path) -> list[Path]:
    """Return the final paths of the files that have resume information."""
    return [
        path.with_name(path.name.removesuffix(RESUME_INFO_SUFFIX)) for path in folder.glob(f"*{RESUME_INFO_SUFFIX}")
    ]


def _high_water_mark(folder: Path) -> int:
    try:
        return int((folder / HIGH_WATER_MARK_FILE).read_text())
    except (FileNotFoundError, ValueError):  # the first attempt, or a power cut before it was written
        return 0


# Lock --------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _folder_lock(folder: Path, timeout_seconds: float) -> Iterator[None]:
    descriptor = _acquire_lock(folder, time.monotonic() + timeout_seconds)
    try:
        yield
    finally:
        os.close(descriptor)


def _acquire_lock(folder: Path, deadline: float) -> int:
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            if _try_lock(descriptor, folder):
                return descriptor
            os.close(descriptor)
        if time.monotonic() >= deadline:
            raise WorkspaceLocked(f"Another process works in {folder}.")
        time.sleep(0.1)


def _try_lock(descriptor: int, folder: Path) -> bool:
    """Lock an open folder; False if another process has the lock, or the folder was replaced since it was opened."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.fstat(descriptor).st_ino == folder.stat().st_ino
    except (BlockingIOError, FileNotFoundError):
        return False
