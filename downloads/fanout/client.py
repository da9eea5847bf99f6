"""One WebSocket client of a web process, and the interface of its connection."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from typing import Protocol

from downloads.fanout.frames import V1, Frames, SocketProtocol
from downloads.progress.counters import CLIENTS_DROPPED, Counters

logger = logging.getLogger(__name__)

MAX_BEHIND_SECONDS = 10.0
CLIENTS_PER_CHUNK = 250  # clients served before the loop does other work


class Transport(Protocol):
    """Connection that a client's frames are written to."""

    def write_frames(self, frames: Frames) -> None:
        """Send without waiting."""

    def get_write_buffer_size(self) -> int:
        """Return the amount written but not yet sent, in bytes or frames."""

    def abort_connection(self) -> None:
        """Drop a client that does not read."""


class Client:
    """One client: its transport, its protocol, and the last batch that it was sent."""

    __slots__ = (
        "__weakref__",
        "behind_since",
        "counters",
        "epoch",
        "last_buffer_size",
        "protocol",
        "ready",
        "seq",
        "snapshot_task",
        "transport",
        "v1_bar_ids",
    )

    def __init__(self, transport: Transport, counters: Counters, *, protocol: SocketProtocol) -> None:
        self.transport = transport
        self.counters = counters
        self.protocol = protocol
        self.epoch = ""
        self.seq = 0
        self.ready = False  # False: batches are held back until its snapshot is sent
        self.behind_since = 0.0  # monotonic; since when the write buffer has not shrunk; 0: it is empty
        self.last_buffer_size = 0
        self.v1_bar_ids: frozenset[str] = frozenset()  # ids whose bar a v1 client shows
        self.snapshot_task: asyncio.Task[None] | None = None

    def send_frames(self, frames: Frames) -> None:
        """Write frames to the transport."""
        if self.protocol is V1:
            self.v1_bar_ids = (self.v1_bar_ids - frames.cleared_bar_ids) | frames.shown_bar_ids
        if frames.texts:
            self.transport.write_frames(frames)

    def is_behind(self, now: float) -> bool:
        """Return whether the write buffer is not empty; drop a client that reads nothing for MAX_BEHIND_SECONDS."""
        buffer_size = self.transport.get_write_buffer_size()
        if buffer_size and (not self.behind_since or buffer_size < self.last_buffer_size):
            self.behind_since = now
        elif not buffer_size:
            self.behind_since = 0.0
        elif now - self.behind_since > MAX_BEHIND_SECONDS:
            logger.info("a client that does not read was dropped")
            self.counters.counts[CLIENTS_DROPPED] += 1
            self.transport.abort_connection()
        self.last_buffer_size = buffer_size
        return buffer_size > 0


async def in_chunks(clients: Iterable[Client]) -> AsyncIterator[list[Client]]:
    """Yield clients, some at a time; between them the loop does other work, in which some may leave."""
    all_clients = list(clients)
    for start in range(0, len(all_clients), CLIENTS_PER_CHUNK):
        if start:
            await asyncio.sleep(0)
        yield all_clients[start : start + CLIENTS_PER_CHUNK]
