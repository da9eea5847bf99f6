"""The clients of a web process: where their frames go, and what they have."""

import asyncio
import logging
from typing import Protocol

from downloads.fanout.frames import Frames
from downloads.progress.counters import CLIENTS_DROPPED, Counters

logger = logging.getLogger(__name__)

MAX_BEHIND_SECONDS = 10.0  # seconds


class Transport(Protocol):
    """Where a viewer's frames go."""

    def write_frames(self, frames: Frames) -> None:
        """Send without waiting."""

    def get_write_buffer_size(self) -> int:
        """Return what is written but not yet taken, in bytes or frames; 0 when all is."""

    def abort_connection(self) -> None:
        """End the connection of a client that does not read."""


class Client:
    """One client: where its frames go, and the last batch that it has."""

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

    def __init__(self, transport: Transport, counters: Counters, *, protocol: bool) -> None:
        self.transport = transport
        self.counters = counters
        self.protocol = protocol
        self.epoch = ""
        self.seq = 0
        self.ready = False  # False: batches are held back until its snapshot is sent
        self.behind_since = 0.0  # since when what is pending has not shrunk, monotonic; 0: nothing is pending
        self.last_buffer_size = 0
        self.v1_bar_ids: frozenset[str] = frozenset()  # what a ticket's client shows
        self.snapshot_task: asyncio.Task[None] | None = None

    def send_frames(self, frames: Frames) -> None:
        """Give frames to the outlet."""
        if self.protocol:
            self.v1_bar_ids = (self.v1_bar_ids - frames.cleared_bar_ids) | frames.shown_bar_ids
        if frames.texts:
            self.transport.write_frames(frames)

    def is_behind(self, now: float) -> bool:
        """Tell whether something is still pending; a client that takes nothing for too long is dropped."""
        pending = self.transport.get_write_buffer_size()
        if pending and (not self.behind_since or pending < self.last_buffer_size):
            self.behind_since = now
        elif not pending:
            self.behind_since = 0.0
        elif now - self.behind_since > MAX_BEHIND_SECONDS:
            logger.info("a client that does not read was dropped")
            self.counters.counts[CLIENTS_DROPPED] += 1
            self.transport.abort_connection()
        self.last_buffer_size = pending
        return pending > 0
