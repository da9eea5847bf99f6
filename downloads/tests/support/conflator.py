"""A conflator with a clock of its own."""

import json

from downloads.bridge.conflator import Conflator
from downloads.bridge.video_state import RowState
from downloads.progress.message import Progress


class ConflatorHarness:
    """A conflator with a clock, and its batches as plain objects."""

    def __init__(self) -> None:
        self.conflator = Conflator()
        self.now = 1000.0

    def receive(self, video_id: str = "a", **fields) -> bool:
        return self.conflator.apply_message(video_id, Progress(**fields), self.now)

    def row(self, video_id: str = "a", status: str = "downloading", attempt: int = 1, **fields) -> RowState:
        return RowState(video_id, Progress(status=status, attempt=attempt, **fields))

    def batch(self, rev: int = 7, gone=()) -> list[dict]:
        self.outgoing = self.conflator.render_batch(self.conflator.drain_pending(), rev, gone)
        return [json.loads(text) for _, _, text in self.outgoing.messages]

    def batch_summary(self) -> list[tuple]:
        return [(message["type"], message.get("status") or message.get("percent")) for message in self.batch()]


def reconcile(harness, *rows, rows_read_at=None, **options) -> bool:
    return harness.conflator.reconcile_rows(
        rows, harness.now if rows_read_at is None else rows_read_at, harness.now, **options
    )
