"""Preparation of the files of a video: its media, thumbnails, subtitles and metadata in one folder."""

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from downloads.files import ffmpeg, media_folder
from downloads.files.containers import MediaInfo
from downloads.files.ffmpeg import ProgramStopped
from downloads.files.fsync import fsync_path
from downloads.files.names import safe_name
from downloads.files.thumbnails.process import ThumbnailProcess, draw_thumbnails
from downloads.files.volumes.errors import is_storage_fault
from downloads.models import MAX_RETRIES, Quality, StoredFiles, Video
from downloads.subtitles.collection import collect_subtitles
from downloads.worker.storage import inspection
from downloads.ytdlp.results import DownloadedFiles

logger = logging.getLogger(__name__)

FRAME_NAME = "frame.jpg"


def inspect_and_prepare(video: Video, downloaded: DownloadedFiles, workspace_folder: Path) -> tuple[StoredFiles, Path]:
    """Inspect the media, and collect the files to keep in one folder; return their names, and the folder.

    Meanwhile the media is flushed to the disk, and the process that draws the thumbnails starts. Raise DownloadError if
    the media is none.
    """
    frame = workspace_folder / FRAME_NAME
    is_frame_wanted = not downloaded.thumbnail and video.quality != Quality.AUDIO
    with ThumbnailProcess() as thumbnail_process, ThreadPoolExecutor(1) as flusher:
        flushing = flusher.submit(fsync_path, downloaded.media)
        media_info = inspection.inspect_downloaded_media(downloaded.media, frame if is_frame_wanted else None)
        prepared = _prepare_files(video, downloaded, media_info, workspace_folder, thumbnail_process)
        flushing.result()
    return prepared


def _prepare_files(
    video: Video,
    downloaded: DownloadedFiles,
    media_info: MediaInfo | None,
    workspace_folder: Path,
    thumbnail_process: ThumbnailProcess,
) -> tuple[StoredFiles, Path]:
    prepared_folder = workspace_folder / "ready"
    prepared_folder.mkdir()
    stem = safe_name(video.title)
    extension = inspection.stored_extension(downloaded.media, media_info)
    media = media_folder.link_or_move(downloaded.media, prepared_folder / f"{stem}.{extension}")
    thumbnail = _prepare_thumbnail(video, downloaded, media, workspace_folder / FRAME_NAME, thumbnail_process)
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


def _prepare_thumbnail(
    video: Video, downloaded: DownloadedFiles, media: Path, frame: Path, thumbnail_process: ThumbnailProcess
) -> Path | None:
    """Draw the site's thumbnail in two sizes, else a frame of the video; None if neither is possible.

    Raise ProgramStopped if ffmpeg was killed, except in the last attempt: the video is worth more than its picture.
    """
    folder, stem, picture = media.parent, media.stem, downloaded.thumbnail
    try:
        if picture and (drawn := thumbnail_process.draw(picture, folder, stem)):
            return drawn
        if not _has_frame(frame) and not ffmpeg.extract_frame(media, frame):
            return None
        return draw_thumbnails(frame, folder, stem) if picture else thumbnail_process.draw(frame, folder, stem)
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


def _has_frame(frame: Path) -> bool:
    """Return whether a frame was written when the media was inspected."""
    return frame.is_file() and frame.stat().st_size > 0
