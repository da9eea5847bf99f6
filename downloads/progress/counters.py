"""What a process counts, added in Redis to what all others count: `/metrics` is the same wherever it is asked."""

import logging
from collections import Counter
from typing import Any

import redis

from downloads.progress.keys import COUNTS_KEY

logger = logging.getLogger(__name__)

# What is counted.
MESSAGES_TAKEN, MESSAGES_DROPPED_PREFIX, BATCHES_SENT = (
    "messages_taken",
    "messages_dropped.",
    "batches",
)  # the second with its reason
FRAMES_IGNORED, CLIENTS_DROPPED = "frames_ignored", "clients_dropped"


class Counters:
    """The counts of one process."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._flushed_counts: Counter[str] = Counter()

    def count_dropped(self, reason: str) -> int:
        """Count a message that was not taken; return how many there were for this reason."""
        self.counts[MESSAGES_DROPPED_PREFIX + reason] += 1
        return self.counts[MESSAGES_DROPPED_PREFIX + reason]

    async def flush(self, redis_client: Any) -> None:
        """Add what was counted since the last time to the sums; what cannot be told now is told later."""
        news = self.counts - self._flushed_counts
        if not news:
            return
        try:
            async with redis_client.pipeline(transaction=False) as pipe:
                for name, count in news.items():
                    pipe.hincrby(COUNTS_KEY, name, count)
                await pipe.execute()
        except (redis.RedisError, OSError) as error:
            logger.debug("what was counted is told later: %s", error)
        else:
            self._flushed_counts.update(news)
