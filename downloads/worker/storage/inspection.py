"""Inspection of downloaded media: their container and streams, whatever their name, and damage."""

from pathlib import Path

from downloads.files import containers, ffmpeg, media_types
from downloads.files.containers import MediaInfo
from downloads.files.content_sniffing import describe_content
from downloads.files.declared_size import read_declared_size
from downloads.ytdlp.results import DownloadError

DAMAGED_MEDIA_MESSAGE = "The downloaded file is damaged or cut off. It can’t be played."
NO_MEDIA_MESSAGE = "The downloaded file isn’t a playable video."
READ_CHUNK_BYTES = 1024 * 1024
NO_STREAMS_MESSAGE = "The downloaded file has neither video nor audio."


def inspect_downloaded_media(media: Path, frame: Path | None = None) -> MediaInfo | None:
    """Return the container and streams of the downloaded media, whatever its name; None without ffmpeg.

    A frame of it is written to `frame` if that takes no run of its own. Raise DownloadError if it is no media, or
    cannot be read.
    """
    if description := describe_content(media):
        raise DownloadError(f"The site sent {description}, not a video.", True)
    if not ffmpeg.find_ffmpeg():
        if stored_extension(media, None) is None:
            raise DownloadError(f"The site sent a {media.suffix or 'nameless'} file, not a video.", True)
        return None
    media_info = ffmpeg.examine_media(media, frame)
    if media_info and media_info.video_codecs + media_info.audio_codecs:
        return media_info
    media_info = ffmpeg.inspect_media(media)
    if media_info and not media_info.video_codecs + media_info.audio_codecs:
        raise DownloadError(NO_STREAMS_MESSAGE, True)
    error = ffmpeg.validation_error(media)
    if media_info and not error:
        return media_info
    _read_whole(media)  # a disk that fails is no damage of the file
    is_damaged = media_info or containers.extension_by_signature(media)
    raise DownloadError(f"{DAMAGED_MEDIA_MESSAGE if is_damaged else NO_MEDIA_MESSAGE}\n{error}".rstrip(), True)


def _read_whole(media: Path) -> None:
    """Read a file to its end; raise OSError if the disk does not give it back."""
    with media.open("rb", buffering=0) as file:
        while file.read(READ_CHUNK_BYTES):
            pass


def stored_extension(media: Path, media_info: MediaInfo | None) -> str | None:
    """Return the extension to store a file under; None for one that is no media as far as can be told."""
    if media_info:
        return containers.choose_extension(media, media_info)
    return media_types.media_extension(media) or containers.extension_by_signature(media)


def describe_early_end(media: Path) -> list[str]:
    """Return a sentence if a file ends before the end that it declares: it plays, but not to its end."""
    size, declared_size = media.stat().st_size, read_declared_size(media) or 0
    if declared_size <= size:
        return []
    return [f"The site’s file ends early: it has {size / 1e6:.1f} of {declared_size / 1e6:.1f} MB."]
