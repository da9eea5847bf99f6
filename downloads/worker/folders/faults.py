"""Faults of the folders that end an attempt: they hold the queue, and the video keeps its tries."""

import errno
import logging
import socket
import threading

from downloads.database import retry_while_database_is_down
from downloads.files import workspace
from downloads.files.volumes import probe
from downloads.files.volumes.errors import FOLDER_WORDS, describe_os_error, is_storage_fault
from downloads.models import ArchiveIdentity, Queue, Video
from downloads.worker.leased_video import LeasedVideo
from downloads.ytdlp.results import DownloadError

logger = logging.getLogger(__name__)

DISK_FULL_MESSAGE = "The disk is full. Nothing new starts until there is space again."
FILE_TOO_LARGE_MESSAGE = "The file is too large for the disk’s file system (FAT: 4 GB) or for this account."
HOLD_SECONDS = 30.0  # the worker's own looks hold the queue as long as they find something
LOOK_TIMEOUT_SECONDS = 15.0
MIN_DELAY_SECONDS, MAX_DELAY_SECONDS = 60.0, 3600.0  # of a video that alone meets a fault again


def find_fault(error: Exception) -> str:
    """Return a sentence if the folders, and not the video or a mistake, ended an attempt; "" otherwise."""
    if not isinstance(error, OSError):
        return ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DISK_FULL_MESSAGE
    if is_storage_fault(error):
        return look_at_folders() or describe_os_error(error, _folder_label(error))
    return look_at_folders() if error.errno in FOLDER_WORDS else ""


def explain_file_limit(error: Exception) -> Exception:
    """Return a permanent error in words in place of one about a file that is too large for its file system."""
    if isinstance(error, OSError) and error.errno == errno.EFBIG:
        return DownloadError(FILE_TOO_LARGE_MESSAGE, True)
    return error


def pause_for_fault(leased_video: LeasedVideo, error: Exception, sentence: str) -> None:
    """Hold the queue and put the video back into it.

    Where a look finds nothing, only this video may meet the fault (a damaged sector, a limit of its account): it comes
    back later each time, so that the others get their turn.
    """
    video = leased_video.video
    logger.warning("%s: %s (%r)", video.video_id, sentence, error)
    workspace.delete_reserve_file(video.video_id)
    # Held by host and video: a look of the host that finds nothing does not release it.
    holder = f"{socket.gethostname()} {video.video_id}"
    retry_while_database_is_down(lambda: Queue.hold(holder, sentence, HOLD_SECONDS))
    repeats = retry_while_database_is_down(lambda: _count_repeats(video, sentence))
    if repeats and not look_at_folders():
        leased_video.postpone(sentence, min(MIN_DELAY_SECONDS * 2 ** (repeats - 1), MAX_DELAY_SECONDS))
    else:
        leased_video.release(sentence)


def look_at_folders() -> str:
    """Return the sentence of a look at the folders, "" if all is well; wait for it up to LOOK_TIMEOUT_SECONDS."""
    sentences: list[str] = []
    archive_id = retry_while_database_is_down(ArchiveIdentity.get_marked_id)
    thread = threading.Thread(target=lambda: sentences.append(probe.find_problem(archive_id)), daemon=True)
    thread.start()
    thread.join(LOOK_TIMEOUT_SECONDS)
    if thread.is_alive():
        return probe.HANGING_SENTENCE
    return sentences[0] if sentences else ""


def _folder_label(error: OSError) -> str:
    """Return the name for people of the folder that an error is about."""
    path = str(error.filename or "")
    labels = [label for label, folder in probe.labelled_folders().items() if path.startswith(str(folder))]
    return labels[0] if labels else probe.DATA_LABEL


def _count_repeats(video: Video, sentence: str) -> int:
    """Return how often this attempt and those before it, without another event in between, ended with this sentence."""
    count = 0
    for reason in video.events.order_by("-pk").values_list("reason", flat=True)[:40]:
        if reason == sentence:
            count += 1
        elif reason not in ("Started", "Found", "Details found", "Fetched", "Downloaded"):
            break
    return count
