"""A hub without Redis, and a transport that records what is sent."""

import asyncio
import json

from downloads.fanout.frames import Frames
from downloads.fanout.hub import Hub, Snapshot


class FakeTransport:
    """A transport that records its frames, with a number of unsent bytes that the test sets."""

    def __init__(self) -> None:
        self.sent: list[Frames] = []
        self.unsent_bytes = 0
        self.dropped = False

    def write_frames(self, frames: Frames) -> None:
        self.sent.append(frames)

    def get_write_buffer_size(self) -> int:
        return self.unsent_bytes

    def abort_connection(self) -> None:
        self.dropped = True

    @property
    def objects(self) -> list[dict]:
        return [json.loads(text) for frames in self.sent for text in frames.texts]


class HubWithSnapshot(Hub):
    """A hub with a stored snapshot that the test sets."""

    stored_snapshot = Snapshot({"epoch": "e", "seq": 0, "rev": 1}, [])

    async def read_snapshot(self) -> Snapshot:
        return self.stored_snapshot


async def run_pending_tasks() -> None:
    for _ in range(5):
        await asyncio.sleep(0)
