"""The models: what is stored, and what a row can do. Re-exports what other packages use."""

from downloads.models.choices import ACTIVE_STATUSES, TERMINAL_STATUSES, SUBTITLE_LANGUAGES_PATTERN, UNFINISHED_STATUSES, Quality, Status
from downloads.models.event import VideoEvent
from downloads.models.querysets import VideoQuerySet
from downloads.models.queue import Queue
from downloads.models.value_objects import Metadata, StoredFiles, QueuePosition
from downloads.models.video import LEASE_DURATION, MAX_URL_LENGTH, MAX_RETRIES, Video, new_video_id

__all__ = [
    "ACTIVE_STATUSES",
    "TERMINAL_STATUSES",
    "SUBTITLE_LANGUAGES_PATTERN",
    "LEASE_DURATION",
    "MAX_URL_LENGTH",
    "MAX_RETRIES",
    "UNFINISHED_STATUSES",
    "Metadata",
    "StoredFiles",
    "QueuePosition",
    "Quality",
    "Queue",
    "Status",
    "Video",
    "VideoEvent",
    "VideoQuerySet",
    "new_video_id",
]
