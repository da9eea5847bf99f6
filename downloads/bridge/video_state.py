"""State of one video in the bridge, and its pending changes."""

import dataclasses
from typing import Any

from downloads.progress.batch import BatchMessage
from downloads.progress.message import ACTIVE_STATUSES, TERMINAL_STATUSES, UNSET, Progress

# Fields that keep their value when a message leaves them out; speed and eta do not.
RETAINED_FIELDS = ("percent", "downloaded_bytes", "total_bytes", "phase")
PROGRESS_FIELDS = ("percent", "downloaded_bytes", "total_bytes", "speed", "eta", "phase")


@dataclasses.dataclass(frozen=True, slots=True)
class RowState:
    """State of a video as its row has it."""

    video_id: str
    progress: Progress

    @property
    def status(self) -> str:
        return str(self.progress.status)

    @property
    def attempt(self) -> int:
        return self.progress.attempt if isinstance(self.progress.attempt, int) else 1

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE_STATUSES

    @property
    def is_terminal(self) -> bool:
        return self.status in TERMINAL_STATUSES


@dataclasses.dataclass(slots=True)
class VideoState:
    """Newest state of one video, merged from its messages and its row."""

    attempt: int
    has_row: bool
    status: str | None = None
    error: str | None = None
    progress_fields: dict[str, Any] = dataclasses.field(default_factory=dict)
    last_percent: float = 0.0
    updated_at: float = 0.0  # monotonic clock; when the newest message arrived
    is_active: bool = False
    status_at: float = 0.0  # when the row was read, or the message arrived, that gave status and attempt
    is_row_unknown: bool = False  # True from an epoch's start until the database can be read
    status_sent: bool = True  # False while the status is known from the row only; its message may still arrive

    @property
    def is_terminal(self) -> bool:
        return self.status in TERMINAL_STATUSES

    @property
    def is_queued(self) -> bool:
        return self.has_row and self.status == "queued"

    def is_claim(self, message: Progress) -> bool:
        """Return whether a message has a later attempt, or another status of an attempt that has not ended.

        That another program downloads a video that waits is no claim.
        """
        if isinstance(message.attempt, int) and message.attempt != self.attempt:
            return message.attempt > self.attempt
        if self.is_queued and message.status in ACTIVE_STATUSES:
            return False
        return isinstance(message.status, str) and message.status != self.status and not self.is_terminal

    def rejection_reason(self, attempt: int, message: Progress) -> str | None:
        """Return the counter's name for a message of this attempt that cannot be applied; None if it can."""
        if attempt < self.attempt:
            return "old_attempt"
        if not self.is_terminal or (message.changed is True and message.status is UNSET):
            return None
        if message.status != self.status:
            return "after_the_end"
        return "repeated_status" if self.status_sent else None

    def merge_progress(self, progress: Progress) -> bool:
        """Replace the progress fields, except retained ones that are left out; False if there are none."""
        fields = progress.to_dict()
        updates = {name: fields[name] for name in PROGRESS_FIELDS if name in fields}
        retained = {name: self.progress_fields[name] for name in RETAINED_FIELDS if name in self.progress_fields}
        if updates:
            self.progress_fields = retained | updates
        if updates.get("percent") is not None:
            self.last_percent = updates["percent"]
        return bool(updates)


@dataclasses.dataclass(slots=True)
class Pending:
    """Messages about one video that the next batch must contain."""

    send_status: bool = False
    send_progress: bool = False
    send_changed: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class RenderedBatch:
    """Messages of one batch, and the changes to the snapshot store that go with it."""

    messages: list[BatchMessage]
    snapshot_updates: dict[str, str]
    removed_ids: list[str]
