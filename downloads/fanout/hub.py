"""Fan-out of one web process: from one event of the channel layer to every client.

Each event loop has one Hub. It receives every batch once, keeps the last few, and brings each client
from its last batch to the newest: usually that is one ready frame for all, and one merged frame for a
client or a process that is behind.
"""

import asyncio
import collections
import json
import logging
import time
from typing import Any

import redis
from django.conf import settings

from downloads.asyncio_tasks import mark_exception_retrieved
from downloads.fanout import frames
from downloads.fanout.card_feed import CardFeed, CardRenderer, Role
from downloads.fanout.client import Client, Transport, in_chunks
from downloads.fanout.frames import V1, Frames, SocketProtocol
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
    WAKE_CHANNEL,
    process_name,
)
from downloads.progress.redis_clients import create_async_redis_client

logger = logging.getLogger(__name__)

MAX_KEPT_BATCHES = 64  # at the usual tick more than a client may be behind, MAX_BEHIND_SECONDS
SNAPSHOT_RETRY_SECONDS = 0.5
METRICS_INTERVAL_SECONDS = 5.0
ANNOUNCEMENT_INTERVAL_SECONDS = 60.0
CLIENT_COUNT_TTL_SECONDS = 15
# A busy machine may delay this process or Redis by some tenths of a second. Pages wait 3 s for a snapshot.
SNAPSHOT_READ_TIMEOUT_SECONDS = 1.0


class Hub:
    """All clients of one event loop."""

    def __init__(self) -> None:
        self.clients: dict[Client, None] = {}
        self.counters = Counters()
        self._recent_batches: collections.deque[Batch] = collections.deque(maxlen=MAX_KEPT_BATCHES)
        self._frames_cache: dict[tuple[int, SocketProtocol], Frames] = {}
        self._send_task: asyncio.Task[None] | None = None
        self._has_new_batch = False
        self._snapshot_task: asyncio.Task[Snapshot] | None = None
        self._snapshot_read_at = 0.0
        self._report_task: asyncio.Task[None] | None = None
        self._reported_at = float("-inf")
        self._announcement_task: asyncio.Task[None] | None = None
        self._announced_at = float("-inf")
        self._redis_client: Any = None
        self._card_feed: CardFeed | None = None

    # Clients -------------------------------------------------------------------------------------

    def add_client(self, transport: Transport, *, protocol: SocketProtocol) -> Client:
        """Add a client whose consumer is in the group already; it gets a snapshot, then batches."""
        client = Client(transport, self.counters, protocol=protocol)
        self.clients[client] = None
        self.resync_client(client)
        self._announce_viewers()
        return client

    def _announce_viewers(self) -> None:
        """Have workers prepare for downloads from time to time, as long as somebody may add one."""
        if self.clients and time.monotonic() - self._announced_at >= ANNOUNCEMENT_INTERVAL_SECONDS:
            self._announced_at = time.monotonic()
            self._announcement_task = asyncio.create_task(self._wake_workers())

    async def _wake_workers(self) -> None:
        try:
            await self._get_redis_client().publish(WAKE_CHANNEL, b"")
        except (redis.RedisError, OSError) as error:
            logger.debug("workers are not prepared: %s", error)

    def remove_client(self, client: Client) -> None:
        """Forget a client; it may be gone already."""
        self.clients.pop(client, None)
        if self._card_feed:
            self._card_feed.remove_client(client)
        if client.snapshot_task:
            client.snapshot_task.cancel()
            client.snapshot_task = None
        if not self.clients:
            self._recent_batches.clear()
            self._frames_cache.clear()

    def subscribe_to_cards(self, client: Client, role: Role, render: CardRenderer) -> None:
        """Register a v2 client for pushed cards; ignored for v1."""
        if client.protocol is V1:
            return
        if self._card_feed is None:
            self._card_feed = CardFeed(render, self._send_missed_batches)
        self._card_feed.add_client(client, role)

    def resync_client(self, client: Client) -> None:
        """Send a snapshot and hold batches back until then; a request while one is on its way is ignored."""
        if client.snapshot_task is None:
            client.ready = False
            client.snapshot_task = asyncio.create_task(self._send_snapshot(client))

    async def _send_snapshot(self, client: Client) -> None:
        while True:
            try:
                snapshot = await self.read_snapshot()
                break
            except (redis.RedisError, OSError) as error:
                logger.debug("no snapshot yet: %s", error)
                # v1 has no sequence numbers, so its clients cannot see a gap: send updates even without a snapshot.
                client.ready = client.protocol is V1
                await asyncio.sleep(SNAPSHOT_RETRY_SECONDS)
        client.snapshot_task = None
        client.epoch, client.seq, client.ready = snapshot.epoch, snapshot.seq, True
        if client.protocol is V1:
            client.send_frames(frames.v1_missed_endings(client.v1_bar_ids - snapshot.v1_frames.shown_bar_ids))
            client.v1_bar_ids = frozenset()
        client.send_frames(snapshot.frames_for(client.protocol))
        self._send_missed_batches(client, time.monotonic())

    # The snapshot --------------------------------------------------------------------------------

    async def read_snapshot(self) -> Snapshot:
        """Return a snapshot read after this call; all calls within a tick share one read.

        Raises redis.RedisError or OSError while Redis is unreachable.
        """
        if self._snapshot_task is None:
            self._snapshot_task = asyncio.create_task(self._read_snapshot_throttled())
            self._snapshot_task.add_done_callback(mark_exception_retrieved)
        return await asyncio.shield(self._snapshot_task)

    async def _read_snapshot_throttled(self) -> Snapshot:
        await asyncio.sleep(max(0.0, self._snapshot_read_at + settings.TICK_MS / 1000 - time.monotonic()))
        self._snapshot_read_at = time.monotonic()
        self._snapshot_task = None  # calls from now on need a read that begins later
        fields: dict[bytes, bytes] = await self._get_redis_client().hgetall(SNAPSHOT_KEY)
        head = fields.pop(SNAPSHOT_HEAD_FIELD.encode(), b"{}")
        return Snapshot(json.loads(head), [text.decode() for text in fields.values()])

    def _get_redis_client(self) -> Any:
        if self._redis_client is None:
            self._redis_client = create_async_redis_client(
                connect_timeout=SNAPSHOT_READ_TIMEOUT_SECONDS, response_timeout=SNAPSHOT_READ_TIMEOUT_SECONDS
            )
        return self._redis_client

    async def _report_metrics(self) -> None:
        """Write this process's counters and its number of clients to Redis, for `/metrics`."""
        await self.counters.flush(self._get_redis_client())
        try:
            await self._get_redis_client().set(
                CLIENTS_KEY_PREFIX + process_name(), len(self.clients), ex=CLIENT_COUNT_TTL_SECONDS
            )
        except (redis.RedisError, OSError) as error:
            logger.debug("the number of clients is reported later: %s", error)

    async def close_redis(self) -> None:
        """Close the connection to Redis."""
        if self._redis_client is not None:
            await self._redis_client.aclose()
            self._redis_client = None

    # Batches -------------------------------------------------------------------------------------

    def receive_batch(self, event: dict[str, Any]) -> None:
        """Send the group's event to every client; a malformed one is logged and dropped."""
        try:
            batch = Batch.from_event(event)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            logger.warning("malformed batch event: %r", error)
            return
        newest = self._recent_batches[-1] if self._recent_batches else None
        if newest and newest.epoch == batch.epoch and batch.seq <= newest.seq:
            return
        if newest and (newest.epoch, newest.seq + 1) != (batch.epoch, batch.seq):
            self._recent_batches.clear()
        self._recent_batches.append(batch)
        self._frames_cache.clear()
        self._has_new_batch = True
        # The bridge's heartbeat brings a batch at least every 2 s, so this needs no timer.
        if time.monotonic() - self._reported_at >= METRICS_INTERVAL_SECONDS:
            self._reported_at = time.monotonic()
            self._report_task = asyncio.create_task(self._report_metrics())
            self._announce_viewers()
        if self._send_task is None or self._send_task.done():
            self._send_task = asyncio.create_task(self._send_to_clients())
        if self._card_feed:
            self._card_feed.note_changes(batch.messages)

    async def _send_to_clients(self) -> None:
        while self._has_new_batch:
            self._has_new_batch = False
            async for clients in in_chunks(self.clients):
                now = time.monotonic()
                for client in clients:
                    self._send_missed_batches(client, now)

    def resume_client(self, client: Client) -> None:
        """Continue with a client whose transport has sent everything."""
        if client in self.clients:
            self._send_missed_batches(client, time.monotonic())

    def _send_missed_batches(self, client: Client, now: float) -> None:
        """Send a client all batches that it lacks, as one frame."""
        if not client.ready or not self._recent_batches or client.is_behind(now):
            return
        newest = self._recent_batches[-1]
        first_seq = self._first_missed_seq(client, newest)
        if first_seq is None:
            return
        client.epoch, client.seq = newest.epoch, newest.seq
        client.send_frames(self._frames_since(first_seq, client.protocol))

    def _first_missed_seq(self, client: Client, newest_batch: Batch) -> int | None:
        """Return the seq of the first batch that the client lacks, or None if it has all."""
        oldest_seq = self._recent_batches[0].seq
        if client.epoch == newest_batch.epoch:
            if client.seq >= newest_batch.seq:
                return None
            if client.seq + 1 >= oldest_seq:
                return client.seq + 1
        # A gap, or another epoch: a v2 client sees that and sends "resync"; a v1 client cannot.
        # (Epochs have no order: if the client's snapshot is the newer one, this costs one more snapshot.)
        if client.protocol is V1 and client.epoch:
            self.resync_client(client)
        return oldest_seq

    def _frames_since(self, first_seq: int, protocol: SocketProtocol) -> Frames:
        cached = self._frames_cache.get((first_seq, protocol))
        if cached is None:
            cached = self._frames_cache[first_seq, protocol] = self._encode_since(first_seq, protocol)
        return cached

    def _encode_since(self, first_seq: int, protocol: SocketProtocol) -> Frames:
        newest = self._recent_batches[-1]
        missed = [batch.messages for batch in self._recent_batches if batch.seq >= first_seq]
        messages = missed[0] if len(missed) == 1 else frames.merge_batches(missed)
        if protocol is V1:
            return frames.encode_v1_frames(messages)
        return Frames([frames.encode_batch_frame(newest.epoch, first_seq, newest.seq, messages)])


_loop_hub = LoopLocal(Hub)


def get_hub(channel_layer: Any = None) -> Hub:
    """Return the running loop's Hub, subscribed to the group's batches if the channel layer supports that."""
    hub = _loop_hub()
    subscribe_handler = getattr(channel_layer, "subscribe_handler", None)
    if subscribe_handler:
        subscribe_handler(PROGRESS_GROUP, BATCH_EVENT_TYPE, hub.receive_batch)
    return hub
