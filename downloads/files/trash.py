"""Where a video's folder lies while its row is removed: out of the library, and one rename away from it."""

import shutil
from pathlib import Path

from django.conf import settings

from downloads.files.fsync import fsync_path

TRASH_FOLDER = ".trash"


def list_trashed_ids() -> list[str]:
    """Return the ids of the videos that have a folder in the trash."""
    root = settings.MEDIA_ROOT / TRASH_FOLDER
    return sorted(path.name for path in root.iterdir()) if root.is_dir() else []


def move_to_trash(video_id: str) -> None:
    """Move a video's folder out of the library, if it has one; raise OSError where that cannot be done."""
    folder, kept = _folder_paths(video_id)
    if not folder.is_dir():
        return
    kept.parent.mkdir(exist_ok=True)
    # Of a removal that came to nothing; the video was fetched once more since.
    _remove_tree(kept)
    _rename_durably(folder, kept)


def restore_from_trash(video_id: str) -> None:
    """Move a video's folder back into the library, unless there is a newer one."""
    folder, kept = _folder_paths(video_id)
    if folder.is_dir():
        _remove_tree(kept)
    elif kept.is_dir():
        _rename_durably(kept, folder)


def delete_from_trash(video_id: str) -> None:
    """Remove a video's folder from the trash; raise OSError for what cannot be removed."""
    _remove_tree(_folder_paths(video_id)[1])


def _folder_paths(video_id: str) -> tuple[Path, Path]:
    root = Path(settings.MEDIA_ROOT)
    return root / video_id, root / TRASH_FOLDER / video_id


def _remove_tree(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        # Another process removes it as well, or there is none.
        if folder.is_dir():
            shutil.rmtree(folder)


def _rename_durably(source: Path, target: Path) -> None:
    """Rename a folder and flush both parents to the disk, before the database records that it was done."""
    source.rename(target)
    for parent in (source.parent, target.parent):
        fsync_path(parent)
