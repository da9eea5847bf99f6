"""The words a video is described with: its states, what to fetch, and what a look-up and a filing say of it."""

import dataclasses
import datetime as dt
import re
from typing import Self

from django.db import models

# Codes of languages, such as en,de,pt-BR; nothing else ever reaches yt-dlp as a pattern.
LANGUAGES = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*(,[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*){0,19}")

MOST = 2**31 - 1  # of a column of whole numbers


class Status(models.TextChoices):
    """The states of a video; its values are those of the wire."""

    QUEUED = "queued", "Waiting"
    DOWNLOADING = "downloading", "Downloading"
    PROCESSING = "processing", "Processing"
    COMPLETE = "complete", "Complete"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


ACTIVE = (Status.DOWNLOADING, Status.PROCESSING)
UNFINISHED = (Status.QUEUED, *ACTIVE)
ENDED = (Status.COMPLETE, Status.FAILED, Status.CANCELLED)


class Quality(models.TextChoices):
    """What to fetch where a site offers a choice."""

    BEST = "best", "Best"
    P1080 = "1080p", "1080p"
    P720 = "720p", "720p"
    P480 = "480p", "480p"
    AUDIO = "audio", "Audio only"


@dataclasses.dataclass(frozen=True)
class Facts:
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
class Filed:
    """What lies in the media folder; paths are relative to it, sizes in bytes."""

    media_file: str
    size: int
    thumbnail: str = ""
    tracks: list[dict[str, str]] = dataclasses.field(default_factory=list)
    duration: float | None = None  # seconds, of the file, where the look-up knew none


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a waiting video stands: what has more priority starts sooner, and none before its time."""

    priority: int = 0
    not_before: dt.datetime | None = None

    def __str__(self) -> str:
        return f"{self.priority} {self.not_before.isoformat() if self.not_before else ''}"

    @classmethod
    def read(cls, text: str) -> Self:
        """Read what `str` wrote; what is no place is the usual one."""
        priority, _, moment = text.partition(" ")
        try:
            not_before = dt.datetime.fromisoformat(moment) if moment else None
            return cls(max(-MOST, min(int(priority), MOST)), not_before if not_before and not_before.tzinfo else None)
        except (ValueError, OverflowError):
            return cls()
