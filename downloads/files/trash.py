"""Where a video's folder lies while its row is removed: out of the library, and one rename away from it."""

import os
import shutil
from pathlib import Path

from django.conf import settings

TRASH = ".trash"


def ids() -> list[str]:
    """Return the ids of the videos that have a folder in the trash."""
    root = settings.MEDIA_ROOT / TRASH
    return sorted(path.name for path in root.iterdir()) if root.is_dir() else []


def take(video_id: str) -> None:
    """Move a video's folder out of the library, if it has one; raise OSError where that cannot be done."""
    folder, kept = _places(video_id)
    if not folder.is_dir():
        return
    kept.parent.mkdir(exist_ok=True)
    # Of a removal that came to nothing; the video was fetched once more since.
    _remove(kept)
    folder.rename(kept)
    _sync(folder.parent, kept.parent)


def put_back(video_id: str) -> None:
    """Move a video's folder back into the library, unless there is a newer one."""
    folder, kept = _places(video_id)
    if folder.is_dir():
        _remove(kept)
    elif kept.is_dir():
        kept.rename(folder)
        _sync(folder.parent, kept.parent)


def empty(video_id: str) -> None:
    """Remove a video's folder from the trash; raise OSError for what cannot be removed."""
    _remove(_places(video_id)[1])


def _places(video_id: str) -> tuple[Path, Path]:
    root = Path(settings.MEDIA_ROOT)
    return root / video_id, root / TRASH / video_id


def _remove(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        # Another process removes it as well, or there is none.
        if folder.is_dir():
            shutil.rmtree(folder)


def _sync(*folders: Path) -> None:
    """Have renames on the disk itself, before the database says that they were done."""
    for folder in folders:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
