"""What the bridge knows of one video, and the texts that say it."""

import dataclasses
from typing import Any

from downloads.progress.batch import BatchMessage
from downloads.progress.message import ACTIVE_STATUSES, TERMINAL_STATUSES, UNSET, Progress

RETAINED_FIELDS = ("percent", "downloaded_bytes", "total_bytes", "phase")
PROGRESS_FIELDS = ("percent", "downloaded_bytes", "total_bytes", "speed", "eta", "phase")


@dataclasses.dataclass(frozen=True, slots=True)
class RowState:
    """What the bridge knows of a video's row."""

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
    """The newest state of one video."""

    attempt: int
    has_row: bool
    status: str | None = None
    error: str | None = None
    progress_fields: dict[str, Any] = dataclasses.field(default_factory=dict)
    last_percent: float = 0.0
    updated_at: float = 0.0  # when the newest message came
    is_active: bool = False
    status_sent: bool = True  # False: the status was read from the row, its message is perhaps on its way

    @property
    def is_terminal(self) -> bool:
        return self.status in TERMINAL_STATUSES

    @property
    def is_queued(self) -> bool:
        return self.has_row and self.status == "queued"

    def rejection_reason(self, attempt: int, message: Progress) -> str | None:
        """Return in one word why a message about this attempt cannot be taken; None if it can."""
        if attempt < self.attempt:
            return "old_attempt"
        if not self.is_terminal or (message.changed is True and message.status is UNSET):
            return None
        if message.status != self.status:
            return "after_the_end"
        return "repeated_status" if self.status_sent else None

    def merge_progress(self, progress: Progress) -> bool:
        """Bring the numbers up to date, keeping those left out that stay true; tell whether there were any."""
        fields = progress.to_dict()
        given = {name: fields[name] for name in PROGRESS_FIELDS if name in fields}
        kept = {name: self.progress_fields[name] for name in RETAINED_FIELDS if name in self.progress_fields}
        if given:
            self.progress_fields = kept | given
        if given.get("percent") is not None:
            self.last_percent = given["percent"]
        return bool(given)


@dataclasses.dataclass(slots=True)
class Pending:
    """What goes out about one video with the next batch."""

    send_status: bool = False
    send_progress: bool = False
    send_changed: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class RenderedBatch:
    """One batch: its messages, and what changes in the snapshot store with it."""

    messages: list[BatchMessage]
    snapshot_updates: dict[str, str]
    removed_ids: list[str]
