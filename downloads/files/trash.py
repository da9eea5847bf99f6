"""The trash: it holds a video's folder while its row is deleted, one rename away from the media folder."""

import shutil
from pathlib import Path

from django.conf import settings

from downloads.files.fsync import fsync_path
from downloads.files.thumbnails.stored import remove_cached_thumbnails

TRASH_FOLDER = ".trash"


def list_trashed_ids() -> list[str]:
    """Return the ids of the videos with a folder in the trash, sorted."""
    root = settings.MEDIA_ROOT / TRASH_FOLDER
    return sorted(path.name for path in root.iterdir()) if root.is_dir() else []


def move_to_trash(video_id: str) -> None:
    """Move a video's folder, if it has one, from the media folder to the trash; raise OSError when that fails."""
    folder, trashed = _folder_paths(video_id)
    if not folder.is_dir():
        return
    trashed.parent.mkdir(exist_ok=True)
    # An earlier removal may have been interrupted; the video was downloaded again since.
    _remove_tree(trashed)
    _rename_durably(folder, trashed)


def restore_from_trash(video_id: str) -> None:
    """Move a video's folder back to the media folder; if there is a newer one, delete the trashed one instead."""
    folder, trashed = _folder_paths(video_id)
    if folder.is_dir():
        _remove_tree(trashed)
    elif trashed.is_dir():
        _rename_durably(trashed, folder)


def delete_from_trash(video_id: str) -> None:
    """Delete a video's folder from the trash, and its cached thumbnails; raise OSError when that fails."""
    remove_cached_thumbnails(video_id)
    _remove_tree(_folder_paths(video_id)[1])


def _folder_paths(video_id: str) -> tuple[Path, Path]:
    root = Path(settings.MEDIA_ROOT)
    return root / video_id, root / TRASH_FOLDER / video_id


def _remove_tree(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        # There is no folder, or another process is removing it too: then remove the rest.
        if folder.is_dir():
            shutil.rmtree(folder)


def _rename_durably(source: Path, target: Path) -> None:
    """Rename a folder and flush both parents to the disk, before the database records that it was done."""
    source.rename(target)
    for parent in (source.parent, target.parent):
        fsync_path(parent)
