"""Heartbeats of bridges and workers in Redis, which need nothing of Django's models.

A check returns the time when its component was last seen alive (Unix time), or raises CheckFailed.
"""

import json
import time

from downloads.monitoring.results import CheckFailed
from downloads.progress import keys, redis_clients
from downloads.progress.redis_clock import to_local_time

BRIDGE_TIMEOUT_SECONDS = 4.0  # the leading bridge writes at least every 2 seconds


def check_bridge() -> float:
    """Return the time of the leading bridge's last heartbeat; it must hold the lease too."""
    head = redis_clients.get_redis_client().hget(keys.SNAPSHOT_KEY, keys.SNAPSHOT_HEAD_FIELD)
    if not head or not redis_clients.get_redis_client().exists(keys.LEADER_KEY):
        raise CheckFailed("No bridge leads: is `manage.py bridge_progress` running?")
    heartbeat_at = to_local_time(float(json.loads(head)["at"]))
    if abs(time.time() - heartbeat_at) >= BRIDGE_TIMEOUT_SECONDS:
        raise CheckFailed("The bridge has fallen silent.")
    return heartbeat_at


def check_worker() -> float:
    """Return the time of the latest heartbeat of any worker that claims videos."""
    heartbeats = worker_heartbeats()
    if not heartbeats:
        raise CheckFailed("No worker claims: is `manage.py work` running?")
    return max(heartbeats)


def worker_heartbeats() -> list[float]:
    """Return the time of each running worker's last heartbeat; the key of a dead one expires within seconds."""
    return [to_local_time(float(heartbeat)) for heartbeat in redis_clients.get_all(keys.WORKER_KEY_PREFIX)]
