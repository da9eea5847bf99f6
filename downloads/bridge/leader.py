"""The bridge: from Redis' `progress:*` to one conflated batch per tick for the group `progress`.

Several may run: the one that holds the lease leads. It subscribes, reads what is known (the snapshot
store and the rows), and from then on sends batches under an epoch of its own. Whatever makes it
possible that messages were missed (a lease lost, a subscription made anew, Redis away) ends that
epoch, and leading begins again.
"""

import asyncio
import contextlib
import logging
import random
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from downloads.bridge.epoch import DEAF_AFTER, Epoch, cancelled
from downloads.bridge.lease import LEASE, RELEASE, Interrupted
from downloads.bridge.rows import Rows
from downloads.bridge.snapshot_store import STORE
from downloads.bridge.video_state import Track
from downloads.progress.counters import Counters
from downloads.progress.keys import CHANNEL_PATTERN, ECHO_CHANNEL_PREFIX, PROGRESS_GROUP, LEADER_KEY, SNAPSHOT_KEY
from downloads.progress.redis_clients import REDIS_ERRORS

logger = logging.getLogger(__name__)

RETRY = 0.5  # between tries for the lease, and for Redis


class Bridge:
    """One bridge process."""

    def __init__(
        self,
        client: Any,
        channel_layer: Any,
        tick: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.client = client
        self.channel_layer = channel_layer
        self.tick = tick
        self.clock = clock
        self.rows = Rows()
        self.token = secrets.token_hex(16)
        self.stopping = asyncio.Event()
        self.leads_until = 0.0
        self.away = False
        self.epoch: Epoch | None = None
        self.remembered: OrderedDict[str, Track] = OrderedDict()
        self.tally = Counters()
        # Events up to here are known to have reached the pages; None: look at the last ten minutes.
        self.reconciled_rev: int | None = None
        self._complained = float("-inf")

    # Leading, or waiting to ------------------------------------------------------------------------

    async def run(self) -> None:
        """Lead whenever nobody else does, until `stop`; Redis may be away for any length of time."""
        while not self.stopping.is_set():
            try:
                if await self._take_lease():
                    self._is_back()
                    await self._lead()
            except Interrupted as reason:
                logger.warning("%s: beginning a new epoch", reason)
                continue
            except REDIS_ERRORS as error:
                self._is_away(error)
            await self._pause(RETRY * random.uniform(0.5, 1))  # noqa: S311 - so that two bridges do not march in step
        with contextlib.suppress(*REDIS_ERRORS):
            await self.client.eval(RELEASE, 1, LEADER_KEY, self.token)

    def stop(self) -> None:
        """End after the batch in hand; the lease is given back, so that another bridge leads at once."""
        self.stopping.set()
        if self.epoch:
            self.epoch.fresh.set()

    def refused(self, reason: str, channel: bytes) -> None:
        """Count a message that cannot be used, and log it, at most once a second."""
        count = self.tally.count_dropped(reason)
        now = self.clock()
        if now - self._complained >= 1.0:
            self._complained = now
            logger.warning("a message on %r cannot be used: %s (%d such)", channel[:100], reason, count)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds)

    async def _take_lease(self) -> bool:
        before = self.clock()
        taken = await self.client.set(LEADER_KEY, self.token, nx=True, px=int(LEASE * 1000))
        if not taken and await self.client.get(LEADER_KEY) != self.token.encode():
            self._is_back()
            return False
        # Ours from an earlier epoch, perhaps about to end: the first write renews it or says that it is lost.
        self.leads_until = before + LEASE
        return True

    def _is_away(self, error: BaseException) -> None:
        if not self.away:
            logger.warning("Redis cannot be reached, trying until it can: %s", error)
        self.away = True

    def _is_back(self) -> None:
        if self.away:
            logger.info("Redis is back")
        self.away = False

    async def _lead(self) -> None:
        """Subscribe, then send batches, until stopped or interrupted."""
        async with self.client.pubsub() as pubsub, contextlib.AsyncExitStack() as stack:
            epoch = self.epoch = Epoch(self)
            stack.push_async_callback(epoch.end)
            await pubsub.psubscribe(CHANNEL_PATTERN)
            await pubsub.subscribe(ECHO_CHANNEL_PREFIX + self.token)
            await _confirmed(pubsub, 2)
            reader = asyncio.create_task(epoch.read(pubsub))
            stack.push_async_callback(cancelled, reader)
            await epoch.begin()
            logger.info("subscribed and leading, epoch %s", epoch.name)
            await epoch.send_batches(reader)

    # What an epoch sends -----------------------------------------------------------------------------

    async def store(self, *, anew: bool, head: str, put: dict[str, str], drop: list[str]) -> None:
        """Write the snapshot store and renew the lease; raise Interrupted if it is lost."""
        before = self.clock()
        pairs = [part for pair in put.items() for part in pair]
        values = [self.token, int(LEASE * 1000), int(anew), head, len(put), *pairs, *drop]
        if not await self.client.eval(STORE, 2, LEADER_KEY, SNAPSHOT_KEY, *values):
            raise Interrupted("Another bridge leads")
        self.leads_until = before + LEASE

    async def send(self, event: dict[str, Any]) -> None:
        """Send to the group, unless the lease may have ended meanwhile (this process may have been paused)."""
        if self.clock() >= self.leads_until:
            raise Interrupted("The lease ran out")
        await self.channel_layer.group_send(PROGRESS_GROUP, event)


async def _confirmed(pubsub: Any, subscriptions: int) -> None:
    """Wait until Redis has confirmed that many subscriptions; raise TimeoutError when it does not."""
    async with asyncio.timeout(DEAF_AFTER):
        while subscriptions:
            message = await pubsub.get_message(timeout=DEAF_AFTER)
            subscriptions -= int(message is not None and message["type"] in ("subscribe", "psubscribe"))
