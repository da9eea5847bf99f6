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

from downloads.fanout import frames
from downloads.fanout.client import Outlet, Viewer
from downloads.fanout.frames import Frames
from downloads.fanout.snapshot import Snapshot
from downloads.loop_local import OnePerLoop
from downloads.progress.batch import Batch
from downloads.progress.counters import Counters
from downloads.progress.keys import CLIENTS_KEY_PREFIX, BATCH_EVENT_TYPE, PROGRESS_GROUP, SNAPSHOT_HEAD_FIELD, SNAPSHOT_KEY
from downloads.progress.redis_clients import create_async_redis_client

logger = logging.getLogger(__name__)

KEPT_BATCHES = 64  # more than the longest time that a viewer may be behind, at the usual tick
CHUNK = 250  # viewers served before the loop does other work
REDIS_AGAIN = 0.5  # seconds
TOLD_EVERY = 5.0  # seconds; a batch comes at least every 2
CLIENTS_LAST = 15  # seconds
PROCESS = f"{socket.gethostname()}:{os.getpid()}"


class Fanout:
    """All viewers of one event loop."""

    def __init__(self) -> None:
        self.viewers: dict[Viewer, None] = {}
        self.tally = Counters()
        self._kept: collections.deque[Batch] = collections.deque(maxlen=KEPT_BATCHES)
        self._made: dict[tuple[int, bool], Frames] = {}
        self._flushing: asyncio.Task[None] | None = None
        self._fresh = False
        self._reading: asyncio.Task[Snapshot] | None = None
        self._read_at = 0.0
        self._telling: asyncio.Task[None] | None = None
        self._told = float("-inf")
        self._redis: Any = None

    # Viewers come and go ------------------------------------------------------------------------

    def join(self, outlet: Outlet, *, ticket: bool) -> Viewer:
        """Add a viewer whose consumer is in the group already; it gets its snapshot, then batches."""
        viewer = Viewer(outlet, self.tally, ticket=ticket)
        self.viewers[viewer] = None
        self.resync(viewer)
        return viewer

    def leave(self, viewer: Viewer) -> None:
        """Forget a viewer."""
        self.viewers.pop(viewer, None)
        if viewer.task:
            viewer.task.cancel()
            viewer.task = None
        if not self.viewers:
            self._kept.clear()
            self._made.clear()

    def resync(self, viewer: Viewer) -> None:
        """Send a snapshot, and hold batches back until then; once, however often it is asked for meanwhile."""
        if viewer.task is None:
            viewer.ready = False
            viewer.task = asyncio.create_task(self._send_snapshot(viewer))

    async def _send_snapshot(self, viewer: Viewer) -> None:
        while True:
            try:
                found = await self.snapshot()
                break
            except (redis.RedisError, OSError) as error:
                logger.debug("no snapshot yet: %s", error)
                # A ticket's client has no gaps to notice: what arrives is better than nothing.
                viewer.ready = viewer.ticket
                await asyncio.sleep(REDIS_AGAIN)
        viewer.task = None
        viewer.epoch, viewer.seq, viewer.ready = found.epoch, found.seq, True
        if viewer.ticket:
            viewer.send(frames.ended_unseen(viewer.bars - found.ticket_frames.bars))
            viewer.bars = frozenset()
        viewer.send(found.ticket_frames if viewer.ticket else found.batch_frames)
        self._catch_up(viewer, time.monotonic())

    # The snapshot -------------------------------------------------------------------------------

    async def snapshot(self) -> Snapshot:
        """Return a snapshot read after this call began; one read a tick serves all who wait for it.

        Raises redis.RedisError or OSError while Redis is away.
        """
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_in_turn())
            # Whoever waits gets its error; when all have gone, nobody needs it.
            self._reading.add_done_callback(lambda task: task.cancelled() or task.exception())
        return await asyncio.shield(self._reading)

    async def _read_in_turn(self) -> Snapshot:
        await asyncio.sleep(max(0.0, self._read_at + settings.TICK_MS / 1000 - time.monotonic()))
        self._read_at = time.monotonic()
        self._reading = None  # who asks from now on needs a read that begins later
        found = await self._client().hgetall(SNAPSHOT_KEY)
        head = found.pop(SNAPSHOT_HEAD_FIELD.encode(), b"{}")
        return Snapshot(json.loads(head), [text.decode() for text in found.values()])

    def _client(self) -> Any:
        if self._redis is None:
            self._redis = create_async_redis_client(connect_timeout=0.2, response_timeout=0.2)
        return self._redis

    async def _tell(self) -> None:
        """Have `/metrics` know what was counted here, and how many clients there are."""
        await self.tally.flush(self._client())
        try:
            await self._client().set(CLIENTS_KEY_PREFIX + PROCESS, len(self.viewers), ex=CLIENTS_LAST)
        except (redis.RedisError, OSError) as error:
            logger.debug("how many clients there are is told later: %s", error)

    async def close(self) -> None:
        """Close the connection to Redis."""
        if self._redis is not None:
            await self._redis.aclose()
            self._redis = None

    # Batches -------------------------------------------------------------------------------------

    def receive(self, event: dict[str, Any]) -> None:
        """Take one event of the group; what is no batch of ours is logged and dropped."""
        try:
            batch = Batch.from_event(event)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            logger.warning("an event of the group was no batch: %r", error)
            return
        newest = self._kept[-1] if self._kept else None
        if newest and newest.epoch == batch.epoch and batch.seq <= newest.seq:
            return
        if newest and (newest.epoch, newest.seq + 1) != (batch.epoch, batch.seq):
            self._kept.clear()
        self._kept.append(batch)
        self._made.clear()
        self._fresh = True
        if time.monotonic() - self._told >= TOLD_EVERY:
            self._told = time.monotonic()
            self._telling = asyncio.create_task(self._tell())
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush())

    async def _flush(self) -> None:
        while self._fresh:
            self._fresh = False
            now = time.monotonic()
            for count, viewer in enumerate(list(self.viewers), 1):
                self._catch_up(viewer, now)
                if count % CHUNK == 0:
                    await asyncio.sleep(0)
                    now = time.monotonic()

    def caught_up(self, viewer: Viewer) -> None:
        """Go on with a viewer whose outlet has taken everything."""
        if viewer in self.viewers:
            self._catch_up(viewer, time.monotonic())

    def _catch_up(self, viewer: Viewer, now: float) -> None:
        """Send a viewer everything that it does not have, as one frame."""
        if not viewer.ready or not self._kept or viewer.is_behind(now):
            return
        newest = self._kept[-1]
        first = self._first_for(viewer, newest)
        if first is None:
            return
        viewer.epoch, viewer.seq = newest.epoch, newest.seq
        viewer.send(self._frames(first, viewer.ticket))

    def _first_for(self, viewer: Viewer, newest: Batch) -> int | None:
        """Return the first batch that the viewer lacks, or None if it has all."""
        oldest = self._kept[0].seq
        if viewer.epoch == newest.epoch:
            if viewer.seq >= newest.seq:
                return None
            if viewer.seq + 1 >= oldest:
                return viewer.seq + 1
        # A gap, or another epoch. A client of the subprotocol sees that and asks; the ticket's cannot.
        # (Perhaps the snapshot is the newer of the two; that costs another one, and no order is guessed.)
        if viewer.ticket and viewer.epoch:
            self.resync(viewer)
        return oldest

    def _frames(self, first: int, ticket: bool) -> Frames:
        made = self._made.get((first, ticket))
        if made is None:
            newest = self._kept[-1]
            wanted = [batch.messages for batch in self._kept if batch.seq >= first]
            messages = wanted[0] if len(wanted) == 1 else frames.merged(wanted)
            if ticket:
                made = frames.ticket(messages)
            else:
                made = Frames([frames.batch(newest.epoch, first, newest.seq, messages)])
            self._made[first, ticket] = made
        return made


_of_loop = OnePerLoop(Fanout)


def current(channel_layer: Any = None) -> Fanout:
    """Return the running loop's Fanout; a channel layer that can is told to give it the group's batches."""
    found = _of_loop()
    attach = getattr(channel_layer, "attach", None)
    if attach:
        attach(PROGRESS_GROUP, BATCH_EVENT_TYPE, found.receive)
    return found
