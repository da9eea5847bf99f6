"""Presence of workers: pages ask for the state of the queue when the last worker is gone, and when one is back."""

import secrets
import time
from collections.abc import Callable
from typing import Any

from downloads.models.event import QUEUE_PUBLIC_ID
from downloads.progress.keys import WORKER_SEEN_KEY, progress_channel
from downloads.progress.message import Progress

REPEAT_INTERVAL_SECONDS = 30.0  # while there is none; a page may have been opened before it says so


class WorkerPresence:
    """Presence of workers, as last read from Redis."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._is_present: bool | None = None
        self._published_at = clock()

    async def publish_change(self, redis_client: Any) -> None:
        """Publish a change of the queue if that has changed since the last call, and now and then while none runs."""
        is_present = bool(await redis_client.exists(WORKER_SEEN_KEY))
        has_changed = self._is_present not in (None, is_present)
        is_repeated = not is_present and self._clock() - self._published_at >= REPEAT_INTERVAL_SECONDS
        if has_changed or is_repeated:
            # An id of its own each time, since a page does not ask again for one that it has learnt is no video.
            channel = progress_channel(f"{QUEUE_PUBLIC_ID}:{secrets.token_hex(8)}")
            await redis_client.publish(channel, Progress(status="queued", changed=True).to_json())
            self._published_at = self._clock()
        self._is_present = is_present
