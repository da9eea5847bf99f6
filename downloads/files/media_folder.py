"""How a fetched video is put away: safe names, allowed kinds, and one rename into the media folder."""

import ctypes
import os
import shutil
import sys
from pathlib import Path

from django.conf import settings

from downloads.files.fsync import fsync_path

INCOMING_FOLDER = ".incoming"
REPLACED_SUFFIX = ".old"
AT_FDCWD, RENAME_EXCHANGE = -100, 2  # Linux's


def find_file(name: str) -> Path | None:
    """Return the file of this name in the media folder; None if it is not there, or leads out of it."""
    root = settings.MEDIA_ROOT.resolve()
    try:
        path = (root / name).resolve()
        found = bool(name) and path.is_relative_to(root) and path.is_file()
    except (OSError, ValueError):  # a name too long, or with a NUL
        return None
    return path if found else None


def link_or_move(source: Path, target: Path) -> Path:
    """Give a file a second name, so that a crash before the end leaves the first for the next attempt."""
    try:
        os.link(source, target)
    except OSError:  # a file system without links
        source.rename(target)
    return target


def fsync_folder(folder: Path) -> None:
    """Have the folder's files on the disk itself, so that a power cut leaves no half file behind a whole row."""
    for path in (*folder.iterdir(), folder):
        fsync_path(path)


def stage(prepared_folder: Path, video_id: str) -> Path:
    """Have the folder `ready` on the media folder's own file system, where a rename puts it in place."""
    if prepared_folder.stat().st_dev == Path(settings.MEDIA_ROOT).stat().st_dev:
        return prepared_folder
    incoming = settings.MEDIA_ROOT / INCOMING_FOLDER / video_id
    shutil.rmtree(incoming, ignore_errors=True)
    shutil.copytree(prepared_folder, incoming)
    fsync_folder(incoming)
    return Path(incoming)


def remove_replaced(prepared_folder: Path) -> None:
    """Remove what was there before and lies where `ready` did."""
    for left in (prepared_folder, prepared_folder.with_name(f"{prepared_folder.name}{REPLACED_SUFFIX}")):
        shutil.rmtree(left, ignore_errors=True)


def list_stored_ids() -> list[str]:
    """Return the ids of the videos that have a folder in the library, or one on its way there."""
    root = Path(settings.MEDIA_ROOT)
    return sorted(
        {path.name for path in root.iterdir() if path.is_dir() and path.name[0] != "."} | {*list_incoming_ids()}
    )


def list_incoming_ids() -> list[str]:
    """Return the ids of the videos that have a folder on its way into the library."""
    root = Path(settings.MEDIA_ROOT / INCOMING_FOLDER)
    return sorted({path.name.removesuffix(REPLACED_SUFFIX) for path in root.iterdir()}) if root.is_dir() else []


def remove_video_folder(video_id: str) -> None:
    """Remove a video's folder from the library, and what was on its way there."""
    shutil.rmtree(settings.MEDIA_ROOT / video_id, ignore_errors=True)
    remove_incoming(video_id)


def remove_incoming(video_id: str) -> None:
    """Remove what was on its way into the library."""
    for name in (video_id, f"{video_id}{REPLACED_SUFFIX}"):
        shutil.rmtree(settings.MEDIA_ROOT / INCOMING_FOLDER / name, ignore_errors=True)


def _exchange_folders(first: Path, second: Path) -> bool:
    """Let two folders change places at once, so that the name is never without one; False where that cannot be."""
    swap = getattr(ctypes.CDLL(None), "renameat2", None) if sys.platform == "linux" else None
    return swap is not None and swap(AT_FDCWD, bytes(first), AT_FDCWD, bytes(second), RENAME_EXCHANGE) == 0


def install(prepared_folder: Path, video_id: str) -> None:
    """Rename the folder `ready` to the video's own in the media folder; an older one comes beside where it was.

    Done again after it was done (the database refused to commit), it leaves things as they are.
    """
    target = settings.MEDIA_ROOT / video_id
    old = prepared_folder.with_name(f"{prepared_folder.name}{REPLACED_SUFFIX}")
    if not prepared_folder.exists() and target.exists():
        return
    if target.exists():
        shutil.rmtree(old, ignore_errors=True)
        if _exchange_folders(prepared_folder, target):
            prepared_folder.rename(old)
        else:
            target.rename(old)
    if prepared_folder.exists():
        prepared_folder.rename(target)
    fsync_path(target.parent)
