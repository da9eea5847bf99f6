"""The models: what is stored, and what a row can do. Re-exports what other packages use."""

from downloads.models.choices import ACTIVE, ENDED, LANGUAGES, UNFINISHED, Quality, Status
from downloads.models.event import VideoEvent
from downloads.models.querysets import VideoQuerySet
from downloads.models.queue import Queue
from downloads.models.value_objects import Facts, Filed, Place
from downloads.models.video import LEASE, MAX_URL, RETRIES, Video, new_video_id

__all__ = [
    "ACTIVE",
    "ENDED",
    "LANGUAGES",
    "LEASE",
    "MAX_URL",
    "RETRIES",
    "UNFINISHED",
    "Facts",
    "Filed",
    "Place",
    "Quality",
    "Queue",
    "Status",
    "Video",
    "VideoEvent",
    "VideoQuerySet",
    "new_video_id",
]
