"""The media folder: one folder per video, put in place by one atomic rename.

A prepared folder is first moved to `.incoming` in the media folder, or copied there from another file system or mount.
A folder that is replaced lies beside it, with the suffix `.old`, until it is removed.
"""

import contextlib
import ctypes
import logging
import os
import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from django.conf import settings

from downloads.files.fsync import fsync_path
from downloads.files.volumes.moving import COPY_SUFFIX, move_file, move_folder, remove_path

logger = logging.getLogger(__name__)

MAX_FLUSHES = 4
INCOMING_FOLDER = ".incoming"
REPLACED_SUFFIX = ".old"
AT_FDCWD, RENAME_EXCHANGE = -100, 2  # of Linux: linux/fcntl.h, linux/fs.h


def find_file(name: str) -> Path | None:
    """Return the path of a file in the media folder; None if it does not exist or lies outside the folder."""
    root = settings.MEDIA_ROOT.resolve()
    try:
        path = (root / name).resolve()
        is_stored = bool(name) and path.is_relative_to(root) and path.is_file()
    except (OSError, ValueError, RuntimeError):  # the name is too long, has a NUL, or links lead round in a circle
        return None
    return path if is_stored else None


def link_or_move(source: Path, target: Path) -> Path:
    """Hard-link a file to `target`, so that after a crash the source is left for the next attempt; return `target`.

    On a file system without links, move it.
    """
    try:
        os.link(source, target)
    except OSError:  # the file system has no links
        move_file(source, target)
    return target


def fsync_folder(folder: Path) -> None:
    """Flush the files of a folder and the folder itself, so that after a power cut no complete row has half a file."""
    with ThreadPoolExecutor(MAX_FLUSHES) as pool:  # together, the files cost a file system little more than one
        list(pool.map(fsync_path, folder.iterdir()))
    fsync_path(folder)


def stage(prepared_folder: Path, video_id: str, on_copy: Callable[[], None] = lambda: None) -> Path:
    """Move the prepared folder to `.incoming`, so that `install` is a rename within the media folder; return its path.

    `on_copy` is called first if it has to be copied, which takes a while.
    """
    incoming = Path(settings.MEDIA_ROOT / INCOMING_FOLDER / video_id)
    incoming.parent.mkdir(exist_ok=True)
    remove_path(incoming)
    move_folder(prepared_folder, incoming, on_copy)
    return incoming


def set_modes(folder: Path) -> None:
    """Give a staged folder and its files the permissions that YTARCHIVE_MEDIA_READERS says.

    A file system without permissions keeps its own.
    """
    with contextlib.suppress(PermissionError):
        for path in folder.iterdir():
            path.chmod(settings.MEDIA_MODES.file)
        folder.chmod(settings.MEDIA_MODES.folder)


def remove_replaced(prepared_folder: Path) -> None:
    """Remove the prepared folder, and the replaced one beside it."""
    for folder in (prepared_folder, _replaced_folder(prepared_folder)):
        shutil.rmtree(folder, ignore_errors=True)


def list_stored_ids() -> list[str]:
    """Return the ids of the videos with a folder in the media folder or in `.incoming`, sorted."""
    root = Path(settings.MEDIA_ROOT)
    installed_ids = {
        path.name for path in root.iterdir() if path.is_dir() and path.name[0] != "." and path.suffix != COPY_SUFFIX
    }
    return sorted(installed_ids | {*list_incoming_ids()})


def list_incoming_ids() -> list[str]:
    """Return the ids of the videos with a folder in `.incoming`, sorted."""
    root = Path(settings.MEDIA_ROOT / INCOMING_FOLDER)
    if not root.is_dir():
        return []
    return sorted({path.name.removesuffix(REPLACED_SUFFIX).removesuffix(COPY_SUFFIX) for path in root.iterdir()})


def list_copied_ids() -> list[str]:
    """Return the ids of the videos with a copy in the media folder that was not finished, sorted."""
    return sorted(path.name.removesuffix(COPY_SUFFIX) for path in Path(settings.MEDIA_ROOT).glob(f"*{COPY_SUFFIX}"))


def add_file(staged_file: Path, name: str) -> None:
    """Rename a staged file to `name` in the media folder, beside the other files of its video. Idempotent."""
    target = settings.MEDIA_ROOT / name
    if staged_file.exists():
        staged_file.replace(target)
    fsync_path(target.parent)


def remove_file(name: str) -> None:
    """Remove a file of the media folder, if it is there; one that cannot be removed stays until its video goes."""
    path = find_file(name)
    if path is None:
        return
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        logger.warning("%s could not be removed: %s", path, error)


def remove_video_folder(video_id: str) -> None:
    """Remove a video's folders from the media folder and from `.incoming`."""
    shutil.rmtree(settings.MEDIA_ROOT / video_id, ignore_errors=True)
    remove_incoming(video_id)


def remove_incoming(video_id: str) -> None:
    """Remove a video's folders from `.incoming`, and copies that were not finished."""
    shutil.rmtree(settings.MEDIA_ROOT / f"{video_id}{COPY_SUFFIX}", ignore_errors=True)
    for name in (video_id, f"{video_id}{REPLACED_SUFFIX}", f"{video_id}{COPY_SUFFIX}"):
        shutil.rmtree(settings.MEDIA_ROOT / INCOMING_FOLDER / name, ignore_errors=True)


def _replaced_folder(prepared_folder: Path) -> Path:
    return prepared_folder.with_name(f"{prepared_folder.name}{REPLACED_SUFFIX}")


def _exchange_folders(first: Path, second: Path) -> bool:
    """Swap two folders atomically with renameat2(2), so that both names always exist; False where it is unavailable."""
    renameat2 = getattr(ctypes.CDLL(None), "renameat2", None) if sys.platform == "linux" else None
    return renameat2 is not None and renameat2(AT_FDCWD, bytes(first), AT_FDCWD, bytes(second), RENAME_EXCHANGE) == 0


def install(prepared_folder: Path, video_id: str) -> None:
    """Rename the prepared folder to the video's folder in the media folder; keep the replaced one beside it.

    Idempotent: when the database refuses to commit, the caller does it again.
    """
    target = settings.MEDIA_ROOT / video_id
    replaced = _replaced_folder(prepared_folder)
    if not prepared_folder.exists() and target.exists():
        return
    if target.exists():
        shutil.rmtree(replaced, ignore_errors=True)
        if _exchange_folders(prepared_folder, target):
            prepared_folder.rename(replaced)
        else:
            move_folder(target, replaced)
    if prepared_folder.exists():
        move_folder(prepared_folder, target)
    fsync_path(target.parent)
