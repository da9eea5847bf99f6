"""Value objects: metadata, stored files, queue position."""

import dataclasses
import datetime as dt
from typing import Any, Self

from django.utils import timezone

MAX_PRIORITY = 2**31 - 1  # the largest value of an integer column
MAX_WAIT = dt.timedelta(days=367)  # of a video in the queue; a year is the longest wait for a release

MAX_CHAPTERS = 500
MAX_CHAPTER_TITLE_LENGTH = 200
MAX_CHAPTER_SECONDS = 10**7


@dataclasses.dataclass(frozen=True)
class Chapter:
    """Chapter of a video: where it starts, in seconds, and its title, which may be ""."""

    start: float
    title: str


def read_chapters(values: Any) -> list[Chapter]:
    """Return the chapters of a list of dicts, in their order in time; elements that are none are left out."""
    chapters: dict[float, Chapter] = {}
    for value in values if isinstance(values, list) else ():
        start, title = (_read_second(value.get("start")), value.get("title")) if isinstance(value, dict) else (None, "")
        if start is not None and isinstance(title, str):
            printable = "".join(character for character in title if character.isprintable()).strip()
            chapters.setdefault(start, Chapter(start, printable[:MAX_CHAPTER_TITLE_LENGTH]))
    return sorted(chapters.values(), key=lambda chapter: chapter.start)[:MAX_CHAPTERS]


def _read_second(value: Any) -> float | None:
    """Return a second of a video; None for anything else."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value < MAX_CHAPTER_SECONDS else None


@dataclasses.dataclass(frozen=True)
class Metadata:
    """Metadata of a video from its look-up; `Video.save_metadata` cuts texts to the length of their columns."""

    title: str = ""
    uploader: str = ""
    uploader_url: str = ""  # its page at the site
    description: str = ""
    duration: float | None = None  # seconds
    upload_date: dt.date | None = None
    extractor: str = ""
    source_id: str = ""
    webpage_url: str = ""
    chapters: list[dict[str, Any]] | None = None  # as `read_chapters` takes them; None if the site says nothing
    has_placeholder_title: bool = False  # made from a file name or an id: no better than one that is known already


MAX_START_DISTANCE = dt.timedelta(days=365)  # a release at a later date is a placeholder
MAX_LOOK_INTERVAL = dt.timedelta(hours=2)  # between two looks at a video whose release is over


@dataclasses.dataclass(frozen=True)
class ReleaseWait:
    """Wait for a video that is not up yet: the reason as a sentence, the next look, the announced start if any."""

    reason: str
    until: dt.datetime
    release_at: dt.datetime | None = None


@dataclasses.dataclass(frozen=True)
class StoredFiles:
    """Files in the media folder; paths are relative to it, sizes in bytes."""

    media_file: str
    size: int
    thumbnail: str = ""
    subtitle_files: list[dict[str, str]] = dataclasses.field(default_factory=list)
    duration: float | None = None  # seconds; read from the file if the look-up had none
    has_video: bool | None = None  # False for audio alone; None if unknown
    width: int | None = None  # pixels, as shown
    height: int | None = None
    video_codec: str | None = None  # such as "h264" or "h264 10-bit"; "" without video, None if unknown
    audio_codec: str | None = None


@dataclasses.dataclass(frozen=True)
class QueuePosition:
    """Position of a waiting video: higher priority starts first, and none before `not_before`."""

    priority: int = 0
    not_before: dt.datetime | None = None

    def __str__(self) -> str:
        return f"{self.priority} {self.not_before.isoformat() if self.not_before else ''}"

    @classmethod
    def from_string(cls, text: str) -> Self:
        """Parse the format of `str`; return the default position for anything else or out of range."""
        priority, _, moment = text.partition(" ")
        try:
            not_before = dt.datetime.fromisoformat(moment).astimezone(dt.UTC) if moment else None
            position = cls(int(priority), not_before)
        except (ValueError, OverflowError):
            return cls()
        soon = position.not_before is None or abs(position.not_before - timezone.now()) < MAX_WAIT
        return position if soon and abs(position.priority) < MAX_PRIORITY else cls()
