"""Media facts of older files: codecs and size of what was stored before they were noted, in a process of its own."""

import logging
from collections.abc import Sequence

from downloads.database import retry_while_database_is_down
from downloads.files import ffmpeg, media_folder
from downloads.files.ffmpeg import ProgramStopped
from downloads.models import Status, Video, VideoQuerySet
from downloads.worker.storage.preparation import describe_streams

logger = logging.getLogger(__name__)


def without_facts() -> VideoQuerySet:
    """Return the videos of whose file nothing is noted."""
    return Video.objects.filter(status=Status.COMPLETE, video_codec=None).exclude(media_file="")


def note_media_facts(pks: Sequence[int]) -> None:
    """Look at the files of these videos, and note what is in them; a file that cannot be read is left as it is."""
    for video in retry_while_database_is_down(lambda: list(without_facts().filter(pk__in=pks).only("media_file"))):
        _note_facts(video)


def _note_facts(video: Video) -> None:
    path = media_folder.find_file(video.media_file)
    if path is None:
        return
    try:
        columns = describe_streams(ffmpeg.inspect_media(path))
    except (ProgramStopped, OSError) as error:
        logger.info("%s cannot be looked at: %s", path, error)
        return
    # Not where a redownload has replaced the file meanwhile.
    rows = without_facts().filter(pk=video.pk, media_file=video.media_file)
    if columns:
        retry_while_database_is_down(lambda: rows.update(**columns))
