"""The group's event: one batch of messages, written by the bridge and read by web processes."""

import dataclasses
from typing import Any, Self

BatchMessage = tuple[str, str, str]
KIND_PROGRESS = "progress"
KIND_STATUS = "status"
KIND_CHANGED = "changed"


@dataclasses.dataclass(frozen=True, slots=True)
class Batch:
    epoch: str
    seq: int
    messages: list[BatchMessage]

    @classmethod
    def from_event(cls, event: dict[str, Any]) -> Self:
        """Read the group's event; raise KeyError, TypeError or ValueError if it is no batch."""
        messages = [(video_id, kind, text) for video_id, kind, text in event["messages"]]
        if not all(isinstance(part, str) for message in messages for part in message):
            raise TypeError("a message is [video_id, kind, text]")
        return cls(str(event["epoch"]), int(event["seq"]), messages)
