"""Value objects that videos are changed with."""

import dataclasses
import datetime as dt
from typing import Self

from django.utils import timezone

MAX_PRIORITY = 2**31 - 1  # priority: what a column of whole numbers holds
MAX_RETRY_DELAY = dt.timedelta(days=1)  # of a video that is tried again


@dataclasses.dataclass(frozen=True)
class Metadata:
    """What a look-up says about a video; lengths are cut to the columns' by `Video.describe`."""

    title: str = ""
    uploader: str = ""
    description: str = ""
    duration: float | None = None  # seconds
    upload_date: dt.date | None = None
    extractor: str = ""
    source_id: str = ""
    webpage_url: str = ""


@dataclasses.dataclass(frozen=True)
class StoredFiles:
    """What lies in the media folder; paths are relative to it, sizes in bytes."""

    media_file: str
    size: int
    thumbnail: str = ""
    subtitle_files: list[dict[str, str]] = dataclasses.field(default_factory=list)
    duration: float | None = None  # seconds, of the file, where the look-up knew none


@dataclasses.dataclass(frozen=True)
class QueuePosition:
    """Where a waiting video stands: what has more priority starts sooner, and none before its time."""

    priority: int = 0
    not_before: dt.datetime | None = None

    def __str__(self) -> str:
        return f"{self.priority} {self.not_before.isoformat() if self.not_before else ''}"

    @classmethod
    def from_string(cls, text: str) -> Self:
        """Read what `str` wrote; what is no place, or none that a video has had, is the usual one."""
        priority, _, moment = text.partition(" ")
        try:
            not_before = dt.datetime.fromisoformat(moment).astimezone(dt.UTC) if moment else None
            found = cls(int(priority), not_before)
        except (ValueError, OverflowError):
            return cls()
        soon = found.not_before is None or abs(found.not_before - timezone.now()) < MAX_RETRY_DELAY
        return found if soon and abs(found.priority) < MAX_PRIORITY else cls()
