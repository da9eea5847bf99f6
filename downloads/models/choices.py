"""The words a video is described with: its states, what to fetch, and what a look-up and a filing say of it."""

import re

from django.db import models

# Codes of languages, such as en,de,pt-BR; nothing else ever reaches yt-dlp as a pattern.
SUBTITLE_LANGUAGES_PATTERN = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*(,[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*){0,19}")


class Status(models.TextChoices):
    """The states of a video; its values are those of the wire."""

    QUEUED = "queued", "Waiting"
    DOWNLOADING = "downloading", "Downloading"
    PROCESSING = "processing", "Processing"
    COMPLETE = "complete", "Complete"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


ACTIVE_STATUSES = (Status.DOWNLOADING, Status.PROCESSING)
UNFINISHED_STATUSES = (Status.QUEUED, *ACTIVE_STATUSES)
TERMINAL_STATUSES = (Status.COMPLETE, Status.FAILED, Status.CANCELLED)


class Quality(models.TextChoices):
    """What to fetch where a site offers a choice."""

    BEST = "best", "Best"
    P1080 = "1080p", "1080p"
    P720 = "720p", "720p"
    P480 = "480p", "480p"
    AUDIO = "audio", "Audio only"
