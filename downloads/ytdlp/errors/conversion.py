"""Conversion of yt-dlp's exceptions to errors with a message for people."""

import contextlib
import errno
from collections.abc import Iterator

from downloads.ytdlp.errors import bugs, error_messages
from downloads.ytdlp.library import HTTPError, YoutubeDLError
from downloads.ytdlp.results import DownloadError, SiteError


@contextlib.contextmanager
def converted_errors() -> Iterator[None]:
    """Convert errors of yt-dlp; a bug of ours, in a method or a hook that yt-dlp calls, is raised as it is."""
    try:
        yield
    except (YoutubeDLError, *bugs.BUG_TYPES) as error:
        if converted := _to_download_error(error):
            raise converted from error
        raise


def _to_download_error(error: BaseException) -> DownloadError | OSError | None:
    """Convert an error of yt-dlp into one with a message for people; a full disk becomes OSError(ENOSPC).

    None for an exception that was not raised by yt-dlp.
    """
    if error_messages.DISK_FULL_PATTERN.search(str(error)):
        return OSError(errno.ENOSPC, str(error))
    bug = bugs.find_bug(error)
    if bug and (part := bugs.find_part(bug)):
        return DownloadError(*error_messages.explain_bug(part, bug))
    if not isinstance(error, YoutubeDLError):
        return None
    status = next((cause.status for cause in error_messages.walk_causes(error) if isinstance(cause, HTTPError)), None)
    unexpected = bugs.find_unexpected(error)
    extractor = f"extractor “{unexpected.ie}”" if unexpected and unexpected.ie else ""
    return SiteError(*error_messages.explain_error(str(error), status, extractor))
