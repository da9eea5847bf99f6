"""Conversion of yt-dlp's exceptions to errors with a message for people."""

import contextlib
import errno
import os
import re
from collections.abc import Iterator

from downloads.files.ffmpeg import ProgramStopped
from downloads.files.volumes.errors import find_errno, is_storage_fault
from downloads.ytdlp.errors import bugs, error_messages
from downloads.ytdlp.errors.retry_after import read_retry_after
from downloads.ytdlp.results import MAX_ERROR_CHARACTERS, DownloadError, SiteError, UnforeseenError
from downloads.ytdlp.selected_ytdlp import HTTPError, YoutubeDLError

# Errors of the disk, which no other attempt at the video avoids.
STORAGE_ERRNOS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE, errno.EACCES, errno.EPERM}

COLOR_PATTERN = re.compile(r"\x1b\[[0-9;]*m")
# An extractor's messages begin with its name, and may hold what a site says.
EXTRACTOR_PATTERN = re.compile(r"\s*(?:ERROR:)?\s*\[")
WRITE_PATTERN = re.compile(
    r"\s*(?:ERROR:)?\s*(?:unable to (?:write|open|create|rename|fixup)|cannot (?:write|open|create)|preprocessing|"
    r"postprocessing|\[errno)",
    re.IGNORECASE,
)


@contextlib.contextmanager
def converted_errors() -> Iterator[None]:
    """Convert errors of yt-dlp and of the disk.

    A bug of ours, in a method or a hook that yt-dlp calls, is raised as it is.
    """
    try:
        yield
    except DownloadError:
        raise
    except Exception as error:
        if converted := _convert(error):
            raise converted from error
        raise


def _convert(error: Exception) -> DownloadError | OSError | None:
    """Return an error with a message for people; one of the disk becomes the OSError that it was.

    None for an exception that was not raised by yt-dlp, and for one of the disk, which is raised as it is.
    """
    if disk_error := _find_disk_error(error):
        return disk_error
    if isinstance(error, OSError) and error.errno in STORAGE_ERRNOS:
        return None
    unhandled = bugs.find_unhandled(error)
    if unhandled and (part := bugs.find_part(unhandled)):
        return UnforeseenError(error_messages.explain_unforeseen(part, unhandled))
    return _convert_reported(error) if isinstance(error, YoutubeDLError) else None


def _convert_reported(error: YoutubeDLError) -> SiteError:
    """Return the error for one that yt-dlp foresaw, and has words for."""
    http_error = next((cause for cause in error_messages.walk_causes(error) if isinstance(cause, HTTPError)), None)
    status = http_error.status if http_error else error_messages.find_status(str(error))
    unexpected = bugs.find_unexpected(error)
    extractor = f"extractor “{unexpected.ie}”" if unexpected and unexpected.ie else ""
    message, permanent = error_messages.explain_error(str(error), status, extractor)
    if error_messages.is_of_proxy(str(error)):
        return SiteError(message, permanent)
    retry_after = read_retry_after(http_error)
    return SiteError(
        message,
        permanent,
        status=status,
        asks_for_pause=message.startswith(error_messages.PAUSE_ERRORS) or (status == 503 and retry_after is not None),
        retry_after=retry_after,
    )


def name_interruption(error: Exception) -> Exception:
    """Return an UnforeseenError if a program was killed or memory ran out, in our code too; else the error itself."""
    if isinstance(error, ProgramStopped):
        message = f"{error_messages.FFMPEG_STOPPED}\n{error}"
    elif isinstance(error, MemoryError):
        message = error_messages.OUT_OF_MEMORY
    else:
        return error
    unforeseen = UnforeseenError(message)
    unforeseen.__cause__ = error
    return unforeseen


def _find_disk_error(error: BaseException) -> OSError | None:
    """Return the error of a file system that yt-dlp reports; None for any other error."""
    for cause in error_messages.walk_causes(error):
        if isinstance(cause, OSError) and (is_storage_fault(cause) or cause.errno == errno.EFBIG):
            return cause
    message = COLOR_PATTERN.sub("", str(error)[:MAX_ERROR_CHARACTERS])
    if EXTRACTOR_PATTERN.match(message) and not WRITE_PATTERN.match(message):
        return None
    number = find_errno(message, is_write=bool(WRITE_PATTERN.match(message)))
    return OSError(number, os.strerror(number)) if number else None
