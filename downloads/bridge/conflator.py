"""The bridge's rules: from messages in any order to one conflated batch per tick.

Pure: no Redis, no database, no Channels; the clock is passed in (seconds, monotonic). What is known
of a video is one Track; what goes out next is collected in slots, at most the newest status and the
newest progress after it for each video.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType

from downloads.bridge.encoding import changed_text, progress_text, status_text
from downloads.bridge.video_state import Outgoing, Row, Slot, Track
from downloads.progress import batch
from downloads.progress.batch import BatchMessage
from downloads.progress.counters import Counters
from downloads.progress.message import Progress

REMEMBERED = 600.0  # seconds that an ended id's attempt and status are remembered, and a silent one waits
MOST_ENDED = 10_000
MOST_ACTIVE = 1_000
LATE = 2.0  # seconds after a terminal status in which a message without an attempt is late, not new
SILENT = "no news for 10 minutes"


class Conflator:
    """All that the leading bridge knows."""

    def __init__(self, tally: Counters | None = None) -> None:
        # Least recently updated first, in both.
        self.active: OrderedDict[str, Track] = OrderedDict()
        self.resting: OrderedDict[str, Track] = OrderedDict()
        self.slots: dict[str, Slot] = {}
        self.dropped: list[str] = []
        self.tally = tally or Counters()

    def knows(self, video_id: str) -> bool:
        """Tell whether a message about this id can be taken without a look at its row.

        A waiting row is looked at again: somebody has probably begun with it.
        """
        track = self.track(video_id)
        return track is not None and not track.waits

    def track(self, video_id: str) -> Track | None:
        """Return what is known of an id."""
        return self.active.get(video_id) or self.resting.get(video_id)

    # Messages in ---------------------------------------------------------------------------------

    def learn(self, row: Row, now: float) -> None:
        """Take a row as what is known, without telling anybody."""
        track = Track(attempt=row.attempt, has_row=True, status=row.status, at=now, told=False)
        track.carry(row.progress)
        self._keep(row.video_id, track, active=row.is_active)

    def take(self, video_id: str, found: Progress, now: float) -> bool:
        """Take one message; False if it is of an earlier attempt, late, or after the end (counted)."""
        track = self.track(video_id)
        attempt = self._attempt(track, found, now)
        fresh = track is None or attempt > track.attempt
        if track is None or fresh:
            track = Track(attempt=attempt, has_row=track.has_row if track else False)
        reason = track.refusal(attempt, found)
        if reason:
            self.tally.count_dropped(reason)
            if found.changed is True:
                self._slot(video_id).changed = True
            return False
        self._apply(video_id, track, found, now, fresh)
        return True

    @staticmethod
    def _attempt(track: Track | None, found: Progress, now: float) -> int:
        if isinstance(found.attempt, int):
            return found.attempt
        if track is None:
            return 1
        if not track.has_row and track.ended and now - track.at >= LATE:
            return track.attempt + 1
        return track.attempt

    def _apply(self, video_id: str, track: Track, found: Progress, now: float, fresh: bool) -> None:
        slot = self._slot(video_id)
        slot.changed = slot.changed or found.changed is True
        if not found.to_dict().keys() - {"changed", "attempt"}:
            return
        if fresh:
            slot.status = slot.progress = False
        if isinstance(found.status, str) and (found.status != track.status or not track.told):
            # What was true before it is over.
            slot.status, slot.progress = True, False
            track.status, track.told = found.status, True
            track.error = found.error if isinstance(found.error, str) else None
        numbers = track.carry(found)
        track.at = now
        goes_on = not track.ended and found.status != "queued"
        slot.progress = goes_on and (numbers or slot.progress)
        self._keep(video_id, track, active=goes_on and not track.waits)

    def _keep(self, video_id: str, track: Track, *, active: bool) -> None:
        was = self.active.pop(video_id, None) is not None
        self.resting.pop(video_id, None)
        track.active = active
        if active:
            self.active[video_id] = track
            if len(self.active) > MOST_ACTIVE:
                oldest, left = self.active.popitem(last=False)
                self.resting[oldest] = left
                left.active = False
                self.dropped.append(oldest)
        else:
            self.resting[video_id] = track
            if was:
                self.dropped.append(video_id)
            if len(self.resting) > MOST_ENDED:
                self.resting.popitem(last=False)

    def _slot(self, video_id: str) -> Slot:
        return self.slots.setdefault(video_id, Slot())

    # Batches out ---------------------------------------------------------------------------------

    def say_again(self, video_id: str) -> None:
        """Send a video's newest progress with the next batch, and store it."""
        self._slot(video_id).progress = True

    def collect(self) -> dict[str, Slot]:
        """Return what goes out with the next batch, and begin to collect for the one after it."""
        slots, self.slots = self.slots, {}
        return slots

    def render(self, slots: dict[str, Slot], rev: int, gone: Collection[str] = ()) -> Outgoing:
        """Return the batch of `slots`; `gone`: ids among the changed that have no row any more."""
        self._forget(gone)
        dropped, self.dropped = self.dropped, []
        messages: list[BatchMessage] = []
        put: dict[str, str] = {}
        for video_id, slot in slots.items():
            track = self.track(video_id)
            if track and slot.status and track.status:
                messages.append((video_id, batch.KIND_STATUS, status_text(video_id, track, rev)))
            if slot.changed:
                messages.append((video_id, batch.KIND_CHANGED, changed_text(video_id, rev, video_id in gone)))
            text = progress_text(video_id, track) if track and (track.active or slot.progress) else ""
            if track and track.active:
                put[video_id] = text
            if track and slot.progress and not track.ended:
                messages.append((video_id, batch.KIND_PROGRESS, text))
        return Outgoing(messages, put, [video_id for video_id in dropped if video_id not in self.active])

    def _forget(self, gone: Collection[str]) -> None:
        """Forget ids whose row was deleted."""
        for video_id in gone:
            self.resting.pop(video_id, None)
            if self.active.pop(video_id, None):
                self.dropped.append(video_id)

    def everything(self) -> dict[str, str]:
        """Return the texts of all active videos, for a new snapshot store."""
        return {video_id: progress_text(video_id, track) for video_id, track in self.active.items()}

    def expire(self, now: float) -> None:
        """Forget what ended long ago; fail what has no row and has been silent for ten minutes."""
        for video_id, track in list(self.resting.items()):
            if now - track.at >= REMEMBERED and video_id not in self.slots:
                del self.resting[video_id]
        for video_id, track in list(self.active.items()):
            if not track.has_row and now - track.at >= REMEMBERED:
                self.take(video_id, Progress(status="failed", error=SILENT, attempt=track.attempt), now)

    # The rows, again -----------------------------------------------------------------------------

    def restore(
        self,
        remembered: "OrderedDict[str, Track]",
        stored: dict[str, Progress],
        now: float,
        last_percents: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        """Take over what an earlier epoch remembers of ids without a row, and what the store holds.

        Rows are the truth and are reconciled after this.
        """
        self.resting.update((video_id, track) for video_id, track in remembered.items() if not track.has_row)
        for video_id, found in stored.items():
            self.take(video_id, found, now)
            if (track := self.track(video_id)) and video_id in last_percents:
                track.last_percent = last_percents[video_id]
        self.slots.clear()

    def reconcile(
        self, rows: Iterable[Row], since: float, now: float, news: Collection[str] = (), *, complete: bool = False
    ) -> bool:
        """Bring what is known in line with the rows read at `since`; True if a terminal status must be undone.

        An undone status cannot be told by a message (it is final for its attempt): it takes a new epoch.
        `news`: ids with a recent event, whose message may have been lost: unless it is known, it is sent again.
        `complete`: these are all the rows there are of active ids.
        """
        found = {row.video_id: row for row in rows}
        undone = [self._reconcile(row, since, now, row.video_id in news) for row in found.values()]
        deleted = set(news)
        if complete:
            deleted |= {video_id for video_id, track in self.active.items() if track.has_row and track.at <= since}
        for video_id in deleted - found.keys():
            self._slot(video_id).changed = True
        return any(undone)

    def announce(self, rows: Iterable[Row], since: float, now: float, news: Collection[str]) -> bool:
        """Make sure that the next batch tells of all events up to its rev, whose ids are `news`; as `reconcile`.

        Messages go out after the commit: an event without one here has lost it, or has it on its way.
        """
        undone = self.reconcile(rows, since, now, news)
        for video_id in news:
            if video_id not in self.slots:
                self._slot(video_id).changed = True
        return undone

    def _reconcile(self, row: Row, since: float, now: float, is_news: bool) -> bool:
        track = self.track(row.video_id)
        if track and track.at > since:
            return False  # a message came while the rows were read: it is newer
        if track is None or track.attempt < row.attempt:
            if track or row.is_active or is_news:
                self._apply(row.video_id, Track(row.attempt, has_row=True), row.progress, now, True)
            return False
        track.has_row = True
        wrong = track.attempt > row.attempt  # a message goes out after its row is written
        if not wrong and track.status == row.status and (track.told or not is_news):
            return False
        if wrong or (track.ended and not row.has_ended):
            self.slots.pop(row.video_id, None)
            self.learn(row, now)
            return True
        track.status = None
        self._apply(row.video_id, track, row.progress, now, False)
        return False
