"""Exceptions that yt-dlp did not handle, such as mistakes in its code, and the part of it where they were raised."""

import traceback
import types
from pathlib import Path

from downloads.ytdlp import selected_ytdlp
from downloads.ytdlp.selected_ytdlp import ExtractorError, YoutubeDLError

# Mistakes in a program, unlike errors of the site or the network, that an extractor reports as its own.
BUG_TYPES = (
    LookupError,
    TypeError,
    AttributeError,
    ValueError,
    AssertionError,
    NameError,
    ArithmeticError,
    RecursionError,
    StopIteration,
)
YTDLP_FOLDER = selected_ytdlp.FOLDER
APP_FOLDER = Path(__file__).parent.parent


def find_unhandled(error: Exception) -> Exception | None:
    """Return the exception that yt-dlp did not handle: `error` itself, or what an extractor met; None if it did."""
    if not isinstance(error, YoutubeDLError):
        return error
    unexpected = find_unexpected(error)
    # What cannot be parsed is a ValueError, with a message of its own: the site sent something else.
    is_bug = unexpected and isinstance(unexpected.cause, BUG_TYPES) and not isinstance(unexpected.cause, ValueError)
    return unexpected.cause if unexpected and is_bug else None


def find_unexpected(error: BaseException | None) -> ExtractorError | None:
    """Return the error of an extractor that met what it did not expect; None if it foresaw the error.

    It is the context of the DownloadError that yt-dlp raises, which has only the extractor's own cause with it.
    """
    while error is not None and not isinstance(error, ExtractorError):
        error = error.__context__
    return error if error and not error.expected else None


def find_part(error: BaseException) -> str | None:
    """Return the part of yt-dlp that raised an exception, as 'extractor “youtube”'; None if it was not yt-dlp."""
    part = None
    for frame, _ in traceback.walk_tb(error.__traceback__):
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(APP_FOLDER):
            part = None
        elif path.is_relative_to(YTDLP_FOLDER):
            part = _extractor_name(frame) or part if _is_extractor(path) else None
            part = part or f"{path.relative_to(YTDLP_FOLDER).parts[0].removesuffix('.py')} “{path.stem}”"
    return part


def _is_extractor(path: Path) -> bool:
    return path.is_relative_to(YTDLP_FOLDER / "extractor")


def _extractor_name(frame: types.FrameType) -> str | None:
    """Return the extractor whose method a frame is, by its own name; None for a function beside it."""
    extractor = frame.f_locals.get("self") or frame.f_locals.get("cls")
    name = getattr(extractor, "IE_NAME", None)
    return f"extractor “{name}”" if name else None
