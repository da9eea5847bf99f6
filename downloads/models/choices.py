"""The words a video is described with: its states, what to fetch, and what a look-up and a filing say of it."""

import dataclasses
import datetime as dt
import re
from typing import Self

from django.db import models
from django.utils import timezone

# Codes of languages, such as en,de,pt-BR; nothing else ever reaches yt-dlp as a pattern.
LANGUAGES = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*(,[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*){0,19}")

HIGHEST = 2**31 - 1  # priority: what a column of whole numbers holds
LONGEST_WAIT = dt.timedelta(days=1)  # of a video that is tried again


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
        """Read what `str` wrote; what is no place, or none that a video has had, is the usual one."""
        priority, _, moment = text.partition(" ")
        try:
            not_before = dt.datetime.fromisoformat(moment).astimezone(dt.UTC) if moment else None
            found = cls(int(priority), not_before)
        except (ValueError, OverflowError):
            return cls()
        soon = found.not_before is None or abs(found.not_before - timezone.now()) < LONGEST_WAIT
        return found if soon and abs(found.priority) < HIGHEST else cls()
