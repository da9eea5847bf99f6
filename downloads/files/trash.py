"""The trash: it holds a video's folder while its row is deleted, one rename away from the media folder.

Where the folder cannot be renamed (the trash is another mount), it stays in its place, and an empty file in the trash
says that it is deleted: copying many gigabytes would only delay their end.
"""

import errno
from pathlib import Path

from django.conf import settings

from downloads.files.fsync import fsync_path
from downloads.files.thumbnails.stored import remove_cached_thumbnails
from downloads.files.volumes.moving import move_folder, remove_path

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
    remove_path(trashed)
    try:
        folder.rename(trashed)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        trashed.touch()
    # Before the database records that it was done.
    for parent in (folder.parent, trashed.parent):
        fsync_path(parent)


def restore_from_trash(video_id: str) -> None:
    """Move a video's folder back to the media folder; if there is a newer one, delete the trashed one instead."""
    folder, trashed = _folder_paths(video_id)
    if folder.is_dir() or trashed.is_file():
        remove_path(trashed)
    elif trashed.is_dir():
        move_folder(trashed, folder)


def delete_from_trash(video_id: str) -> None:
    """Delete a video's folder from the trash, and its cached thumbnails; raise OSError when that fails."""
    remove_cached_thumbnails(video_id)
    folder, trashed = _folder_paths(video_id)
    if trashed.is_file():
        remove_path(folder)
    remove_path(trashed)


def _folder_paths(video_id: str) -> tuple[Path, Path]:
    root = Path(settings.MEDIA_ROOT)
    return root / video_id, root / TRASH_FOLDER / video_id
