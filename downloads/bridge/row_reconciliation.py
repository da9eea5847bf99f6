"""Agreement of the bridge's states with the rows, which decide the status and the attempt of their video."""

import dataclasses
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType

from downloads.bridge.video_state import Pending, RowState, VideoState
from downloads.progress.counters import Counters
from downloads.progress.message import UNSET, Progress


class RowReconciliation:
    """The part of Conflator that takes rows in place of messages."""

    active: OrderedDict[str, VideoState]
    inactive: OrderedDict[str, VideoState]
    pending: dict[str, Pending]
    counters: Counters

    def get_state(self, video_id: str) -> VideoState | None:
        """Return the state of an id, or None: implemented by Conflator, as are the next four."""
        raise NotImplementedError

    def adopt_row(self, row: RowState, now: float) -> None:
        """Replace the state with the row's, without sending anything."""
        raise NotImplementedError

    def apply_message(self, video_id: str, message: Progress, now: float) -> bool:
        """Apply one message."""
        raise NotImplementedError

    def update_state(
        self, video_id: str, state: VideoState, message: Progress, now: float, is_new_attempt: bool
    ) -> None:
        """Merge a message into a state."""
        raise NotImplementedError

    def pending_for(self, video_id: str) -> Pending:
        """Return what the next batch says of a video."""
        raise NotImplementedError

    # Rows ------------------------------------------------------------------------------------------

    def restore_states(
        self,
        inactive: OrderedDict[str, VideoState],
        stored: dict[str, Progress],
        now: float,
        last_percents: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        """Restore the inactive states of an earlier epoch that have no row, and the snapshot store's entries.

        The rows are authoritative: reconcile with them after this.
        """
        self.inactive.update((video_id, state) for video_id, state in inactive.items() if not state.has_row)
        for video_id, progress in stored.items():
            self.apply_message(video_id, progress, now)
            if (state := self.get_state(video_id)) and video_id in last_percents:
                state.last_percent = last_percents[video_id]
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
        """Update the states from the rows, which were read at `rows_read_at`; True if a terminal status was undone.

        No message can undo a terminal status (it is final for its attempt): that takes a new epoch.
        `video_ids_with_events`: ids with a recent event, whose message may have been lost: their status is
        sent unless it was sent already. `is_complete`: `rows` has every active row, so that a state without
        one belongs to a deleted row.
        """
        row_by_id = {row.video_id: row for row in rows}
        undone = [
            self._reconcile_row(row, rows_read_at, now, row.video_id in video_ids_with_events)
            for row in row_by_id.values()
        ]
        expected_ids = set(video_ids_with_events)
        if is_complete:
            expected_ids |= {
                video_id
                for video_id, state in self.active.items()
                if state.has_row and state.updated_at <= rows_read_at
            }
            self._end_row_outage()
        for video_id in expected_ids - row_by_id.keys():
            self.pending_for(video_id).send_changed = True
        return any(undone)

    # Claims ----------------------------------------------------------------------------------------

    def is_claim(self, video_id: str, message: Progress) -> bool:
        """Return whether a message says of a row what the row decides: another status, or a later attempt.

        Anybody may publish it, so it is applied only once the row is read and says the same. So is everything about
        a row that was waiting: its download has probably started.
        """
        state = self.get_state(video_id)
        if state is None or not (state.has_row or state.is_row_unknown):
            return False
        return state.is_claim(message) or (state.is_queued and message.status != state.status)

    def settle_claims(self, claims: Mapping[str, Progress], rows: Iterable[RowState], now: float) -> int:
        """Apply or drop claims whose `rows` were read and reconciled just now; return how many were dropped."""
        dropped = 0
        row_ids = {row.video_id for row in rows}
        for video_id, message in claims.items():
            if message.changed is True:
                self.pending_for(video_id).send_changed = True
            state = self.get_state(video_id)
            if state and video_id not in row_ids:
                self._settle_without_row(video_id, state, message, now)
            elif state and (message.status is UNSET or state.is_queued) and not state.is_claim(message):
                self.apply_message(video_id, message, now)  # numbers; a status was taken from the row itself
            elif state is None or state.is_claim(message):
                self.counters.count_dropped("contradicts_row")
                dropped += 1
        return dropped

    def _settle_without_row(self, video_id: str, state: VideoState, message: Progress, now: float) -> None:
        if state.has_row:  # it was deleted
            self.pending_for(video_id).send_changed = True
        else:
            state.is_row_unknown = False
            self.apply_message(video_id, message, now)

    def mark_rows_unknown(self) -> None:
        """Note that the rows could not be read: every restored state may belong to one."""
        for state in (*self.active.values(), *self.inactive.values()):
            state.is_row_unknown = True

    def _end_row_outage(self) -> None:
        for state in (*self.active.values(), *self.inactive.values()):
            state.is_row_unknown = False

    def include_events(
        self, rows: Iterable[RowState], rows_read_at: float, now: float, video_ids_with_events: Collection[str]
    ) -> bool:
        """Add all events up to the next batch's rev to that batch; arguments and result as for `reconcile_rows`.

        Messages are published after the commit: if none has arrived here for an event, it is lost or on
        its way.
        """
        undone = self.reconcile_rows(rows, rows_read_at, now, video_ids_with_events)
        for video_id in video_ids_with_events:
            if video_id not in self.pending:
                self.pending_for(video_id).send_changed = True
        return undone

    def _reconcile_row(self, row: RowState, rows_read_at: float, now: float, has_recent_event: bool) -> bool:
        state = self.get_state(row.video_id)
        if state and state.status_at > rows_read_at:
            return False  # read or received after these rows were read: it is newer
        if state is None or state.attempt < row.attempt:
            if state or row.is_active or has_recent_event:
                self._begin_attempt(row, rows_read_at, now)
            return False
        state.has_row, state.is_row_unknown = True, False
        # A row is written before its message is published, so no true message has a higher attempt.
        is_attempt_wrong = state.attempt > row.attempt
        if not is_attempt_wrong and state.status == row.status and (state.status_sent or not has_recent_event):
            return False
        if is_attempt_wrong or (state.is_terminal and not row.is_terminal):
            self.pending.pop(row.video_id, None)
            self.adopt_row(row, now)
            return True
        progress = _keep_received_numbers(state, row)
        state.status = None
        self.update_state(row.video_id, state, progress, now, False)
        state.status_at = rows_read_at
        return False

    def _begin_attempt(self, row: RowState, rows_read_at: float, now: float) -> None:
        state = VideoState(row.attempt, has_row=True)
        self.update_state(row.video_id, state, row.progress, now, True)
        state.status_at = rows_read_at


def _keep_received_numbers(state: VideoState, row: RowState) -> Progress:
    """Return the row's progress, without the numbers of a running attempt: those that were received are newer."""
    if not (row.is_active and state.is_active and state.progress_fields.get("percent") is not None):
        return row.progress
    return dataclasses.replace(row.progress, percent=UNSET, downloaded_bytes=UNSET, total_bytes=UNSET)
