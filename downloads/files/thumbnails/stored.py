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
# Name in the row of a waiting video: a picture that was drawn into the cache before anything is in the media folder.
PREVIEW_NAME = ".preview"
PREVIEW_STEM = "preview"
FAILED_SUFFIX = ".failed"  # of the empty file that says that a picture cannot be drawn


def find_thumbnail(video_id: str, name: str, *, is_small: bool) -> Path | None:
    """Return the thumbnail of a video whose row names the file `name`; None if it has to be drawn first.

    Raise FileNotFoundError if there is none, or it cannot be drawn.
    """
    if name == PREVIEW_NAME:
        return _find_preview(video_id, is_small=is_small)
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


def _find_preview(video_id: str, *, is_small: bool) -> Path:
    preview = _cache_folder(video_id) / (PREVIEW_STEM + (SMALL_SUFFIX if is_small else LARGE_SUFFIX))
    if not preview.is_file():
        raise FileNotFoundError(preview)
    return preview


def draw_preview(video_id: str, picture: Path) -> bool:
    """Draw the picture of a waiting video into the cache; False if it cannot be drawn. Raise OSError if none can be."""
    _cache_folder(video_id).mkdir(parents=True, exist_ok=True)
    return _draw_into_cache(picture, _cache_folder(video_id), PREVIEW_STEM)


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
    if not _draw_into_cache(original, cached.parent, cached.name):
        cached.with_name(cached.name + FAILED_SUFFIX).touch()


def _draw_into_cache(source: Path, folder: Path, stem: str) -> bool:
    with tempfile.TemporaryDirectory(dir=folder) as drawing_folder:
        is_drawn = draw_thumbnails(source, Path(drawing_folder), stem) is not None
        # The large one last: where it is, the other is too.
        for suffix in (SMALL_SUFFIX, LARGE_SUFFIX):
            drawn = Path(drawing_folder, stem + suffix)
            if drawn.is_file():
                drawn.replace(folder / drawn.name)
    return is_drawn


def remove_cached_thumbnails(video_id: str) -> None:
    """Remove what was drawn of a video after it was filed."""
    shutil.rmtree(_cache_folder(video_id), ignore_errors=True)


def _cache_folder(video_id: str) -> Path:
    return Path(settings.CACHE_ROOT, CACHE_FOLDER, video_id)


def _cached_path(video_id: str, original: Path) -> Path:
    """Return the path for what is drawn of a picture, without a suffix; another one when the picture changes."""
    stat = original.stat()
    return _cache_folder(video_id) / f"{stat.st_mtime_ns:x}-{stat.st_size:x}"
