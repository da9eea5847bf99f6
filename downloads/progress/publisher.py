"""Publish progress, and read the latest from the snapshot store."""

import contextlib
import logging
import time
from collections.abc import Mapping
from typing import Any

import redis.asyncio

from downloads.outage_log import OutageLog
from downloads.progress.keys import SNAPSHOT_KEY, VIDEO_ID_PATTERN, WAKE_CHANNEL, progress_channel
from downloads.progress.message import InvalidMessage, Progress
from downloads.progress.redis_clients import get_redis_client
from downloads.progress.redis_errors import describe_with_error

logger = logging.getLogger(__name__)
QUEUED_STATUS = "queued"
REDIS_BACKOFF_SECONDS = 1.0  # no attempt after a failure, so that many messages do not each wait for a timeout
_backoff_until = 0.0  # monotonic clock
_outage_log = OutageLog(logger, "Progress is not published: %s", "Redis can be used again, progress is published")


def publish_progress(video_id: str, progress: Progress) -> bool:
    """Publish a video's progress; False (logged once per outage) while Redis is unreachable.

    Never raises for Redis: a download continues without its progress bar, and the bridge reconciles
    with the rows. Raises ValueError for an invalid id.
    """
    return publish_many({video_id: progress})


def publish_many(progress_by_id: Mapping[str, Progress]) -> bool:
    """Publish the progress of several videos in one round trip; result and errors are those of `publish_progress`."""
    global _backoff_until
    for video_id in progress_by_id:
        if not VIDEO_ID_PATTERN.fullmatch(video_id):
            raise ValueError(f"{video_id!r} is no video id: use 1 to 64 of letters, digits, '_', '-', '.' and ':'.")
    now = time.monotonic()
    if now < _backoff_until:
        return False
    try:
        _send_messages(progress_by_id)
    except (redis.RedisError, OSError) as error:
        _outage_log.failed(describe_with_error(error))
        _backoff_until = now + REDIS_BACKOFF_SECONDS
        return False
    _backoff_until = 0.0
    _outage_log.recovered()
    return True


def wake_workers() -> None:
    """Have workers look at once at what is to be done, not at their next poll; skipped while Redis is unreachable."""
    try:
        get_redis_client().publish(WAKE_CHANNEL, b"")
    except (redis.RedisError, OSError) as error:
        _outage_log.failed(describe_with_error(error))


def _send_messages(progress_by_id: Mapping[str, Progress]) -> None:
    with get_redis_client().pipeline(transaction=False) as pipeline:
        for video_id, progress in progress_by_id.items():
            pipeline.publish(progress_channel(video_id), progress.to_json())
        # Last: whoever may not publish there has sent the progress, and workers look at the queue from time to time.
        if any(progress.status == QUEUED_STATUS for progress in progress_by_id.values()):
            pipeline.publish(WAKE_CHANNEL, b"")
        for result in pipeline.execute(raise_on_error=False)[: len(progress_by_id)]:
            if isinstance(result, Exception):
                raise result


def count_subscribers(video_id: str) -> int:
    """Return how many subscriptions of Redis receive this video's progress, the bridge's included; 0 without Redis."""
    client = get_redis_client()
    try:
        ((_, channels),) = client.pubsub_numsub(progress_channel(video_id))
        return int(channels) + int(client.pubsub_numpat())
    except (redis.RedisError, OSError):
        return 0


def latest(video_ids: list[str]) -> dict[str, Progress]:
    """Return the stored progress of those of these videos that are active; none while Redis is unreachable."""
    try:
        texts: list[Any] = get_redis_client().hmget(SNAPSHOT_KEY, video_ids) if video_ids else []
    except (redis.RedisError, OSError):
        return {}
    progress_by_id = {}
    for video_id, text in zip(video_ids, texts, strict=True):
        with contextlib.suppress(InvalidMessage):
            progress_by_id[video_id] = Progress.from_json(text or b"")
    return progress_by_id
