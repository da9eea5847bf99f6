"""What a web process receives: the bridge's batches, and the snapshot store at one moment."""

import dataclasses
import functools
import json
from typing import Any, Self

from downloads.fanout import frames
from downloads.fanout.frames import Frames, Message


@dataclasses.dataclass(frozen=True, slots=True)
class Batch:
    epoch: str
    seq: int
    messages: list[Message]

    @classmethod
    def read(cls, event: dict[str, Any]) -> Self:
        """Read the group's event; raise KeyError, TypeError or ValueError if it is no batch."""
        messages = [(video_id, kind, text) for video_id, kind, text in event["messages"]]
        if not all(isinstance(part, str) for message in messages for part in message):
            raise TypeError("a message is [video_id, kind, text]")
        return cls(str(event["epoch"]), int(event["seq"]), messages)


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
        return frames.ticket((json.loads(text)["video_id"], frames.PROGRESS, text) for text in self.texts)
