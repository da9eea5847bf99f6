"""Sentence that says why downloads or live progress stand still, for the people who wait for them."""

import json
import threading
import time

import redis

from downloads.monitoring.redis_writes import check_redis_server
from downloads.monitoring.results import CheckFailed
from downloads.progress import keys, redis_clients
from downloads.progress.redis_clock import read_redis_clock

# A restart of a worker or a bridge takes seconds, and Redis forgets the sign of a worker after WORKER_SEEN_SECONDS.
MAX_BRIDGE_SILENCE_SECONDS = 30.0
# After the start of this process the others may be just starting.
START_GRACE_SECONDS = 30.0
CACHE_SECONDS = 2.0
NO_WORKER_SENTENCE = (
    "Nothing is being downloaded: no worker is running. `manage.py up` starts one, and `manage.py work` one alone."
)
NO_BRIDGE_SENTENCE = "Progress is not live: no bridge is running (`manage.py bridge_progress`). Downloads go on."

_started_at = time.monotonic()
_lock = threading.Lock()
_cached: tuple[float, str] = (float("-inf"), "")  # when it was read (monotonic), the sentence


def standstill_sentence() -> str:
    """Return the sentence, at most CACHE_SECONDS old; "" while all works. Takes half a second while Redis is frozen."""
    global _cached
    read_at, sentence = _cached
    # While another thread asks, the last answer does.
    if time.monotonic() - read_at >= CACHE_SECONDS and _lock.acquire(blocking=False):
        try:
            sentence = _read_sentence()
            _cached = time.monotonic(), sentence
        finally:
            _lock.release()
    return sentence


def _read_sentence() -> str:
    try:
        check_redis_server()
        if time.monotonic() - _started_at < START_GRACE_SECONDS:
            return ""
        client = redis_clients.get_redis_client()
        if not client.exists(keys.WORKER_SEEN_KEY):
            return NO_WORKER_SENTENCE
        return "" if _is_bridge_seen(client) else NO_BRIDGE_SENTENCE
    except CheckFailed as failure:
        return f"{failure} Downloads go on, without live progress."
    except (redis.RedisError, OSError):
        return "Redis does not answer. Downloads go on, without live progress."


def _is_bridge_seen(client: redis.Redis) -> bool:
    head = client.hget(keys.SNAPSHOT_KEY, keys.SNAPSHOT_HEAD_FIELD)
    if client.exists(keys.LEADER_KEY):
        return True
    # By Redis' clock, which wrote the time: that of this machine may differ.
    return head is not None and abs(read_redis_clock() - float(json.loads(head)["at"])) < MAX_BRIDGE_SILENCE_SECONDS
