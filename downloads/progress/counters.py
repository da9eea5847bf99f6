"""Counters of a process, summed in Redis over all processes, so that each of them can answer `/metrics`."""

import logging
from collections import Counter
from typing import Any

import redis

from downloads.progress.keys import COUNTS_KEY

logger = logging.getLogger(__name__)

# Fields of the hash COUNTS_KEY.
MESSAGES_TAKEN = "messages_taken"
MESSAGES_DROPPED_PREFIX = "messages_dropped."  # followed by the reason
BATCHES_SENT = "batches"
FRAMES_IGNORED = "frames_ignored"
CLIENTS_DROPPED = "clients_dropped"
REQUESTS_REFUSED_PREFIX = "requests_refused."  # followed by the status, or the close code


class Counters:
    """Counters of one process."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._flushed_counts: Counter[str] = Counter()

    def count_dropped(self, reason: str) -> int:
        """Count a message that was not applied; return the number of messages dropped for this reason."""
        self.counts[MESSAGES_DROPPED_PREFIX + reason] += 1
        return self.counts[MESSAGES_DROPPED_PREFIX + reason]

    async def flush(self, redis_client: Any) -> None:
        """Add the counts since the last flush to the sums in Redis; after a failure the next flush adds them."""
        unflushed = self.counts - self._flushed_counts
        if not unflushed:
            return
        try:
            async with redis_client.pipeline(transaction=False) as pipe:
                for name, count in unflushed.items():
                    pipe.hincrby(COUNTS_KEY, name, count)
                await pipe.execute()
        except (redis.RedisError, OSError) as error:
            logger.debug("counters are flushed later: %s", error)
        else:
            self._flushed_counts.update(unflushed)
