"""What the bridge knows of one video, and the texts that say it."""

import dataclasses
from typing import Any

from downloads.progress.batch import BatchMessage
from downloads.progress.message import ACTIVE_STATUSES, TERMINAL_STATUSES, UNSET, Progress

CARRIED = ("percent", "downloaded_bytes", "total_bytes", "phase")
NUMBERS = ("percent", "downloaded_bytes", "total_bytes", "speed", "eta", "phase")


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
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
    def has_ended(self) -> bool:
        return self.status in TERMINAL_STATUSES


@dataclasses.dataclass(slots=True)
class Track:
    """The newest state of one video."""

    attempt: int
    has_row: bool
    status: str | None = None
    error: str | None = None
    numbers: dict[str, Any] = dataclasses.field(default_factory=dict)
    last_percent: float = 0.0
    at: float = 0.0  # when the newest message came
    active: bool = False
    told: bool = True  # False: the status was read from the row, its message is perhaps on its way

    @property
    def ended(self) -> bool:
        return self.status in TERMINAL_STATUSES

    @property
    def waits(self) -> bool:
        return self.has_row and self.status == "queued"

    def refusal(self, attempt: int, found: Progress) -> str | None:
        """Return in one word why a message about this attempt cannot be taken; None if it can."""
        if attempt < self.attempt:
            return "old_attempt"
        if not self.ended or (found.changed is True and found.status is UNSET):
            return None
        if found.status != self.status:
            return "after_the_end"
        return "repeated_status" if self.told else None

    def carry(self, found: Progress) -> bool:
        """Bring the numbers up to date, keeping those left out that stay true; tell whether there were any."""
        fields = found.to_dict()
        given = {name: fields[name] for name in NUMBERS if name in fields}
        kept = {name: self.numbers[name] for name in CARRIED if name in self.numbers}
        if given:
            self.numbers = kept | given
        if given.get("percent") is not None:
            self.last_percent = given["percent"]
        return bool(given)


@dataclasses.dataclass(slots=True)
class Slot:
    """What goes out about one video with the next batch."""

    status: bool = False
    progress: bool = False
    changed: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Outgoing:
    """One batch: its messages, and what changes in the snapshot store with it."""

    messages: list[BatchMessage]
    put: dict[str, str]
    drop: list[str]
