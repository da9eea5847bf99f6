"""Media types: file extensions, their MIME types, and what browsers play.

A new media type is one line in `MEDIA_TYPES`, and its container one in `containers.CONTAINERS`. Where it is audio,
the generated column `kind` changes with it: run `manage.py makemigrations`.
"""

from pathlib import Path
from typing import NamedTuple


class MediaType(NamedTuple):
    """A media file extension: its MIME type, and which streams such a file may have."""

    content_type: str | None  # None where browsers do not play it: it is offered as a download
    is_audio: bool = False  # listed as audio
    may_lack_video: bool = False  # yt-dlp uses the extension for audio alone as well


# What browsers and players take for media, and nothing that a browser would run or render as a page.
MEDIA_TYPES: dict[str, MediaType] = {
    "mp4": MediaType("video/mp4"),
    "m4v": MediaType("video/mp4"),
    "mov": MediaType("video/quicktime"),
    "webm": MediaType("video/webm", may_lack_video=True),
    "mkv": MediaType("video/x-matroska"),
    "ogv": MediaType("video/ogg"),
    "ogg": MediaType("audio/ogg", is_audio=True, may_lack_video=True),
    "oga": MediaType("audio/ogg", is_audio=True),
    "opus": MediaType("audio/ogg", is_audio=True),
    "mp3": MediaType("audio/mpeg", is_audio=True),
    "m4a": MediaType("audio/mp4", is_audio=True),
    "m4b": MediaType("audio/mp4", is_audio=True),
    "aac": MediaType("audio/aac", is_audio=True),
    "flac": MediaType("audio/flac", is_audio=True),
    "wav": MediaType("audio/wav", is_audio=True),
    "weba": MediaType("audio/webm", is_audio=True),
    "mka": MediaType("audio/x-matroska", is_audio=True),
    "ts": MediaType(None),
    "mpg": MediaType(None),
    "mpeg": MediaType(None),
    "avi": MediaType(None),
    "flv": MediaType(None),
    "3gp": MediaType(None),
    "wmv": MediaType(None),
    "wma": MediaType(None, is_audio=True),
    "m2ts": MediaType(None),
    "mts": MediaType(None),
    "m2v": MediaType(None),
    "vob": MediaType(None),
    "f4v": MediaType("video/mp4"),
    "3g2": MediaType(None),
    "asf": MediaType(None),
    "rm": MediaType(None),
    "rmvb": MediaType(None),
    "ogm": MediaType(None),
    "mxf": MediaType(None),
    "dv": MediaType(None),
    "nut": MediaType(None),
    **dict.fromkeys(
        ("ac3", "aif", "aiff", "amr", "ape", "au", "caf", "dsf", "dts", "eac3", "mp2", "mpc", "ra", "spx", "tta", "wv"),
        MediaType(None, is_audio=True),
    ),
}
# Files beside the media that pages load.
COMPANION_CONTENT_TYPES = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "vtt": "text/vtt; charset=utf-8",
}
THUMBNAIL_SIGNATURES = {"jpg": b"\xff\xd8\xff", "png": b"\x89PNG\r\n\x1a\n", "webp": b"RIFF"}
MAX_THUMBNAIL_BYTES = 10_000_000

MEDIA_EXTENSIONS = frozenset(MEDIA_TYPES)
# In alphabetical order: the expression of a generated column and a migration hold it.
AUDIO_EXTENSIONS = tuple(sorted(extension for extension, media_type in MEDIA_TYPES.items() if media_type.is_audio))
AUDIO_OR_VIDEO_EXTENSIONS = frozenset(
    extension for extension, media_type in MEDIA_TYPES.items() if media_type.may_lack_video
)
# By suffix, with the dot. Any other file of the media folder is offered as a download, never shown.
CONTENT_TYPES = {
    f".{extension}": media_type.content_type for extension, media_type in MEDIA_TYPES.items() if media_type.content_type
} | {f".{extension}": content_type for extension, content_type in COMPANION_CONTENT_TYPES.items()}


def media_extension(media: Path) -> str | None:
    """Return a file's extension in lower case; None if it is not a media type that is kept."""
    extension = media.suffix[1:].lower()
    return extension if extension in MEDIA_EXTENSIONS else None


def thumbnail_extension(thumbnail: Path) -> str | None:
    """Return the extension for an image by its first bytes; None unless it is JPEG, PNG or WebP below 10 MB."""
    if thumbnail.stat().st_size >= MAX_THUMBNAIL_BYTES:
        return None
    with thumbnail.open("rb") as file:
        header = file.read(16)
    for extension, signature in THUMBNAIL_SIGNATURES.items():
        if header.startswith(signature) and (extension != "webp" or header[8:12] == b"WEBP"):
            return extension
    return None


def get_content_type(path: Path) -> str:
    """Return the Content-Type of a file in the media folder, by its suffix."""
    return CONTENT_TYPES.get(path.suffix.lower(), "application/octet-stream")


def may_lack_video(path: Path) -> bool:
    """Return whether the suffix of a media file leaves open that it has audio alone."""
    return path.suffix[1:].lower() in AUDIO_OR_VIDEO_EXTENSIONS
