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

from downloads.bridge.epoch import ECHO_TIMEOUT_SECONDS, Epoch, cancel_and_wait
from downloads.bridge.lease import BRIDGE_LEASE_SECONDS, RELEASE_LEASE_SCRIPT, LeadershipLost
from downloads.bridge.rows import RowReader
from downloads.bridge.snapshot_store import WRITE_SNAPSHOT_SCRIPT
from downloads.bridge.video_state import VideoState
from downloads.progress.counters import Counters
from downloads.progress.keys import CHANNEL_PATTERN, ECHO_CHANNEL_PREFIX, LEADER_KEY, PROGRESS_GROUP, SNAPSHOT_KEY
from downloads.progress.redis_clients import REDIS_ERRORS

logger = logging.getLogger(__name__)

LEASE_RETRY_SECONDS = 0.5  # between tries for the lease, and for Redis


class Bridge:
    """One bridge process."""

    def __init__(
        self,
        redis_client: Any,
        channel_layer: Any,
        tick_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.redis_client = redis_client
        self.channel_layer = channel_layer
        self.tick_seconds = tick_seconds
        self.clock = clock
        self.row_reader = RowReader()
        self.token = secrets.token_hex(16)
        self.stopping = asyncio.Event()
        self.leads_until = 0.0
        self.redis_is_down = False
        self.epoch: Epoch | None = None
        self.inactive_states: OrderedDict[str, VideoState] = OrderedDict()
        self.counters = Counters()
        # Events up to here are known to have reached the pages; None: look at the last ten minutes.
        self.reconciled_rev: int | None = None
        self._last_warning_at = float("-inf")

    # Leading, or waiting to ------------------------------------------------------------------------

    async def run(self) -> None:
        """Lead whenever nobody else does, until `stop`; Redis may be away for any length of time."""
        while not self.stopping.is_set():
            try:
                if await self._take_lease():
                    self._log_redis_back()
                    await self._run_epoch()
            except LeadershipLost as reason:
                logger.warning("%s: beginning a new epoch", reason)
                continue
            except REDIS_ERRORS as error:
                self._log_redis_down(error)
            await self._wait_unless_stopping(LEASE_RETRY_SECONDS * random.uniform(0.5, 1))  # noqa: S311 - so that two bridges do not march in step
        with contextlib.suppress(*REDIS_ERRORS):
            await self.redis_client.eval(RELEASE_LEASE_SCRIPT, 1, LEADER_KEY, self.token)

    def stop(self) -> None:
        """End after the batch in hand; the lease is given back, so that another bridge leads at once."""
        self.stopping.set()
        if self.epoch:
            self.epoch.wake_event.set()

    def count_invalid(self, reason: str, channel_name: bytes) -> None:
        """Count a message that cannot be used, and log it, at most once a second."""
        count = self.counters.count_dropped(reason)
        now = self.clock()
        if now - self._last_warning_at >= 1.0:
            self._last_warning_at = now
            logger.warning("a message on %r cannot be used: %s (%d such)", channel_name[:100], reason, count)

    async def _wait_unless_stopping(self, seconds: float) -> None:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds)

    async def _take_lease(self) -> bool:
        before = self.clock()
        taken = await self.redis_client.set(LEADER_KEY, self.token, nx=True, px=int(BRIDGE_LEASE_SECONDS * 1000))
        if not taken and await self.redis_client.get(LEADER_KEY) != self.token.encode():
            self._log_redis_back()
            return False
        # Ours from an earlier epoch, perhaps about to end: the first write renews it or says that it is lost.
        self.leads_until = before + BRIDGE_LEASE_SECONDS
        return True

    def _log_redis_down(self, error: BaseException) -> None:
        if not self.redis_is_down:
            logger.warning("Redis cannot be reached, trying until it can: %s", error)
        self.redis_is_down = True

    def _log_redis_back(self) -> None:
        if self.redis_is_down:
            logger.info("Redis is back")
        self.redis_is_down = False

    async def _run_epoch(self) -> None:
        """Subscribe, then send batches, until stopped or interrupted."""
        async with self.redis_client.pubsub() as pubsub, contextlib.AsyncExitStack() as stack:
            epoch = self.epoch = Epoch(self)
            stack.push_async_callback(epoch.end_epoch)
            await pubsub.psubscribe(CHANNEL_PATTERN)
            await pubsub.subscribe(ECHO_CHANNEL_PREFIX + self.token)
            await _wait_for_subscriptions(pubsub, 2)
            reader = asyncio.create_task(epoch.read_messages(pubsub))
            stack.push_async_callback(cancel_and_wait, reader)
            await epoch.start_epoch()
            logger.info("subscribed and leading, epoch %s", epoch.epoch_id)
            await epoch.send_batches(reader)

    # What an epoch sends -----------------------------------------------------------------------------

    async def store(self, *, anew: bool, head: str, put: dict[str, str], drop: list[str]) -> None:
        """Write the snapshot store and renew the lease; raise Interrupted if it is lost."""
        before = self.clock()
        pairs = [part for pair in put.items() for part in pair]
        values = [self.token, int(BRIDGE_LEASE_SECONDS * 1000), int(anew), head, len(put), *pairs, *drop]
        if not await self.redis_client.eval(WRITE_SNAPSHOT_SCRIPT, 2, LEADER_KEY, SNAPSHOT_KEY, *values):
            raise LeadershipLost("Another bridge leads")
        self.leads_until = before + BRIDGE_LEASE_SECONDS

    async def send_to_group(self, event: dict[str, Any]) -> None:
        """Send to the group, unless the lease may have ended meanwhile (this process may have been paused)."""
        if self.clock() >= self.leads_until:
            raise LeadershipLost("The lease ran out")
        await self.channel_layer.group_send(PROGRESS_GROUP, event)


async def _wait_for_subscriptions(pubsub: Any, count: int) -> None:
    """Wait until Redis has confirmed that many subscriptions; raise TimeoutError when it does not."""
    async with asyncio.timeout(ECHO_TIMEOUT_SECONDS):
        while count:
            message = await pubsub.get_message(timeout=ECHO_TIMEOUT_SECONDS)
            count -= int(message is not None and message["type"] in ("subscribe", "psubscribe"))
