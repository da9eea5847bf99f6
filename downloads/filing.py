"""How a fetched video is put away: safe names, allowed kinds, and one rename into the media folder."""

import os
import re
import shutil
import unicodedata
from pathlib import Path

from django.conf import settings

# What browsers and players take for media, and nothing that a browser would run or render as a page.
MEDIA_KINDS = frozenset(
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
PICTURE_STARTS = {"jpg": b"\xff\xd8\xff", "png": b"\x89PNG\r\n\x1a\n", "webp": b"RIFF"}
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.I)
LONGEST_NAME = 150  # bytes: with the longest ending still below the 255 of a file system


def safe_name(title: str) -> str:
    """Return a file name for a title, without an ending: one plain name on any system, never empty."""
    text = unicodedata.normalize("NFC", title)
    # Control, format (text that runs backwards), surrogate and private characters; then what systems reserve.
    text = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text)
    text = re.sub(r'[\\/:*?"<>|]', "_", text)
    text = " ".join(text.split()).lstrip(".-~ ")
    text = text.encode()[:LONGEST_NAME].decode("utf-8", "ignore").rstrip(". ")
    return f"_{text}" if RESERVED.fullmatch(text) else text or "video"


def kind_of(media: Path) -> str | None:
    """Return a media file's allowed ending, None for one that is not."""
    kind = media.suffix[1:].lower()
    return kind if kind in MEDIA_KINDS else None


def picture_kind(picture: Path) -> str | None:
    """Return the ending that a picture's first bytes ask for, None for what is no jpg, png or webp."""
    with picture.open("rb") as file:
        start = file.read(16)
    for kind, mark in PICTURE_STARTS.items():
        if start.startswith(mark) and (kind != "webp" or start[8:12] == b"WEBP"):
            return kind
    return None


def sync(folder: Path) -> None:
    """Have the folder's files on the disk itself, so that a power cut leaves no half file behind a whole row."""
    for path in (*folder.iterdir(), folder):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def place(ready: Path, video_id: str) -> None:
    """Rename the folder `ready` to the video's own in the media folder, in place of an older one.

    Done again after it was done (the database refused to commit), it leaves things as they are.
    """
    target = settings.MEDIA_ROOT / video_id
    if not ready.exists() and target.exists():
        return
    if target.exists():
        old = ready.with_name("old")
        shutil.rmtree(old, ignore_errors=True)
        target.rename(old)
    ready.rename(target)
    handle = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
