"""Choices of the columns of a video: status and quality."""

from django.db import models


class Status(models.TextChoices):
    """Status of a video; the values are those on the wire."""

    QUEUED = "queued", "Waiting"
    DOWNLOADING = "downloading", "Downloading"
    PROCESSING = "processing", "Processing"
    COMPLETE = "complete", "Complete"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


ACTIVE_STATUSES = (Status.DOWNLOADING, Status.PROCESSING)
UNFINISHED_STATUSES = (Status.QUEUED, *ACTIVE_STATUSES)
# Listed under Activity; all others can be watched.
ACTIVITY_STATUSES = (*UNFINISHED_STATUSES, Status.FAILED, Status.CANCELLED)
TERMINAL_STATUSES = (Status.COMPLETE, Status.FAILED, Status.CANCELLED)


class Quality(models.TextChoices):
    """Format to fetch where a site offers a choice."""

    BEST = "best", "Best"
    P1080 = "1080p", "1080p"
    P720 = "720p", "720p"
    P480 = "480p", "480p"
    AUDIO = "audio", "Audio only"
