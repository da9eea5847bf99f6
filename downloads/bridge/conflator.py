"""The bridge's rules: from messages in any order to one conflated batch per tick.

Pure: no Redis, no database, no Channels; the clock is passed in (seconds, monotonic). What is known
of a video is one Track; what goes out next is collected in slots, at most the newest status and the
newest progress after it for each video.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType

from downloads.bridge.encoding import encode_changed, encode_progress, encode_status
from downloads.bridge.video_state import Pending, RenderedBatch, RowState, VideoState
from downloads.progress import batch
from downloads.progress.batch import BatchMessage
from downloads.progress.counters import Counters
from downloads.progress.message import Progress

INACTIVE_TTL_SECONDS = 600.0  # seconds that an ended id's attempt and status are remembered, and a silent one waits
MAX_INACTIVE_VIDEOS = 10_000
MAX_ACTIVE_VIDEOS = 1_000
LATE_MESSAGE_SECONDS = 2.0  # seconds after a terminal status in which a message without an attempt is late, not new
INACTIVITY_ERROR = "no news for 10 minutes"


class Conflator:
    """All that the leading bridge knows."""

    def __init__(self, counters: Counters | None = None) -> None:
        # Least recently updated first, in both.
        self.active: OrderedDict[str, VideoState] = OrderedDict()
        self.inactive: OrderedDict[str, VideoState] = OrderedDict()
        self.pending: dict[str, Pending] = {}
        self.removed_ids: list[str] = []
        self.counters = counters or Counters()

    def is_identified(self, video_id: str) -> bool:
        """Tell whether a message about this id can be taken without a look at its row.

        A waiting row is looked at again: somebody has probably begun with it.
        """
        track = self.get_state(video_id)
        return track is not None and not track.is_queued

    def get_state(self, video_id: str) -> VideoState | None:
        """Return what is known of an id."""
        return self.active.get(video_id) or self.inactive.get(video_id)

    # Messages in ---------------------------------------------------------------------------------

    def adopt_row(self, row: RowState, now: float) -> None:
        """Take a row as what is known, without telling anybody."""
        track = VideoState(attempt=row.attempt, has_row=True, status=row.status, updated_at=now, status_sent=False)
        track.merge_progress(row.progress)
        self._insert_state(row.video_id, track, is_active=row.is_active)

    def apply_message(self, video_id: str, message: Progress, now: float) -> bool:
        """Take one message; False if it is of an earlier attempt, late, or after the end (counted)."""
        track = self.get_state(video_id)
        attempt = self._resolve_attempt(track, message, now)
        fresh = track is None or attempt > track.attempt
        if track is None or fresh:
            track = VideoState(attempt=attempt, has_row=track.has_row if track else False)
        reason = track.rejection_reason(attempt, message)
        if reason:
            self.counters.count_dropped(reason)
            if message.changed is True:
                self._pending_for(video_id).send_changed = True
            return False
        self._update_state(video_id, track, message, now, fresh)
        return True

    @staticmethod
    def _resolve_attempt(state: VideoState | None, message: Progress, now: float) -> int:
        if isinstance(message.attempt, int):
            return message.attempt
        if state is None:
            return 1
        if not state.has_row and state.is_terminal and now - state.updated_at >= LATE_MESSAGE_SECONDS:
            return state.attempt + 1
        return state.attempt

    def _update_state(
        self, video_id: str, state: VideoState, message: Progress, now: float, is_new_attempt: bool
    ) -> None:
        slot = self._pending_for(video_id)
        slot.send_changed = slot.send_changed or message.changed is True
        if not message.to_dict().keys() - {"changed", "attempt"}:
            return
        if is_new_attempt:
            slot.send_status = slot.send_progress = False
        if isinstance(message.status, str) and (message.status != state.status or not state.status_sent):
            # What was true before it is over.
            slot.send_status, slot.send_progress = True, False
            state.status, state.status_sent = message.status, True
            state.error = message.error if isinstance(message.error, str) else None
        numbers = state.merge_progress(message)
        state.updated_at = now
        goes_on = not state.is_terminal and message.status != "queued"
        slot.send_progress = goes_on and (numbers or slot.send_progress)
        self._insert_state(video_id, state, is_active=goes_on and not state.is_queued)

    def _insert_state(self, video_id: str, state: VideoState, *, is_active: bool) -> None:
        was = self.active.pop(video_id, None) is not None
        self.inactive.pop(video_id, None)
        state.is_active = is_active
        if is_active:
            self.active[video_id] = state
            if len(self.active) > MAX_ACTIVE_VIDEOS:
                oldest, left = self.active.popitem(last=False)
                self.inactive[oldest] = left
                left.is_active = False
                self.removed_ids.append(oldest)
        else:
            self.inactive[video_id] = state
            if was:
                self.removed_ids.append(video_id)
            if len(self.inactive) > MAX_INACTIVE_VIDEOS:
                self.inactive.popitem(last=False)

    def _pending_for(self, video_id: str) -> Pending:
        return self.pending.setdefault(video_id, Pending())

    # Batches out ---------------------------------------------------------------------------------

    def resend(self, video_id: str) -> None:
        """Send a video's newest progress with the next batch, and store it."""
        self._pending_for(video_id).send_progress = True

    def drain_pending(self) -> dict[str, Pending]:
        """Return what goes out with the next batch, and begin to collect for the one after it."""
        slots, self.pending = self.pending, {}
        return slots

    def render_batch(self, pending: dict[str, Pending], rev: int, deleted_ids: Collection[str] = ()) -> RenderedBatch:
        """Return the batch of `slots`; `gone`: ids among the changed that have no row any more."""
        self._forget_deleted(deleted_ids)
        dropped, self.removed_ids = self.removed_ids, []
        messages: list[BatchMessage] = []
        put: dict[str, str] = {}
        for video_id, slot in pending.items():
            track = self.get_state(video_id)
            if track and slot.send_status and track.status:
                messages.append((video_id, batch.KIND_STATUS, encode_status(video_id, track, rev)))
            if slot.send_changed:
                messages.append((video_id, batch.KIND_CHANGED, encode_changed(video_id, rev, video_id in deleted_ids)))
            text = encode_progress(video_id, track) if track and (track.is_active or slot.send_progress) else ""
            if track and track.is_active:
                put[video_id] = text
            if track and slot.send_progress and not track.is_terminal:
                messages.append((video_id, batch.KIND_PROGRESS, text))
        return RenderedBatch(messages, put, [video_id for video_id in dropped if video_id not in self.active])

    def _forget_deleted(self, deleted_ids: Collection[str]) -> None:
        """Forget ids whose row was deleted."""
        for video_id in deleted_ids:
            self.inactive.pop(video_id, None)
            if self.active.pop(video_id, None):
                self.removed_ids.append(video_id)

    def encode_active(self) -> dict[str, str]:
        """Return the texts of all active videos, for a new snapshot store."""
        return {video_id: encode_progress(video_id, track) for video_id, track in self.active.items()}

    def expire_stale(self, now: float) -> None:
        """Forget what ended long ago; fail what has no row and has been silent for ten minutes."""
        for video_id, track in list(self.inactive.items()):
            if now - track.updated_at >= INACTIVE_TTL_SECONDS and video_id not in self.pending:
                del self.inactive[video_id]
        for video_id, track in list(self.active.items()):
            if not track.has_row and now - track.updated_at >= INACTIVE_TTL_SECONDS:
                self.apply_message(
                    video_id, Progress(status="failed", error=INACTIVITY_ERROR, attempt=track.attempt), now
                )

    # The rows, again -----------------------------------------------------------------------------

    def restore_states(
        self,
        inactive: "OrderedDict[str, VideoState]",
        stored: dict[str, Progress],
        now: float,
        last_percents: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        """Take over what an earlier epoch remembers of ids without a row, and what the store holds.

        Rows are the truth and are reconciled after this.
        """
        self.inactive.update((video_id, track) for video_id, track in inactive.items() if not track.has_row)
        for video_id, found in stored.items():
            self.apply_message(video_id, found, now)
            if (track := self.get_state(video_id)) and video_id in last_percents:
                track.last_percent = last_percents[video_id]
        self.pending.clear()

    def reconcile_rows(
        self,
        rows: Iterable[RowState],
        rows_read_at: float,
        now: float,
        video_ids_with_events: Collection[str] = (),
        *,
        is_complete: bool = False,
    ) -> bool:
        """Bring what is known in line with the rows read at `since`; True if a terminal status must be undone.

        An undone status cannot be told by a message (it is final for its attempt): it takes a new epoch.
        `news`: ids with a recent event, whose message may have been lost: unless it is known, it is sent again.
        `complete`: these are all the rows there are of active ids.
        """
        found = {row.video_id: row for row in rows}
        undone = [
            self._reconcile_row(row, rows_read_at, now, row.video_id in video_ids_with_events) for row in found.values()
        ]
        deleted = set(video_ids_with_events)
        if is_complete:
            deleted |= {
                video_id
                for video_id, track in self.active.items()
                if track.has_row and track.updated_at <= rows_read_at
            }
        for video_id in deleted - found.keys():
            self._pending_for(video_id).send_changed = True
        return any(undone)

    def include_events(
        self, rows: Iterable[RowState], rows_read_at: float, now: float, video_ids_with_events: Collection[str]
    ) -> bool:
        """Make sure that the next batch tells of all events up to its rev, whose ids are `news`; as `reconcile`.

        Messages go out after the commit: an event without one here has lost it, or has it on its way.
        """
        undone = self.reconcile_rows(rows, rows_read_at, now, video_ids_with_events)
        for video_id in video_ids_with_events:
            if video_id not in self.pending:
                self._pending_for(video_id).send_changed = True
        return undone

    def _reconcile_row(self, row: RowState, rows_read_at: float, now: float, has_recent_event: bool) -> bool:
        track = self.get_state(row.video_id)
        if track and track.updated_at > rows_read_at:
            return False  # a message came while the rows were read: it is newer
        if track is None or track.attempt < row.attempt:
            if track or row.is_active or has_recent_event:
                self._update_state(row.video_id, VideoState(row.attempt, has_row=True), row.progress, now, True)
            return False
        track.has_row = True
        wrong = track.attempt > row.attempt  # a message goes out after its row is written
        if not wrong and track.status == row.status and (track.status_sent or not has_recent_event):
            return False
        if wrong or (track.is_terminal and not row.is_terminal):
            self.pending.pop(row.video_id, None)
            self.adopt_row(row, now)
            return True
        track.status = None
        self._update_state(row.video_id, track, row.progress, now, False)
        return False
