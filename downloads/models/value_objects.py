"""Value objects: metadata, stored files, queue position."""

import dataclasses
import datetime as dt
from typing import Self

from django.utils import timezone

MAX_PRIORITY = 2**31 - 1  # the largest value of an integer column
MAX_WAIT = dt.timedelta(days=367)  # of a video in the queue; a year is the longest wait for a release


@dataclasses.dataclass(frozen=True)
class Metadata:
    """Metadata of a video from its look-up; `Video.save_metadata` cuts texts to the length of their columns."""

    title: str = ""
    uploader: str = ""
    description: str = ""
    duration: float | None = None  # seconds
    upload_date: dt.date | None = None
    extractor: str = ""
    source_id: str = ""
    webpage_url: str = ""
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
