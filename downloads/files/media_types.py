"""Media types: file endings, their MIME types, and what browsers play."""

from pathlib import Path

# What browsers and players take for media, and nothing that a browser would run or render as a page.
MEDIA_EXTENSIONS = frozenset(
    [
        "mp4",
        "m4v",
        "mov",
        "webm",
        "mkv",
        "ogv",
        "ogg",
        "oga",
        "opus",
        "mp3",
        "m4a",
        "aac",
        "flac",
        "wav",
        "weba",
        "ts",
        "mpg",
        "mpeg",
        "avi",
        "flv",
        "3gp",
        "wmv",
        "wma",
    ]
)
# What only sound is called: yt-dlp leaves these endings whether there are pictures or not.
AUDIO_ONLY_EXTENSIONS = {"mp4": "m4a", "webm": "weba"}
THUMBNAIL_SIGNATURES = {"jpg": b"\xff\xd8\xff", "png": b"\x89PNG\r\n\x1a\n", "webp": b"RIFF"}
MAX_THUMBNAIL_BYTES = 10_000_000  # bytes


# Whatever else lies in the media folder is offered as a download, never shown.
CONTENT_TYPES = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".webm": "video/webm",
    ".mkv": "video/x-matroska",
    ".mov": "video/quicktime",
    ".ogv": "video/ogg",
    ".m4a": "audio/mp4",
    ".weba": "audio/webm",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".flac": "audio/flac",
    ".wav": "audio/wav",
    ".aac": "audio/aac",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".vtt": "text/vtt; charset=utf-8",
}


def media_extension(media: Path) -> str | None:
    """Return a media file's allowed ending, None for one that is not."""
    kind = media.suffix[1:].lower()
    return kind if kind in MEDIA_EXTENSIONS else None


def thumbnail_extension(thumbnail: Path) -> str | None:
    """Return the ending that a picture's first bytes ask for, None for what is no jpg, png or webp."""
    if thumbnail.stat().st_size >= MAX_THUMBNAIL_BYTES:
        return None
    with thumbnail.open("rb") as file:
        start = file.read(16)
    for kind, mark in THUMBNAIL_SIGNATURES.items():
        if start.startswith(mark) and (kind != "webp" or start[8:12] == b"WEBP"):
            return kind
    return None


def get_content_type(path: Path) -> str:
    return CONTENT_TYPES.get(path.suffix.lower(), "application/octet-stream")
