"""How a fetched video is put away: safe names, allowed kinds, and one rename into the media folder."""

import ctypes
import os
import shutil
import sys
from pathlib import Path

from django.conf import settings

INCOMING = ".incoming"
OLD = ".old"
AT_FDCWD, RENAME_EXCHANGE = -100, 2  # Linux's


def located(name: str) -> Path | None:
    """Return the file of this name in the media folder; None if it is not there, or leads out of it."""
    root = settings.MEDIA_ROOT.resolve()
    try:
        path = (root / name).resolve()
        found = bool(name) and path.is_relative_to(root) and path.is_file()
    except (OSError, ValueError):  # a name too long, or with a NUL
        return None
    return path if found else None


def copy_of(file: Path, name: Path) -> Path:
    """Give a file a second name, so that a crash before the end leaves the first for the next attempt."""
    try:
        os.link(file, name)
    except OSError:  # a file system without links
        file.rename(name)
    return name


def sync(folder: Path) -> None:
    """Have the folder's files on the disk itself, so that a power cut leaves no half file behind a whole row."""
    for path in (*folder.iterdir(), folder):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def bring(ready: Path, video_id: str) -> Path:
    """Have the folder `ready` on the media folder's own file system, where a rename puts it in place."""
    if ready.stat().st_dev == Path(settings.MEDIA_ROOT).stat().st_dev:
        return ready
    incoming = settings.MEDIA_ROOT / INCOMING / video_id
    shutil.rmtree(incoming, ignore_errors=True)
    shutil.copytree(ready, incoming)
    sync(incoming)
    return Path(incoming)


def leave(ready: Path) -> None:
    """Remove what was there before and lies where `ready` did."""
    for left in (ready, ready.with_name(f"{ready.name}{OLD}")):
        shutil.rmtree(left, ignore_errors=True)


def folders() -> list[str]:
    """Return the ids of the videos that have a folder in the library, or one on its way there."""
    root = Path(settings.MEDIA_ROOT)
    return sorted({path.name for path in root.iterdir() if path.is_dir() and path.name[0] != "."} | {*incoming()})


def incoming() -> list[str]:
    """Return the ids of the videos that have a folder on its way into the library."""
    root = Path(settings.MEDIA_ROOT / INCOMING)
    return sorted({path.name.removesuffix(OLD) for path in root.iterdir()}) if root.is_dir() else []


def remove(video_id: str) -> None:
    """Remove a video's folder from the library, and what was on its way there."""
    shutil.rmtree(settings.MEDIA_ROOT / video_id, ignore_errors=True)
    drop_incoming(video_id)


def drop_incoming(video_id: str) -> None:
    """Remove what was on its way into the library."""
    for name in (video_id, f"{video_id}{OLD}"):
        shutil.rmtree(settings.MEDIA_ROOT / INCOMING / name, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Let two folders change places at once, so that the name is never without one; False where that cannot be."""
    swap = getattr(ctypes.CDLL(None), "renameat2", None) if sys.platform == "linux" else None
    return swap is not None and swap(AT_FDCWD, bytes(one), AT_FDCWD, bytes(other), RENAME_EXCHANGE) == 0


def place(ready: Path, video_id: str) -> None:
    """Rename the folder `ready` to the video's own in the media folder; an older one comes beside where it was.

    Done again after it was done (the database refused to commit), it leaves things as they are.
    """
    target = settings.MEDIA_ROOT / video_id
    old = ready.with_name(f"{ready.name}{OLD}")
    if not ready.exists() and target.exists():
        return
    if target.exists():
        shutil.rmtree(old, ignore_errors=True)
        if _exchange(ready, target):
            ready.rename(old)
        else:
            target.rename(old)
    if ready.exists():
        ready.rename(target)
    handle = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
