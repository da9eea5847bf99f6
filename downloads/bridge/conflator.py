"""Conflation: messages in any order to one batch per tick, with the newest state of each video.

Pure: no Redis, no database, no Channels; the clock is passed in (seconds, monotonic). Each video has
one VideoState, and one Pending for the next batch: at most its newest status and the newest progress
after it.
"""

from collections import OrderedDict
from collections.abc import Collection

from downloads.bridge.encoding import encode_changed, encode_progress, encode_status
from downloads.bridge.row_reconciliation import RowReconciliation
from downloads.bridge.video_state import Pending, RenderedBatch, RowState, VideoState
from downloads.progress import batch
from downloads.progress.batch import BatchMessage
from downloads.progress.counters import Counters
from downloads.progress.message import Progress

INACTIVE_TTL_SECONDS = 600.0  # kept after the end, and after the last message about an id without a row
MAX_INACTIVE_VIDEOS = 10_000
MAX_ACTIVE_VIDEOS = 1_000
LATE_MESSAGE_SECONDS = 2.0  # after a terminal status; later, a message without an attempt begins a new one
INACTIVITY_ERROR = "no news for 10 minutes"


class Conflator(RowReconciliation):
    """State of all videos in one epoch of the bridge."""

    def __init__(self, counters: Counters | None = None) -> None:
        # Least recently updated first, in both.
        self.active: OrderedDict[str, VideoState] = OrderedDict()
        self.inactive: OrderedDict[str, VideoState] = OrderedDict()
        self.pending: dict[str, Pending] = {}
        self.removed_ids: list[str] = []
        self.counters = counters or Counters()

    def is_identified(self, video_id: str) -> bool:
        """Return whether a message about this id can be applied without reading its row.

        A queued row is read again: its download has probably started.
        """
        state = self.get_state(video_id)
        return state is not None and not state.is_queued

    def get_state(self, video_id: str) -> VideoState | None:
        """Return the state of an id, or None."""
        return self.active.get(video_id) or self.inactive.get(video_id)

    # Messages in ---------------------------------------------------------------------------------

    def adopt_row(self, row: RowState, now: float) -> None:
        """Replace the state with the row's, without sending anything."""
        state = VideoState(row.attempt, has_row=True, status=row.status, updated_at=now, status_at=now)
        state.status_sent = False
        state.error = row.progress.error if isinstance(row.progress.error, str) else None
        state.merge_progress(row.progress)
        self._insert_state(row.video_id, state, is_active=row.is_active)

    def apply_message(self, video_id: str, message: Progress, now: float) -> bool:
        """Apply one message that is no claim; False (counted) if it is late, or of an earlier or ended attempt."""
        state = self.get_state(video_id)
        attempt = self._resolve_attempt(state, message, now)
        is_new_attempt = state is None or attempt > state.attempt
        if state is None or is_new_attempt:
            state = VideoState(attempt, has_row=state.has_row if state else False, status_at=now)
        reason = state.rejection_reason(attempt, message)
        if reason:
            self.counters.count_dropped(reason)
            if message.changed is True:
                self.pending_for(video_id).send_changed = True
            return False
        self.update_state(video_id, state, message, now, is_new_attempt)
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

    def update_state(
        self, video_id: str, state: VideoState, message: Progress, now: float, is_new_attempt: bool
    ) -> None:
        """Merge a message into a state, and collect what the next batch says of it."""
        pending = self.pending_for(video_id)
        pending.send_changed = pending.send_changed or message.changed is True
        if not message.to_dict().keys() - {"changed", "attempt"}:
            return
        if is_new_attempt:
            pending.send_status = pending.send_progress = False
        if isinstance(message.status, str) and (message.status != state.status or not state.status_sent):
            # A new status makes progress from before it obsolete.
            pending.send_status, pending.send_progress = True, False
            if message.status != state.status or not state.has_row:  # the error of a row is the row's own
                state.error = message.error if isinstance(message.error, str) else None
            state.status, state.status_sent, state.status_at = message.status, True, now
        previous_fields = state.progress_fields
        has_progress = state.merge_progress(message)
        if state.has_row and state.progress_fields == previous_fields and not pending.send_status:
            has_progress = False  # a worker repeats its newest state, in case it was lost
        state.updated_at = now
        is_running = not state.is_terminal and message.status != "queued"
        pending.send_progress = is_running and (has_progress or pending.send_progress)
        self._insert_state(video_id, state, is_active=is_running and not state.is_queued)

    def _insert_state(self, video_id: str, state: VideoState, *, is_active: bool) -> None:
        """Make the state the most recently updated; the least recently updated one may leave."""
        was_active = self.active.pop(video_id, None) is not None
        self.inactive.pop(video_id, None)
        state.is_active = is_active
        if is_active:
            self.active[video_id] = state
            if len(self.active) > MAX_ACTIVE_VIDEOS:
                oldest_id, oldest = self.active.popitem(last=False)
                self.inactive[oldest_id] = oldest
                oldest.is_active = False
                self.removed_ids.append(oldest_id)
        else:
            self.inactive[video_id] = state
            if was_active:
                self.removed_ids.append(video_id)
            if len(self.inactive) > MAX_INACTIVE_VIDEOS:
                self.inactive.popitem(last=False)

    def pending_for(self, video_id: str) -> Pending:
        """Return what the next batch says of a video, to be added to."""
        return self.pending.setdefault(video_id, Pending())

    # Batches out ---------------------------------------------------------------------------------

    def resend(self, video_id: str) -> None:
        """Add a video's newest progress to the next batch, and so to the snapshot store."""
        self.pending_for(video_id).send_progress = True

    def drain_pending(self) -> dict[str, Pending]:
        """Return what the next batch must contain, and start collecting for the one after it."""
        pending, self.pending = self.pending, {}
        return pending

    def render_batch(self, pending: dict[str, Pending], rev: int, deleted_ids: Collection[str] = ()) -> RenderedBatch:
        """Return the batch for `pending`; `deleted_ids` are those of its changed videos that have no row."""
        self._forget_deleted(deleted_ids)
        removed_ids, self.removed_ids = self.removed_ids, []
        messages: list[BatchMessage] = []
        snapshot_updates: dict[str, str] = {}
        for video_id, changes in pending.items():
            state = self.get_state(video_id)
            if state and changes.send_status and state.status:
                messages.append((video_id, batch.KIND_STATUS, encode_status(video_id, state, rev)))
            if changes.send_changed:
                messages.append((video_id, batch.KIND_CHANGED, encode_changed(video_id, rev, video_id in deleted_ids)))
            text = encode_progress(video_id, state) if state and (state.is_active or changes.send_progress) else ""
            if state and state.is_active:
                snapshot_updates[video_id] = text
            if state and changes.send_progress and not state.is_terminal:
                messages.append((video_id, batch.KIND_PROGRESS, text))
        # One that was removed may be active again.
        return RenderedBatch(messages, snapshot_updates, [id_ for id_ in removed_ids if id_ not in self.active])

    def _forget_deleted(self, deleted_ids: Collection[str]) -> None:
        """Forget ids whose row was deleted."""
        for video_id in deleted_ids:
            self.inactive.pop(video_id, None)
            if self.active.pop(video_id, None):
                self.removed_ids.append(video_id)

    def encode_active(self) -> dict[str, str]:
        """Return the progress texts of all active videos, for a new snapshot store."""
        return {video_id: encode_progress(video_id, state) for video_id, state in self.active.items()}

    def expire_stale(self, now: float) -> None:
        """Forget states that ended long ago; fail videos without a row that were silent for ten minutes."""
        for video_id, state in list(self.inactive.items()):
            if now - state.updated_at >= INACTIVE_TTL_SECONDS and video_id not in self.pending:
                del self.inactive[video_id]
        for video_id, state in list(self.active.items()):
            if not state.has_row and now - state.updated_at >= INACTIVE_TTL_SECONDS:
                failure = Progress(status="failed", error=INACTIVITY_ERROR, attempt=state.attempt)
                self.apply_message(video_id, failure, now)
