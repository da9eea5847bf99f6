"""Inbox: messages on their way to the conflator, kept until the rows that they may be about are read."""

from downloads.bridge.claims import ClaimQueue
from downloads.bridge.conflator import Conflator
from downloads.bridge.rows import RowReader
from downloads.progress.message import Progress

MAX_BUFFERED_PER_VIDEO = 100  # messages about one id that wait until its row is read


class Inbox:
    """Passes messages to the conflator: those about unknown ids, and claims, only after a look at the rows."""

    def __init__(self, conflator: Conflator, row_reader: RowReader) -> None:
        self.conflator = conflator
        self.row_reader = row_reader
        self.claims = ClaimQueue(conflator.counters)
        self._unidentified: dict[str, list[Progress]] = {}

    def is_due(self, now: float) -> bool:
        """Return whether rows are to be read for messages that wait."""
        return bool(self._unidentified) or self.claims.is_due(now)

    def take(self, video_id: str, progress: Progress, now: float, *, is_started: bool) -> None:
        """Apply a message, or keep it; before the epoch has started, all are kept."""
        if is_started and self.conflator.get_state(video_id):
            self._apply_or_hold(video_id, progress, now)
            return
        buffered = self._unidentified.setdefault(video_id, [])
        del buffered[:-MAX_BUFFERED_PER_VIDEO]  # progress is a state: the newest messages matter most
        buffered.append(progress)

    def _apply_or_hold(self, video_id: str, progress: Progress, now: float) -> None:
        if self.conflator.is_claim(video_id, progress):
            self.claims.hold(video_id, progress)
        else:
            self.conflator.apply_message(video_id, progress, now)

    async def identify_videos(self, now: float) -> None:
        """Read the rows of new ids, then apply the messages that were buffered for them."""
        new_ids = list(self._unidentified)
        for row in await self.row_reader.fetch_rows(new_ids) if new_ids else ():
            if not self.conflator.is_identified(row.video_id):
                self.conflator.adopt_row(row, now)
        for video_id in new_ids:
            for progress in self._unidentified.pop(video_id):
                self._apply_or_hold(video_id, progress, now)
