"""Lease of the leading bridge: one key in Redis that expires unless its holder renews it."""

import secrets
from collections.abc import Callable
from typing import Any

from downloads.progress.keys import LEADER_KEY

BRIDGE_LEASE_SECONDS = 3.0  # another bridge takes over at most this and one retry after the leader's death

# Take the lease if it is free, or longer than any: then Redis' clock was set back after its holder had died.
# KEYS: lease. ARGV: token, lease in ms.
ACQUIRE_LEASE_SCRIPT = """
local holder, remaining = redis.call('GET', KEYS[1]), redis.call('PTTL', KEYS[1])
local is_valid = remaining >= 0 and remaining <= tonumber(ARGV[2])
if holder == ARGV[1] then return 1 end
if holder and is_valid then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
RELEASE_LEASE_SCRIPT = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class LeadershipLost(Exception):
    """The lease is lost, or messages may have been missed: begin a new epoch, from the rows."""


class Lease:
    """Lease of one bridge, timed on its own clock from before each command that takes or renews it.

    So this process believes that it holds the lease for at most as long as Redis does, also after a pause.
    """

    def __init__(self, redis_client: Any, clock: Callable[[], float]) -> None:
        self.token = secrets.token_hex(16)
        self.clock = clock
        self.duration_ms = int(BRIDGE_LEASE_SECONDS * 1000)
        self._redis_client = redis_client
        self._held_until = 0.0

    @property
    def is_held(self) -> bool:
        """True as long as the lease cannot have expired."""
        return self.clock() < self._held_until

    async def acquire(self) -> bool:
        """Take the lease if it is free; False if another bridge holds it.

        A lease that is ours from an earlier epoch counts as taken although it may be about to expire:
        the first write of the snapshot store renews it or raises LeadershipLost.
        """
        started_at = self.clock()
        if not await self._redis_client.eval(ACQUIRE_LEASE_SCRIPT, 1, LEADER_KEY, self.token, self.duration_ms):
            return False
        self.mark_renewed(started_at)
        return True

    def mark_renewed(self, started_at: float) -> None:
        """Count the lease from `started_at`, when a command was sent that has renewed it."""
        self._held_until = started_at + BRIDGE_LEASE_SECONDS

    async def release(self) -> None:
        """Give the lease back, if it is still ours, so that another bridge leads at once."""
        await self._redis_client.eval(RELEASE_LEASE_SCRIPT, 1, LEADER_KEY, self.token)
