"""The clients of a web process: where their frames go, and what they have."""

import asyncio
import logging
from typing import Protocol

from downloads.fanout.frames import Frames
from downloads.progress.counters import CLIENTS_DROPPED, Counters

logger = logging.getLogger(__name__)

LONGEST_BEHIND = 10.0  # seconds


class Outlet(Protocol):
    """Where a viewer's frames go."""

    def write(self, sent: Frames) -> None:
        """Send without waiting."""

    def pending(self) -> int:
        """Return what is written but not yet taken, in bytes or frames; 0 when all is."""

    def drop(self) -> None:
        """End the connection of a client that does not read."""


class Viewer:
    """One client: where its frames go, and the last batch that it has."""

    __slots__ = (
        "__weakref__",
        "bars",
        "epoch",
        "outlet",
        "pending",
        "ready",
        "seq",
        "since",
        "tally",
        "task",
        "ticket",
    )

    def __init__(self, outlet: Outlet, tally: Counters, *, ticket: bool) -> None:
        self.outlet = outlet
        self.tally = tally
        self.ticket = ticket
        self.epoch = ""
        self.seq = 0
        self.ready = False  # False: batches are held back until its snapshot is sent
        self.since = 0.0  # since when what is pending has not shrunk, monotonic; 0: nothing is pending
        self.pending = 0
        self.bars: frozenset[str] = frozenset()  # what a ticket's client shows
        self.task: asyncio.Task[None] | None = None

    def send(self, sent: Frames) -> None:
        """Give frames to the outlet."""
        if self.ticket:
            self.bars = (self.bars - sent.ends) | sent.bars
        if sent.texts:
            self.outlet.write(sent)

    def is_behind(self, now: float) -> bool:
        """Tell whether something is still pending; a client that takes nothing for too long is dropped."""
        pending = self.outlet.pending()
        if pending and (not self.since or pending < self.pending):
            self.since = now
        elif not pending:
            self.since = 0.0
        elif now - self.since > LONGEST_BEHIND:
            logger.info("a client that does not read was dropped")
            self.tally.counts[CLIENTS_DROPPED] += 1
            self.outlet.drop()
        self.pending = pending
        return pending > 0
