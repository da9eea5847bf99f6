"""Epoch: one unbroken subscription of the leading bridge, its batches and its agreement with the rows."""

import asyncio
import contextlib
import dataclasses
import logging
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

from downloads.bridge.conflator import Conflator
from downloads.bridge.inbox import Inbox
from downloads.bridge.lease import LeadershipLost, Lease
from downloads.bridge.rows import RowReader
from downloads.bridge.snapshot_store import SnapshotStore
from downloads.bridge.video_state import RenderedBatch, VideoState
from downloads.bridge.worker_presence import WorkerPresence
from downloads.progress.batch import Batch
from downloads.progress.counters import BATCHES_SENT, MESSAGES_TAKEN, Counters
from downloads.progress.keys import ECHO_CHANNEL_PREFIX
from downloads.progress.message import InvalidMessage, Progress, encode_json, parse_video_id
from downloads.progress.redis_clients import REDIS_ERRORS

logger = logging.getLogger(__name__)

HEARTBEAT_INTERVAL_SECONDS = 1.5  # longest time between batches, so that clients get one at least every 2 s
RECONCILE_INTERVAL_SECONDS = 30.0
ECHO_TIMEOUT_SECONDS = 6.0
COALESCE_MARGIN_SECONDS = 0.01
MAX_MESSAGES_PER_TICK = 400  # asyncio's stream reader holds 128 KiB


@dataclasses.dataclass(frozen=True, slots=True)
class Handover:
    """State that one epoch leaves to the next."""

    inactive_states: OrderedDict[str, VideoState] = dataclasses.field(default_factory=OrderedDict)
    # The pages know of the events up to here; None: compare with the events of the last ten minutes.
    reconciled_rev: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class EpochContext:
    """Parts of the bridge process that an epoch works with; they outlive it."""

    redis_client: Any
    lease: Lease
    snapshot_store: SnapshotStore
    row_reader: RowReader
    worker_presence: WorkerPresence
    counters: Counters
    send: Callable[[Batch], Awaitable[None]]  # to the group; raises LeadershipLost
    count_invalid: Callable[[str, bytes], None]  # takes the reason and the name of the channel
    tick_seconds: float
    clock: Callable[[], float]
    stopping: asyncio.Event


class Epoch:
    """One unbroken subscription of the leading bridge; whatever breaks it raises LeadershipLost or REDIS_ERRORS."""

    def __init__(self, context: EpochContext, handover: Handover) -> None:
        self.context = context
        self.clock = context.clock
        self.inherited_states = handover.inactive_states
        self.reconciled_rev = handover.reconciled_rev
        self.epoch_id = secrets.token_hex(8)
        self.seq = 0
        self.rev = 0  # the pages know of every event up to this one
        self.conflator = Conflator(context.counters)
        self.inbox = Inbox(self.conflator, context.row_reader)
        self.is_started = False
        self.messages_since_batch = self.coalesced_seq = 0
        self.wake_event = asyncio.Event()
        self.echo_received_at = self.batch_sent_at = self.echo_sent_at = self.reconciled_at = self.clock()
        self.reconcile_task: asyncio.Task[bool] | None = None

    # Messages in -----------------------------------------------------------------------------------

    async def read_messages(self, pubsub: Any) -> None:
        """Read messages until cancelled; raise LeadershipLost when redis-py has subscribed again by itself."""
        async for message in pubsub.listen():
            if message["type"] == "pmessage":
                self.handle_message(message["channel"], message["data"])
                await self._coalesce()
            elif message["type"] == "message":
                self.echo_received_at = self.clock()
            else:
                raise LeadershipLost("Redis cut the subscription, messages may be missing")

    async def _coalesce(self) -> None:
        """Leave messages in the buffers until shortly before the next batch is due, then read them together.

        Waking up for each message costs more than everything else done with it. More messages than the
        buffers hold are not left there.
        """
        self.messages_since_batch += 1
        if self.coalesced_seq == self.seq:
            return
        exceeds_buffers = self.messages_since_batch > MAX_MESSAGES_PER_TICK
        self.coalesced_seq, self.messages_since_batch = self.seq, 0
        delay = self.batch_sent_at + self.context.tick_seconds - COALESCE_MARGIN_SECONDS - self.clock()
        if self.is_started and delay > 0 and not exceeds_buffers:
            await asyncio.sleep(delay)

    def handle_message(self, channel_name: bytes, data: bytes) -> None:
        """Apply one message, or keep it until its row is read; an invalid one is counted by its reason."""
        try:
            video_id = parse_video_id(channel_name.decode("utf-8", "replace"))
            progress = Progress.from_json(data)
        except InvalidMessage as error:
            self.context.count_invalid(error.reason, channel_name)
            return
        self.context.counters.counts[MESSAGES_TAKEN] += 1
        self.inbox.take(video_id, progress, self.clock(), is_started=self.is_started)
        self.wake_event.set()

    # Batches out -------------------------------------------------------------------------------------

    async def start_epoch(self) -> None:
        """Build the state from the snapshot store and the rows, and send it as the epoch's first batch."""
        started_at = self.clock()
        stored = await self.context.snapshot_store.load()
        if not stored.has_head:
            self.reconciled_rev = None  # Redis has lost its data, and perhaps messages with it
        self.conflator.restore_states(self.inherited_states, stored.progress, started_at, stored.last_percents)
        await self._reconcile_with_rows(started_at)
        self.is_started = True
        batch = self.conflator.render_batch(self.conflator.drain_pending(), self.rev)
        await self._send_batch(RenderedBatch(batch.messages, self.conflator.encode_active(), []), replace_snapshot=True)

    async def send_batches(self, reader_task: asyncio.Task[None]) -> None:
        """Send pending changes, at most one batch a tick, and a heartbeat when there are none, until stopped."""
        reader_task.add_done_callback(lambda _: self.wake_event.set())
        while not self.context.stopping.is_set():
            await self._wait_for_messages()
            if reader_task.done():
                reader_task.result()  # raises what ended it
                raise LeadershipLost("The subscription ended")
            now = self.clock()
            await self._run_periodic_checks(now)
            interval = self.context.tick_seconds if self.has_pending else HEARTBEAT_INTERVAL_SECONDS
            if now - self.batch_sent_at >= interval:
                await self._send_pending()

    @property
    def has_pending(self) -> bool:
        """True if the next batch is more than a heartbeat."""
        return bool(self.conflator.pending or self.inbox.is_due(self.clock()))

    async def _wait_for_messages(self) -> None:
        """Wait for a message or for the heartbeat; with changes pending, until a batch may be sent."""
        self.wake_event.clear()
        now = self.clock()
        if self.has_pending:
            await asyncio.sleep(max(0.0, self.batch_sent_at + self.context.tick_seconds - now))
            return
        with contextlib.suppress(asyncio.TimeoutError):
            async with asyncio.timeout(max(0.0, self.batch_sent_at + HEARTBEAT_INTERVAL_SECONDS - now)):
                await self.wake_event.wait()

    async def _send_pending(self) -> None:
        await self.inbox.identify_videos(self.clock())
        pending = self.conflator.pending
        has_statuses = any(changes.send_status or changes.send_changed for changes in pending.values())
        if not pending or has_statuses or self.inbox.claims.is_due(self.clock()):
            await self._include_recent_events()
        pending = self.conflator.drain_pending()
        deleted_ids = await self.context.row_reader.find_ids_without_row(
            [video_id for video_id, changes in pending.items() if changes.send_changed]
        )
        await self._send_batch(self.conflator.render_batch(pending, self.rev, deleted_ids))

    async def _include_recent_events(self) -> None:
        """Read the newest rev and the rows of claims, and add every event up to it to the next batch.

        What a claim says is taken from its row: what the row has not done, the page does not hear of.
        """
        rows_read_at, row_reader, claims = self.clock(), self.context.row_reader, self.inbox.claims
        due_claims = claims.take_due(rows_read_at)
        rev, video_ids = await row_reader.fetch_events_since(self.rev)
        rows = await row_reader.fetch_rows(video_ids | due_claims.keys()) if video_ids or due_claims else []
        now = self.clock()
        if row_reader.is_down:
            claims.put_back(due_claims, now)
            return
        if self.conflator.include_events(rows, rows_read_at, now, video_ids):
            raise LeadershipLost("A status that its row contradicts was undone")
        if self.conflator.settle_claims(due_claims, rows, now):
            claims.pause(rows_read_at, now)
        self.rev = rev

    async def _send_batch(self, batch: RenderedBatch, *, replace_snapshot: bool = False) -> None:
        """Write the snapshot store, which renews the lease, and only then send."""
        self.batch_sent_at = self.clock()
        self.seq += 1
        head = encode_json({"epoch": self.epoch_id, "seq": self.seq, "rev": self.rev})
        await self.context.snapshot_store.write(
            head=head, updates=batch.snapshot_updates, removed_ids=batch.removed_ids, replace=replace_snapshot
        )
        self.context.counters.counts[BATCHES_SENT] += 1
        await self.context.send(Batch(self.epoch_id, self.seq, batch.messages))

    # Periodic checks -----------------------------------------------------------------------------------

    async def _run_periodic_checks(self, now: float) -> None:
        """Check that the subscription still delivers, and that the state agrees with the rows."""
        if now - self.echo_sent_at >= HEARTBEAT_INTERVAL_SECONDS:
            self.echo_sent_at = now
            await self.context.redis_client.publish(ECHO_CHANNEL_PREFIX + self.context.lease.token, "")
            await self.context.counters.flush(self.context.redis_client)
            await self.context.worker_presence.publish_change(self.context.redis_client)
        if now - self.echo_received_at >= ECHO_TIMEOUT_SECONDS:
            raise LeadershipLost("The subscription is deaf")
        if self.reconcile_task is None and now - self.reconciled_at >= RECONCILE_INTERVAL_SECONDS:
            self.reconciled_at = now
            self.conflator.expire_stale(now)
            self.reconcile_task = asyncio.create_task(self._reconcile_with_rows(now))
            self.reconcile_task.add_done_callback(lambda _: self.wake_event.set())
        if self.reconcile_task and self.reconcile_task.done():
            undone, self.reconcile_task = self.reconcile_task.result(), None
            if undone:
                raise LeadershipLost("A status that its row contradicts was undone")

    async def _reconcile_with_rows(self, rows_read_at: float) -> bool:
        """Compare with the active rows, and with those of events since the last time: their message may be lost.

        True if a terminal status was undone, which takes a new epoch.
        """
        conflator, row_reader = self.conflator, self.context.row_reader
        rev, video_ids = await row_reader.fetch_events_since(self.reconciled_rev)
        if not self.is_started:
            self.rev = rev
        rows = await row_reader.fetch_rows_to_reconcile(list(conflator.active), list(conflator.inactive), video_ids)
        if rows is None:
            if not self.is_started:
                conflator.mark_rows_unknown()
            return False
        undone = conflator.reconcile_rows(rows, rows_read_at, self.clock(), video_ids, is_complete=True)
        if self.is_started:
            await self._repair_snapshot_store()
        if not undone:
            # After an undone status the next epoch reads the same events again: this one does not send them.
            self.reconciled_rev = rev
        return undone

    async def _repair_snapshot_store(self) -> None:
        """Put back active videos that the store lacks, and remove entries that are not active."""
        stored_ids = await self.context.snapshot_store.list_ids()
        active_ids = self.conflator.active.keys()
        for video_id in active_ids - stored_ids:
            self.conflator.resend(video_id)
        self.conflator.removed_ids += stored_ids - active_ids

    async def end_epoch(self) -> Handover:
        """Stop a reconciliation that still runs, and return what the next epoch needs."""
        if self.reconcile_task:
            await cancel_and_wait(self.reconcile_task)
        return Handover(self.conflator.inactive, self.reconciled_rev)


async def cancel_and_wait(task: asyncio.Task[Any]) -> None:
    """Cancel a task until it ends; raise its error unless that is one which ends an epoch.

    One cancellation may not be enough: asyncio.wait_for, which redis-py calls, may lose it
    (CPython #86296, until Python 3.12).
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=0.1)
    if not task.cancelled() and (error := task.exception()) and not isinstance(error, (LeadershipLost, *REDIS_ERRORS)):
        raise error
