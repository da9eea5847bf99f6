"""One epoch of the leading bridge: what it hears, what it sends, and that it agrees with the rows."""

import asyncio
import contextlib
import logging
import secrets
import time
from typing import TYPE_CHECKING, Any

from downloads.bridge.conflator import Conflator
from downloads.bridge.lease import LeadershipLost
from downloads.bridge.snapshot_store import parse_last_percent, parse_stored_entries
from downloads.bridge.video_state import RenderedBatch
from downloads.progress.counters import BATCHES_SENT, MESSAGES_TAKEN
from downloads.progress.keys import BATCH_EVENT_TYPE, ECHO_CHANNEL_PREFIX, SNAPSHOT_HEAD_FIELD, SNAPSHOT_KEY
from downloads.progress.message import InvalidMessage, Progress, encode_json, parse_video_id
from downloads.progress.redis_clients import REDIS_ERRORS

if TYPE_CHECKING:
    from downloads.bridge.leader import Bridge

logger = logging.getLogger(__name__)

# Seconds, the first four.
HEARTBEAT_INTERVAL_SECONDS = 1.5  # between batches at most, so that clients see one at least every 2 s
RECONCILE_INTERVAL_SECONDS = 30.0
ECHO_TIMEOUT_SECONDS = 6.0  # without an echo of our own
COALESCE_MARGIN_SECONDS = 0.01
MAX_MESSAGES_PER_TICK = 400  # messages a tick: asyncio's stream reader holds 128 KiB
MAX_BUFFERED_PER_VIDEO = 100  # messages about one id that wait for a look at its row


class Epoch:
    """One unbroken subscription of the leading bridge."""

    def __init__(self, bridge: "Bridge") -> None:
        self.bridge = bridge
        self.clock = bridge.clock
        self.epoch_id = secrets.token_hex(8)
        self.seq = 0
        self.rev = 0  # the pages are told of every event up to this one
        self.conflator = Conflator(bridge.counters)
        self.unidentified: dict[str, list[Progress]] = {}
        self.is_started = False
        self.messages_since_batch = self.coalesced_seq = 0
        self.wake_event = asyncio.Event()
        self.echo_received_at = self.batch_sent_at = self.echo_sent_at = self.reconciled_at = self.clock()
        self.reconcile_task: asyncio.Task[bool] | None = None

    # Messages in -----------------------------------------------------------------------------------

    async def read_messages(self, pubsub: Any) -> None:
        """Take messages for ever; raise Interrupted when the subscription was made anew behind our back."""
        async for message in pubsub.listen():
            if message["type"] == "pmessage":
                self.handle_message(message["channel"], message["data"])
                await self._coalesce()
            elif message["type"] == "message":
                self.echo_received_at = self.clock()
            else:
                raise LeadershipLost("Redis cut the subscription, messages may be missing")

    async def _coalesce(self) -> None:
        """Leave messages where they are until shortly before the next batch may be sent, then take them together.

        To be woken for each message costs more than all the rest of it. What is more than the buffers on the
        way hold is not left there.
        """
        self.messages_since_batch += 1
        if self.coalesced_seq == self.seq:
            return
        many, self.coalesced_seq, self.messages_since_batch = (
            self.messages_since_batch > MAX_MESSAGES_PER_TICK,
            self.seq,
            0,
        )
        rest = self.batch_sent_at + self.bridge.tick_seconds - COALESCE_MARGIN_SECONDS - self.clock()
        if self.is_started and rest > 0 and not many:
            await asyncio.sleep(rest)

    def handle_message(self, channel_name: bytes, data: bytes) -> None:
        """Take one message; a bad one is counted by its reason, and never stops the bridge."""
        try:
            video_id = parse_video_id(channel_name.decode("utf-8", "replace"))
            found = Progress.from_json(data)
        except InvalidMessage as error:
            self.bridge.count_invalid(error.reason, channel_name)
            return
        self.bridge.counters.counts[MESSAGES_TAKEN] += 1
        if self.is_started and self.conflator.is_identified(video_id):
            self.conflator.apply_message(video_id, found, self.clock())
        else:
            waiting = self.unidentified.setdefault(video_id, [])
            del waiting[:-MAX_BUFFERED_PER_VIDEO]  # states: the newest are worth most
            waiting.append(found)
        self.wake_event.set()

    async def _identify_videos(self) -> None:
        """Look for the rows of ids heard of for the first time, then take what was said about them."""
        wanted = list(self.unidentified)
        now = self.clock()
        for row in await self.bridge.row_reader.fetch_rows(wanted) if wanted else ():
            if not self.conflator.is_identified(row.video_id):
                self.conflator.adopt_row(row, now)
        for video_id in wanted:
            for found in self.unidentified.pop(video_id):
                self.conflator.apply_message(video_id, found, now)

    # Batches out -------------------------------------------------------------------------------------

    async def start_epoch(self) -> None:
        """Put the picture together from the store and the rows, and send it as the epoch's first batch."""
        since = self.clock()
        stored = await self.bridge.redis_client.hgetall(SNAPSHOT_KEY)
        if stored.pop(SNAPSHOT_HEAD_FIELD.encode(), None) is None:
            self.bridge.reconciled_rev = None  # Redis has lost its data, and perhaps messages with it
        last = {
            name.decode(): found for name, text in stored.items() if (found := parse_last_percent(text)) is not None
        }
        self.conflator.restore_states(self.bridge.inactive_states, dict(parse_stored_entries(stored)), since, last)
        await self._reconcile_with_rows(since)
        self.is_started = True
        outgoing = self.conflator.render_batch(self.conflator.drain_pending(), self.rev)
        await self._send_batch(
            RenderedBatch(outgoing.messages, self.conflator.encode_active(), []), replace_snapshot=True
        )

    async def send_batches(self, reader_task: asyncio.Task[None]) -> None:
        """Send a batch whenever there is one, at most one a tick, and a heartbeat when there is none."""
        reader_task.add_done_callback(lambda _: self.wake_event.set())
        while not self.bridge.stopping.is_set():
            await self._wait_for_messages()
            if reader_task.done():
                reader_task.result()  # raises what ended it
                raise LeadershipLost("The subscription ended")
            now = self.clock()
            await self._run_periodic_checks(now)
            if now - self.batch_sent_at >= (
                self.bridge.tick_seconds if self.has_pending else HEARTBEAT_INTERVAL_SECONDS
            ):
                await self._send_pending()

    @property
    def has_pending(self) -> bool:
        """Whether there is something to send."""
        return bool(self.unidentified or self.conflator.pending)

    async def _wait_for_messages(self) -> None:
        """Wait for a message, or, with one in hand, until a batch may be sent."""
        self.wake_event.clear()
        now = self.clock()
        if self.has_pending:
            await asyncio.sleep(max(0.0, self.batch_sent_at + self.bridge.tick_seconds - now))
            return
        with contextlib.suppress(asyncio.TimeoutError):
            async with asyncio.timeout(max(0.0, self.batch_sent_at + HEARTBEAT_INTERVAL_SECONDS - now)):
                await self.wake_event.wait()

    async def _send_pending(self) -> None:
        await self._identify_videos()
        slots = self.conflator.pending
        if not slots or any(slot.send_status or slot.send_changed for slot in slots.values()):
            await self._include_recent_events()
        slots = self.conflator.drain_pending()
        gone = await self.bridge.row_reader.find_ids_without_row(
            [video_id for video_id, slot in slots.items() if slot.send_changed]
        )
        await self._send_batch(self.conflator.render_batch(slots, self.rev, gone))

    async def _include_recent_events(self) -> None:
        """Read the newest rev, and see to it that the pages are told of every event up to it."""
        since = self.clock()
        rev, news = await self.bridge.row_reader.recent_events(self.rev)
        if news:
            rows = await self.bridge.row_reader.fetch_rows(news)
            if self.conflator.include_events(rows, since, self.clock(), news):
                raise LeadershipLost("A status that its row contradicts was undone")
        self.rev = rev

    async def _send_batch(self, batch: RenderedBatch, *, replace_snapshot: bool = False) -> None:
        self.batch_sent_at = self.clock()
        self.seq += 1
        head = encode_json({"epoch": self.epoch_id, "seq": self.seq, "rev": self.rev, "at": round(time.time(), 3)})
        await self.bridge.store(anew=replace_snapshot, head=head, put=batch.snapshot_updates, drop=batch.removed_ids)
        messages = [list(message) for message in batch.messages]
        self.bridge.counters.counts[BATCHES_SENT] += 1
        await self.bridge.send_to_group(
            {"type": BATCH_EVENT_TYPE, "epoch": self.epoch_id, "seq": self.seq, "messages": messages}
        )

    # Now and then --------------------------------------------------------------------------------------

    async def _run_periodic_checks(self, now: float) -> None:
        """Make sure that the subscription hears, and that the picture agrees with the rows."""
        if now - self.echo_sent_at >= HEARTBEAT_INTERVAL_SECONDS:
            self.echo_sent_at = now
            await self.bridge.redis_client.publish(ECHO_CHANNEL_PREFIX + self.bridge.token, "")
            await self.bridge.counters.flush(self.bridge.redis_client)
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
        """Compare with the rows, also with those whose events came since the last time: a message may be lost."""
        known, rows = self.conflator, self.bridge.row_reader
        rev, news = await rows.recent_events(self.bridge.reconciled_rev)
        if not self.is_started:
            self.rev = rev
        found = await rows.fetch_rows_to_reconcile(list(known.active), list(known.inactive), news)
        if found is None:
            return False
        undone = known.reconcile_rows(found, rows_read_at, self.clock(), news, is_complete=True)
        if self.is_started:
            await self._repair_snapshot_store()
        if not undone:
            # The next epoch looks at the same news again: what this one would have said is not sent.
            self.bridge.reconciled_rev = rev
        return undone

    async def _repair_snapshot_store(self) -> None:
        """Put back what somebody took out of the snapshot store, and take out what does not belong there."""
        stored = {name.decode("utf-8", "replace") for name in await self.bridge.redis_client.hkeys(SNAPSHOT_KEY)}
        if SNAPSHOT_HEAD_FIELD not in stored:
            raise LeadershipLost("The snapshot store was emptied")
        known = self.conflator
        for video_id in known.active.keys() - stored:
            known.resend(video_id)
        known.removed_ids += stored - known.active.keys() - {SNAPSHOT_HEAD_FIELD}

    async def end_epoch(self) -> None:
        """Stop what still runs, and leave what was learnt to the next epoch."""
        if self.reconcile_task:
            await cancel_and_wait(self.reconcile_task)
        self.bridge.inactive_states = self.conflator.inactive


async def cancel_and_wait(task: asyncio.Task[Any]) -> None:
    """End a task; more than once, since asyncio.wait_for, which redis-py calls, may lose a cancellation.

    (CPython #86296, until Python 3.12.)
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=0.1)
    if not task.cancelled() and (error := task.exception()) and not isinstance(error, (LeadershipLost, *REDIS_ERRORS)):
        raise error
