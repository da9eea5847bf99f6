"""Backfill of codecs and dimensions of videos stored before these columns, in a process of its own."""

import logging
from collections.abc import Sequence

from downloads.database import retry_while_database_is_down
from downloads.files import ffmpeg, media_folder
from downloads.files.ffmpeg import ProgramStopped
from downloads.models import Status, Video, VideoQuerySet
from downloads.worker.storage.preparation import describe_streams

logger = logging.getLogger(__name__)


def unprobed_videos() -> VideoQuerySet:
    """Return the complete videos whose codecs and dimensions are unknown."""
    return Video.objects.filter(status=Status.COMPLETE, video_codec=None).exclude(media_file="")


def probe_stored_media(pks: Sequence[int]) -> None:
    """Probe the files of these videos, and save their codecs and dimensions; skip a file that cannot be read."""
    for video in retry_while_database_is_down(lambda: list(unprobed_videos().filter(pk__in=pks).only("media_file"))):
        _probe_video(video)


def _probe_video(video: Video) -> None:
    path = media_folder.find_file(video.media_file)
    if path is None:
        return
    try:
        columns = describe_streams(ffmpeg.inspect_media(path))
    except (ProgramStopped, OSError) as error:
        logger.info("%s cannot be probed: %s", path, error)
        return
    # Not where a redownload has replaced the file meanwhile.
    rows = unprobed_videos().filter(pk=video.pk, media_file=video.media_file)
    if columns:
        retry_while_database_is_down(lambda: rows.update(**columns))
