"""Videos that were played recently, by the files that were served: retention leaves them alone.

Kept in Redis for an hour. Without Redis nothing is known, so nothing is removed meanwhile.
"""

import logging
import time

from downloads.outage_log import OutageLog
from downloads.progress.keys import PLAY_KEY_PREFIX
from downloads.progress.redis_clients import REDIS_ERRORS, get_redis_client

logger = logging.getLogger(__name__)
outage_log = OutageLog(logger, "Plays cannot be noted: %s", "Plays are noted again")
PLAYED_SECONDS = 3600
RECORD_INTERVAL_SECONDS = 60.0  # per video and process: a player requests a piece every few seconds
MAX_REMEMBERED = 1000
_recorded_at: dict[str, float] = {}


def is_due(video_id: str) -> bool:
    """Tell whether a play is to be noted (again); cheap enough for every request."""
    return time.monotonic() - _recorded_at.get(video_id, -RECORD_INTERVAL_SECONDS) >= RECORD_INTERVAL_SECONDS


def record_play(video_id: str) -> None:
    """Note that a video is being played; an outage of Redis is logged once."""
    if len(_recorded_at) >= MAX_REMEMBERED:
        _recorded_at.clear()
    _recorded_at[video_id] = time.monotonic()
    try:
        get_redis_client().set(PLAY_KEY_PREFIX + video_id, "1", ex=PLAYED_SECONDS)
    except REDIS_ERRORS as error:
        outage_log.failed(error)
    else:
        outage_log.recovered()


def was_played(video_id: str) -> bool:
    """Tell whether a video was played within the last hour; raise one of REDIS_ERRORS while nobody knows."""
    return bool(get_redis_client().exists(PLAY_KEY_PREFIX + video_id))
