"""Bridge: from Redis' `progress:*` to one conflated batch per tick for the group `progress`.

Several may run: the one that holds the lease leads. It subscribes, reads the snapshot store and the
rows, and from then on sends batches under an epoch of its own. Whatever makes it possible that
messages were missed (a lost lease, a renewed subscription, an outage of Redis) ends that epoch, and
the next one begins from the rows.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable
from typing import Any

from downloads.bridge.epoch import ECHO_TIMEOUT_SECONDS, Epoch, EpochContext, Handover, cancel_and_wait
from downloads.bridge.lease import LeadershipLost, Lease
from downloads.bridge.rows import RowReader
from downloads.bridge.snapshot_store import SnapshotStore
from downloads.bridge.worker_presence import WorkerPresence
from downloads.outage_log import OutageLog
from downloads.progress.batch import Batch
from downloads.progress.counters import Counters
from downloads.progress.keys import CHANNEL_PATTERN, ECHO_CHANNEL_PREFIX, PROGRESS_GROUP
from downloads.progress.redis_clients import REDIS_ERRORS
from downloads.progress.redis_errors import describe_with_error

logger = logging.getLogger(__name__)

LEASE_RETRY_SECONDS = 0.5  # between attempts to take the lease, and to reach Redis
INVALID_MESSAGE_LOG_INTERVAL_SECONDS = 1.0


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
        self.clock = clock
        self.lease = Lease(redis_client, clock)
        self.counters = Counters()
        self.stopping = asyncio.Event()
        self._redis_outage = OutageLog(logger, "No live progress, retrying: %s", "Redis can be used again")
        self.epoch: Epoch | None = None
        self._handover = Handover()
        self._epoch_context = EpochContext(
            redis_client=redis_client,
            lease=self.lease,
            snapshot_store=SnapshotStore(redis_client, self.lease),
            row_reader=RowReader(),
            worker_presence=WorkerPresence(),
            counters=self.counters,
            send=self._send_to_group,
            count_invalid=self._count_invalid,
            tick_seconds=tick_seconds,
            clock=clock,
            stopping=self.stopping,
        )
        self._invalid_logged_at = float("-inf")

    async def run(self) -> None:
        """Lead whenever no other bridge does, until `stop`; Redis may be down for any length of time."""
        while not self.stopping.is_set():
            try:
                if await self.lease.acquire():
                    await self._run_epoch()
                else:
                    self._redis_outage.recovered()
            except LeadershipLost as reason:
                logger.warning("%s: beginning a new epoch", reason)
                continue
            except REDIS_ERRORS as error:
                self._redis_outage.failed(describe_with_error(error))
            await self._wait_unless_stopping(LEASE_RETRY_SECONDS * random.uniform(0.5, 1))  # noqa: S311 - only so that two bridges do not retry in step
        with contextlib.suppress(*REDIS_ERRORS):
            await self.lease.release()

    def stop(self) -> None:
        """End after the current batch; the lease is released, so that another bridge leads at once."""
        self.stopping.set()
        if self.epoch:
            self.epoch.wake_event.set()

    async def _run_epoch(self) -> None:
        """Subscribe, then send batches, until stopped or interrupted."""
        epoch = self.epoch = Epoch(self._epoch_context, self._handover)
        async with self.redis_client.pubsub() as pubsub:
            try:
                await pubsub.psubscribe(CHANNEL_PATTERN)
                await pubsub.subscribe(ECHO_CHANNEL_PREFIX + self.lease.token)
                await _wait_for_subscriptions(pubsub, 2)
                await self._send_while_reading(epoch, pubsub)
            finally:
                self._handover = await epoch.end_epoch()

    async def _send_while_reading(self, epoch: Epoch, pubsub: Any) -> None:
        reader_task = asyncio.create_task(epoch.read_messages(pubsub))
        try:
            await epoch.start_epoch()
            logger.info("subscribed and leading, epoch %s", epoch.epoch_id)
            await epoch.send_batches(reader_task)
        finally:
            await cancel_and_wait(reader_task)

    async def _send_to_group(self, batch: Batch) -> None:
        """Send to the group; raise LeadershipLost if the lease may have expired (this process may have paused)."""
        if not self.lease.is_held:
            raise LeadershipLost("The lease ran out")
        await self.channel_layer.group_send(PROGRESS_GROUP, batch.to_event())
        # Not before: with some access rights the lease can be taken, and nothing else works.
        self._redis_outage.recovered()

    async def _wait_unless_stopping(self, seconds: float) -> None:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds)

    def _count_invalid(self, reason: str, channel_name: bytes) -> None:
        """Count an invalid message, and log it, at most once a second."""
        count = self.counters.count_dropped(reason)
        now = self.clock()
        if now - self._invalid_logged_at >= INVALID_MESSAGE_LOG_INTERVAL_SECONDS:
            self._invalid_logged_at = now
            logger.warning("invalid message on %r: %s (%d so far)", channel_name[:100], reason, count)


async def _wait_for_subscriptions(pubsub: Any, count: int) -> None:
    """Wait until Redis has confirmed `count` subscriptions; raise TimeoutError after ECHO_TIMEOUT_SECONDS."""
    async with asyncio.timeout(ECHO_TIMEOUT_SECONDS):
        while count:
            message = await pubsub.get_message(timeout=ECHO_TIMEOUT_SECONDS)
            count -= int(message is not None and message["type"] in ("subscribe", "psubscribe"))
