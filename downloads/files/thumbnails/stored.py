"""Thumbnails of stored videos: as drawn when the video was filed, or drawn at the first request for an older one.

Pictures of older videos, as the site sent them, stay where they are. What is drawn of them is kept in the cache
folder, in a folder per video, under a name that changes with the picture.
"""

import shutil
import tempfile
from pathlib import Path

from django.conf import settings

from downloads.files import media_folder, media_types
from downloads.files.thumbnails.process import LARGE_SUFFIX, SMALL_SUFFIX, draw_thumbnails

CACHE_FOLDER = "thumbnails"
FAILED_SUFFIX = ".failed"  # of the empty file that says that a picture cannot be drawn


def find_thumbnail(video_id: str, name: str, *, is_small: bool) -> Path | None:
    """Return the thumbnail of a video whose row names the file `name`; None if it has to be drawn first.

    Raise FileNotFoundError if there is none, or it cannot be drawn.
    """
    original = media_folder.find_file(name)
    if original is None:
        raise FileNotFoundError(name)
    filed_small = original.with_name(original.stem + SMALL_SUFFIX)
    if filed_small.is_file():
        return filed_small if is_small else original
    cached = _cached_path(video_id, original)
    drawn = cached.with_name(cached.name + (SMALL_SUFFIX if is_small else LARGE_SUFFIX))
    if drawn.is_file():
        return drawn
    if not cached.with_name(cached.name + FAILED_SUFFIX).is_file() and media_types.thumbnail_extension(original):
        return None
    # Never the picture itself: 30 kB of a stranger's may take gigabytes in each browser that shows it.
    raise FileNotFoundError(name)


def draw_stored_thumbnail(video_id: str, name: str) -> None:
    """Draw the thumbnails of an older video into the cache, unless it is done. Raise OSError if nothing can be kept.

    Several processes may do so at once: each draws in a folder of its own and renames the files.
    """
    original = media_folder.find_file(name)
    try:
        if original is None or find_thumbnail(video_id, name, is_small=False) is not None:
            return
    except FileNotFoundError:  # it cannot be drawn
        return
    cached = _cached_path(video_id, original)
    cached.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cached.parent) as folder:
        if draw_thumbnails(original, Path(folder), cached.name) is None:
            cached.with_name(cached.name + FAILED_SUFFIX).touch()
        # The large one last: where it is, the other is too.
        for suffix in (SMALL_SUFFIX, LARGE_SUFFIX):
            drawn = Path(folder, cached.name + suffix)
            if drawn.is_file():
                drawn.replace(cached.with_name(drawn.name))


def remove_cached_thumbnails(video_id: str) -> None:
    """Remove what was drawn of a video after it was filed."""
    shutil.rmtree(settings.CACHE_ROOT / CACHE_FOLDER / video_id, ignore_errors=True)


def _cached_path(video_id: str, original: Path) -> Path:
    """Return the path for what is drawn of a picture, without a suffix; another one when the picture changes."""
    stat = original.stat()
    return Path(settings.CACHE_ROOT, CACHE_FOLDER, video_id, f"{stat.st_mtime_ns:x}-{stat.st_size:x}")
