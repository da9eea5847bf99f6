"""Redis' clock: heartbeats carry its time, since the clocks of the machines that read them may differ."""

import time
from typing import Any

from downloads.progress.redis_clients import get_redis_client


def read_redis_clock() -> float:
    """Return Unix time by Redis' clock; raise redis.RedisError."""
    reply: Any = get_redis_client().time()
    seconds, microseconds = reply
    return float(seconds + microseconds / 1e6)


def to_local_time(redis_time: float) -> float:
    """Return the Unix time by this machine's clock that was when Redis' clock showed `redis_time`."""
    return time.time() - (read_redis_clock() - redis_time)
