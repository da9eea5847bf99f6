"""What a web process receives: the bridge's batches, and the snapshot store at one moment."""

import functools
import json
from typing import Any

from downloads.fanout import frames
from downloads.fanout.frames import Frames
from downloads.progress import batch


class Snapshot:
    """All active videos at one moment."""

    def __init__(self, head: dict[str, Any], texts: list[str]) -> None:
        self.epoch = str(head.get("epoch", ""))
        self.seq = int(head.get("seq", 0))
        self.rev = int(head.get("rev", 0))
        self.texts = texts

    @functools.cached_property
    def text(self) -> str:
        """The subprotocol's snapshot frame."""
        return frames.snapshot(self.epoch, self.seq, self.rev, self.texts)

    @functools.cached_property
    def batch_frames(self) -> Frames:
        return Frames([self.text])

    @functools.cached_property
    def ticket_frames(self) -> Frames:
        return frames.ticket((json.loads(text)["video_id"], batch.KIND_PROGRESS, text) for text in self.texts)
