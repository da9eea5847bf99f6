"""The fan-out of one web process: from one channel-layer event to every client.

Each event loop has one Fanout. It is given every batch once, keeps the last few, and brings each
viewer from the batch that it has to the newest: in the usual case that is one ready frame for all,
and for a client or a process that is behind it is one merged frame.
"""

import asyncio
import collections
import json
import logging
import os
import socket
import time
from typing import Any

import redis
from django.conf import settings

from downloads.asyncio_tasks import mark_exception_retrieved
from downloads.fanout import frames
from downloads.fanout.client import Client, Transport
from downloads.fanout.frames import Frames
from downloads.fanout.snapshot import Snapshot
from downloads.loop_local import LoopLocal
from downloads.progress.batch import Batch
from downloads.progress.counters import Counters
from downloads.progress.keys import (
    BATCH_EVENT_TYPE,
    CLIENTS_KEY_PREFIX,
    PROGRESS_GROUP,
    SNAPSHOT_HEAD_FIELD,
    SNAPSHOT_KEY,
)
from downloads.progress.redis_clients import create_async_redis_client

logger = logging.getLogger(__name__)

MAX_KEPT_BATCHES = 64  # more than the longest time that a viewer may be behind, at the usual tick
CLIENTS_PER_CHUNK = 250  # viewers served before the loop does other work
SNAPSHOT_RETRY_SECONDS = 0.5  # seconds
METRICS_INTERVAL_SECONDS = 5.0  # seconds; a batch comes at least every 2
CLIENT_COUNT_TTL_SECONDS = 15  # seconds
PROCESS_NAME = f"{socket.gethostname()}:{os.getpid()}"


class Hub:
    """All viewers of one event loop."""

    def __init__(self) -> None:
        self.clients: dict[Client, None] = {}
        self.counters = Counters()
        self._recent_batches: collections.deque[Batch] = collections.deque(maxlen=MAX_KEPT_BATCHES)
        self._frames_cache: dict[tuple[int, bool], Frames] = {}
        self._send_task: asyncio.Task[None] | None = None
        self._has_new_batch = False
        self._snapshot_task: asyncio.Task[Snapshot] | None = None
        self._snapshot_read_at = 0.0
        self._report_task: asyncio.Task[None] | None = None
        self._reported_at = float("-inf")
        self._redis_client: Any = None

    # Viewers come and go ------------------------------------------------------------------------

    def add_client(self, transport: Transport, *, protocol: bool) -> Client:
        """Add a viewer whose consumer is in the group already; it gets its snapshot, then batches."""
        viewer = Client(transport, self.counters, protocol=protocol)
        self.clients[viewer] = None
        self.resync_client(viewer)
        return viewer

    def remove_client(self, client: Client) -> None:
        """Forget a viewer."""
        self.clients.pop(client, None)
        if client.snapshot_task:
            client.snapshot_task.cancel()
            client.snapshot_task = None
        if not self.clients:
            self._recent_batches.clear()
            self._frames_cache.clear()

    def resync_client(self, client: Client) -> None:
        """Send a snapshot, and hold batches back until then; once, however often it is asked for meanwhile."""
        if client.snapshot_task is None:
            client.ready = False
            client.snapshot_task = asyncio.create_task(self._send_snapshot(client))

    async def _send_snapshot(self, client: Client) -> None:
        while True:
            try:
                found = await self.read_snapshot()
                break
            except (redis.RedisError, OSError) as error:
                logger.debug("no snapshot yet: %s", error)
                # A ticket's client has no gaps to notice: what arrives is better than nothing.
                client.ready = client.protocol
                await asyncio.sleep(SNAPSHOT_RETRY_SECONDS)
        client.snapshot_task = None
        client.epoch, client.seq, client.ready = found.epoch, found.seq, True
        if client.protocol:
            client.send_frames(frames.v1_missed_endings(client.v1_bar_ids - found.v1_frames.shown_bar_ids))
            client.v1_bar_ids = frozenset()
        client.send_frames(found.v1_frames if client.protocol else found.v2_frames)
        self._send_missed_batches(client, time.monotonic())

    # The snapshot -------------------------------------------------------------------------------

    async def read_snapshot(self) -> Snapshot:
        """Return a snapshot read after this call began; one read a tick serves all who wait for it.

        Raises redis.RedisError or OSError while Redis is away.
        """
        if self._snapshot_task is None:
            self._snapshot_task = asyncio.create_task(self._read_snapshot_throttled())
            # Whoever waits gets its error; when all have gone, nobody needs it.
            self._snapshot_task.add_done_callback(mark_exception_retrieved)
        return await asyncio.shield(self._snapshot_task)

    async def _read_snapshot_throttled(self) -> Snapshot:
        await asyncio.sleep(max(0.0, self._snapshot_read_at + settings.TICK_MS / 1000 - time.monotonic()))
        self._snapshot_read_at = time.monotonic()
        self._snapshot_task = None  # who asks from now on needs a read that begins later
        found = await self._get_redis_client().hgetall(SNAPSHOT_KEY)
        head = found.pop(SNAPSHOT_HEAD_FIELD.encode(), b"{}")
        return Snapshot(json.loads(head), [text.decode() for text in found.values()])

    def _get_redis_client(self) -> Any:
        if self._redis_client is None:
            self._redis_client = create_async_redis_client(connect_timeout=0.2, response_timeout=0.2)
        return self._redis_client

    async def _report_metrics(self) -> None:
        """Have `/metrics` know what was counted here, and how many clients there are."""
        await self.counters.flush(self._get_redis_client())
        try:
            await self._get_redis_client().set(
                CLIENTS_KEY_PREFIX + PROCESS_NAME, len(self.clients), ex=CLIENT_COUNT_TTL_SECONDS
            )
        except (redis.RedisError, OSError) as error:
            logger.debug("how many clients there are is told later: %s", error)

    async def close_redis(self) -> None:
        """Close the connection to Redis."""
        if self._redis_client is not None:
            await self._redis_client.aclose()
            self._redis_client = None

    # Batches -------------------------------------------------------------------------------------

    def receive_batch(self, event: dict[str, Any]) -> None:
        """Take one event of the group; what is no batch of ours is logged and dropped."""
        try:
            batch = Batch.from_event(event)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            logger.warning("an event of the group was no batch: %r", error)
            return
        newest = self._recent_batches[-1] if self._recent_batches else None
        if newest and newest.epoch == batch.epoch and batch.seq <= newest.seq:
            return
        if newest and (newest.epoch, newest.seq + 1) != (batch.epoch, batch.seq):
            self._recent_batches.clear()
        self._recent_batches.append(batch)
        self._frames_cache.clear()
        self._has_new_batch = True
        if time.monotonic() - self._reported_at >= METRICS_INTERVAL_SECONDS:
            self._reported_at = time.monotonic()
            self._report_task = asyncio.create_task(self._report_metrics())
        if self._send_task is None or self._send_task.done():
            self._send_task = asyncio.create_task(self._send_to_clients())

    async def _send_to_clients(self) -> None:
        while self._has_new_batch:
            self._has_new_batch = False
            now = time.monotonic()
            for count, viewer in enumerate(list(self.clients), 1):
                self._send_missed_batches(viewer, now)
                if count % CLIENTS_PER_CHUNK == 0:
                    await asyncio.sleep(0)
                    now = time.monotonic()

    def resume_client(self, client: Client) -> None:
        """Go on with a viewer whose outlet has taken everything."""
        if client in self.clients:
            self._send_missed_batches(client, time.monotonic())

    def _send_missed_batches(self, client: Client, now: float) -> None:
        """Send a viewer everything that it does not have, as one frame."""
        if not client.ready or not self._recent_batches or client.is_behind(now):
            return
        newest = self._recent_batches[-1]
        first = self._first_missed_seq(client, newest)
        if first is None:
            return
        client.epoch, client.seq = newest.epoch, newest.seq
        client.send_frames(self._frames_since(first, client.protocol))

    def _first_missed_seq(self, client: Client, newest_batch: Batch) -> int | None:
        """Return the first batch that the viewer lacks, or None if it has all."""
        oldest = self._recent_batches[0].seq
        if client.epoch == newest_batch.epoch:
            if client.seq >= newest_batch.seq:
                return None
            if client.seq + 1 >= oldest:
                return client.seq + 1
        # A gap, or another epoch. A client of the subprotocol sees that and asks; the ticket's cannot.
        # (Perhaps the snapshot is the newer of the two; that costs another one, and no order is guessed.)
        if client.protocol and client.epoch:
            self.resync_client(client)
        return oldest

    def _frames_since(self, first_seq: int, protocol: bool) -> Frames:
        made = self._frames_cache.get((first_seq, protocol))
        if made is None:
            newest = self._recent_batches[-1]
            wanted = [batch.messages for batch in self._recent_batches if batch.seq >= first_seq]
            messages = wanted[0] if len(wanted) == 1 else frames.merge_batches(wanted)
            if protocol:
                made = frames.encode_v1_frames(messages)
            else:
                made = Frames([frames.encode_batch_frame(newest.epoch, first_seq, newest.seq, messages)])
            self._frames_cache[first_seq, protocol] = made
        return made


_loop_hub = LoopLocal(Hub)


def get_hub(channel_layer: Any = None) -> Hub:
    """Return the running loop's Fanout; a channel layer that can is told to give it the group's batches."""
    found = _loop_hub()
    attach = getattr(channel_layer, "subscribe_handler", None)
    if attach:
        attach(PROGRESS_GROUP, BATCH_EVENT_TYPE, found.receive_batch)
    return found
