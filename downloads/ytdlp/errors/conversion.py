"""Conversion of yt-dlp's exceptions to errors with a message for people."""

import contextlib
import errno
from collections.abc import Iterator

from downloads.files.ffmpeg import ProgramStopped
from downloads.ytdlp.errors import bugs, error_messages
from downloads.ytdlp.library import HTTPError, YoutubeDLError
from downloads.ytdlp.results import DownloadError, SiteError, UnforeseenError

# Errors of the disk, which no other attempt at the video avoids.
STORAGE_ERRNOS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE, errno.EACCES, errno.EPERM}


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
    """Return an error with a message for people; a full disk becomes OSError(ENOSPC).

    None for an exception that was not raised by yt-dlp, and for one of the disk, which is raised as it is.
    """
    if isinstance(error, YoutubeDLError) and error_messages.DISK_FULL_PATTERN.search(str(error)):
        return OSError(errno.ENOSPC, str(error))
    if isinstance(error, OSError) and error.errno in STORAGE_ERRNOS:
        return None
    unhandled = bugs.find_unhandled(error)
    if unhandled and (part := bugs.find_part(unhandled)):
        return UnforeseenError(error_messages.explain_unforeseen(part, unhandled))
    return _convert_reported(error) if isinstance(error, YoutubeDLError) else None


def _convert_reported(error: YoutubeDLError) -> SiteError:
    """Return the error for one that yt-dlp foresaw, and has words for."""
    status = next((cause.status for cause in error_messages.walk_causes(error) if isinstance(cause, HTTPError)), None)
    unexpected = bugs.find_unexpected(error)
    extractor = f"extractor “{unexpected.ie}”" if unexpected and unexpected.ie else ""
    return SiteError(*error_messages.explain_error(str(error), status, extractor))


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
