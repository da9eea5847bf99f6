"""Preparation of the files of a video: its media, thumbnails, subtitles and metadata in one folder."""

import logging
from pathlib import Path
from typing import Any

from downloads.files import ffmpeg, media_folder
from downloads.files.containers import MediaInfo
from downloads.files.ffmpeg import ProgramStopped
from downloads.files.names import safe_name
from downloads.files.thumbnails.process import draw_thumbnails
from downloads.files.volumes.errors import is_storage_fault
from downloads.models import MAX_RETRIES, StoredFiles, Video
from downloads.subtitles.collection import collect_subtitles
from downloads.worker.storage.inspection import stored_extension
from downloads.ytdlp.results import DownloadedFiles

logger = logging.getLogger(__name__)


def prepare_files(
    video: Video, downloaded: DownloadedFiles, media_info: MediaInfo | None, workspace_folder: Path
) -> tuple[StoredFiles, Path]:
    """Collect the files to keep in one folder of the workspace, named after the title; return it with their names."""
    prepared_folder = workspace_folder / "ready"
    prepared_folder.mkdir()
    stem = safe_name(video.title)
    extension = stored_extension(downloaded.media, media_info)
    media = media_folder.link_or_move(downloaded.media, prepared_folder / f"{stem}.{extension}")
    thumbnail = _prepare_thumbnail(video, downloaded, media, stem)
    subtitles = collect_subtitles(downloaded.subtitle_files, prepared_folder, stem)
    if downloaded.info_json:
        downloaded.info_json.rename(prepared_folder / f"{stem}.info.json")
    video_id = video.video_id
    stored_files = StoredFiles(
        media_file=f"{video_id}/{media.name}",
        size=media.stat().st_size,
        thumbnail=f"{video_id}/{thumbnail.name}" if thumbnail else "",
        subtitle_files=[{"language": language, "file": f"{video_id}/{file}"} for language, file in subtitles.items()],
        duration=media_info.duration if media_info and video.duration is None else None,
        **describe_streams(media_info),
    )
    return stored_files, prepared_folder


def describe_streams(media_info: MediaInfo | None) -> dict[str, Any]:
    """Return the columns that say what is in the file; none without ffmpeg."""
    if media_info is None:
        return {}
    names = ("has_video", "width", "height", "video_codec", "audio_codec")
    return {name: getattr(media_info, name) for name in names}


def _prepare_thumbnail(video: Video, downloaded: DownloadedFiles, media: Path, stem: str) -> Path | None:
    """Draw the site's thumbnail in two sizes, else a frame of the video; None if neither is possible.

    Raise ProgramStopped if ffmpeg was killed, except in the last attempt: the video is worth more than its picture.
    """
    frame = media.parent.with_name("frame.jpg")
    try:
        if downloaded.thumbnail and (drawn := draw_thumbnails(downloaded.thumbnail, media.parent, stem)):
            return drawn
        return draw_thumbnails(frame, media.parent, stem) if ffmpeg.extract_frame(media, frame) else None
    except ProgramStopped:
        if video.retry_count < MAX_RETRIES:
            raise
        logger.warning("%s gets no thumbnail: ffmpeg was killed in each attempt", video.video_id)
        return None
    except OSError as error:
        if is_storage_fault(error):
            raise
        logger.warning("%s gets no thumbnail: %s", video.video_id, error)
        return None
