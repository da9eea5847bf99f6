"""Batch: the event of the group `progress`, written by the bridge and read by web processes."""

import dataclasses
from typing import Any, Self

from downloads.progress.keys import BATCH_EVENT_TYPE

# video_id, kind, JSON text
BatchMessage = tuple[str, str, str]
KIND_PROGRESS = "progress"
KIND_STATUS = "status"
KIND_CHANGED = "changed"


@dataclasses.dataclass(frozen=True, slots=True)
class Batch:
    """Messages of one tick, with their place in an epoch."""

    epoch: str
    seq: int
    messages: list[BatchMessage]

    def to_event(self) -> dict[str, Any]:
        """Return the event for `group_send`.

        Messages stay under their own key: a `type` spread from one into the event would select another
        handler of the consumer.
        """
        messages = [list(message) for message in self.messages]
        return {"type": BATCH_EVENT_TYPE, "epoch": self.epoch, "seq": self.seq, "messages": messages}

    @classmethod
    def from_event(cls, event: dict[str, Any]) -> Self:
        """Return the batch of an event; raise KeyError, TypeError, ValueError or OverflowError if it is none."""
        messages = [(video_id, kind, text) for video_id, kind, text in event["messages"]]
        if not all(isinstance(field, str) for message in messages for field in message):
            raise TypeError("a message is [video_id, kind, text]")
        return cls(str(event["epoch"]), int(event["seq"]), messages)
