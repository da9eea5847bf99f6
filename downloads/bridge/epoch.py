"""One epoch of the leading bridge: what it hears, what it sends, and that it agrees with the rows."""

import asyncio
import contextlib
import logging
import secrets
import time
from typing import TYPE_CHECKING, Any

from downloads.bridge.conflator import Conflator
from downloads.bridge.lease import Interrupted
from downloads.bridge.snapshot_store import last_percent, readable
from downloads.bridge.video_state import Outgoing
from downloads.progress.counters import BATCHES_SENT, MESSAGES_TAKEN
from downloads.progress.keys import ECHO_CHANNEL_PREFIX, BATCH_EVENT_TYPE, SNAPSHOT_HEAD_FIELD, SNAPSHOT_KEY
from downloads.progress.message import InvalidMessage, Progress, encode_json, parse_video_id
from downloads.progress.redis_clients import REDIS_ERRORS

if TYPE_CHECKING:
    from downloads.bridge.leader import Bridge

logger = logging.getLogger(__name__)

# Seconds, the first four.
HEARTBEAT = 1.5  # between batches at most, so that clients see one at least every 2 s
RECONCILED = 30.0
DEAF_AFTER = 6.0  # without an echo of our own
SHORTLY = 0.01
MOST_AT_ONCE = 400  # messages a tick: asyncio's stream reader holds 128 KiB
MOST_PARKED = 100  # messages about one id that wait for a look at its row


class Epoch:
    """One unbroken subscription of the leading bridge."""

    def __init__(self, bridge: "Bridge") -> None:
        self.bridge = bridge
        self.clock = bridge.clock
        self.name = secrets.token_hex(8)
        self.seq = 0
        self.rev = 0  # the pages are told of every event up to this one
        self.conflator = Conflator(bridge.tally)
        self.parked: dict[str, list[Progress]] = {}
        self.begun = False
        self.taken = self.rested = 0
        self.fresh = asyncio.Event()
        self.heard = self.sent = self.echoed = self.reconciled = self.clock()
        self.reconciling: asyncio.Task[bool] | None = None

    # Messages in -----------------------------------------------------------------------------------

    async def read(self, pubsub: Any) -> None:
        """Take messages for ever; raise Interrupted when the subscription was made anew behind our back."""
        async for message in pubsub.listen():
            if message["type"] == "pmessage":
                self.take(message["channel"], message["data"])
                await self._rest()
            elif message["type"] == "message":
                self.heard = self.clock()
            else:
                raise Interrupted("Redis cut the subscription, messages may be missing")

    async def _rest(self) -> None:
        """Leave messages where they are until shortly before the next batch may be sent, then take them together.

        To be woken for each message costs more than all the rest of it. What is more than the buffers on the
        way hold is not left there.
        """
        self.taken += 1
        if self.rested == self.seq:
            return
        many, self.rested, self.taken = self.taken > MOST_AT_ONCE, self.seq, 0
        rest = self.sent + self.bridge.tick - SHORTLY - self.clock()
        if self.begun and rest > 0 and not many:
            await asyncio.sleep(rest)

    def take(self, channel: bytes, data: bytes) -> None:
        """Take one message; a bad one is counted by its reason, and never stops the bridge."""
        try:
            video_id = parse_video_id(channel.decode("utf-8", "replace"))
            found = Progress.from_json(data)
        except InvalidMessage as error:
            self.bridge.refused(error.reason, channel)
            return
        self.bridge.tally.counts[MESSAGES_TAKEN] += 1
        if self.begun and self.conflator.knows(video_id):
            self.conflator.take(video_id, found, self.clock())
        else:
            waiting = self.parked.setdefault(video_id, [])
            del waiting[:-MOST_PARKED]  # states: the newest are worth most
            waiting.append(found)
        self.fresh.set()

    async def _unpark(self) -> None:
        """Look for the rows of ids heard of for the first time, then take what was said about them."""
        wanted = list(self.parked)
        now = self.clock()
        for row in await self.bridge.rows.of(wanted) if wanted else ():
            if not self.conflator.knows(row.video_id):
                self.conflator.learn(row, now)
        for video_id in wanted:
            for found in self.parked.pop(video_id):
                self.conflator.take(video_id, found, now)

    # Batches out -------------------------------------------------------------------------------------

    async def begin(self) -> None:
        """Put the picture together from the store and the rows, and send it as the epoch's first batch."""
        since = self.clock()
        stored = await self.bridge.client.hgetall(SNAPSHOT_KEY)
        if stored.pop(SNAPSHOT_HEAD_FIELD.encode(), None) is None:
            self.bridge.reconciled_rev = None  # Redis has lost its data, and perhaps messages with it
        last = {name.decode(): found for name, text in stored.items() if (found := last_percent(text)) is not None}
        self.conflator.restore(self.bridge.remembered, dict(readable(stored)), since, last)
        await self._reconcile(since)
        self.begun = True
        outgoing = self.conflator.render(self.conflator.collect(), self.rev)
        await self._out(Outgoing(outgoing.messages, self.conflator.everything(), []), anew=True)

    async def send_batches(self, reader: asyncio.Task[None]) -> None:
        """Send a batch whenever there is one, at most one a tick, and a heartbeat when there is none."""
        reader.add_done_callback(lambda _: self.fresh.set())
        while not self.bridge.stopping.is_set():
            await self._wait()
            if reader.done():
                reader.result()  # raises what ended it
                raise Interrupted("The subscription ended")
            now = self.clock()
            await self._look_after(now)
            if now - self.sent >= (self.bridge.tick if self.waiting else HEARTBEAT):
                await self._flush()

    @property
    def waiting(self) -> bool:
        """Whether there is something to send."""
        return bool(self.parked or self.conflator.slots)

    async def _wait(self) -> None:
        """Wait for a message, or, with one in hand, until a batch may be sent."""
        self.fresh.clear()
        now = self.clock()
        if self.waiting:
            await asyncio.sleep(max(0.0, self.sent + self.bridge.tick - now))
            return
        with contextlib.suppress(asyncio.TimeoutError):
            async with asyncio.timeout(max(0.0, self.sent + HEARTBEAT - now)):
                await self.fresh.wait()

    async def _flush(self) -> None:
        await self._unpark()
        slots = self.conflator.slots
        if not slots or any(slot.status or slot.changed for slot in slots.values()):
            await self._announce()
        slots = self.conflator.collect()
        gone = await self.bridge.rows.missing([video_id for video_id, slot in slots.items() if slot.changed])
        await self._out(self.conflator.render(slots, self.rev, gone))

    async def _announce(self) -> None:
        """Read the newest rev, and see to it that the pages are told of every event up to it."""
        since = self.clock()
        rev, news = await self.bridge.rows.news(self.rev)
        if news:
            rows = await self.bridge.rows.of(news)
            if self.conflator.announce(rows, since, self.clock(), news):
                raise Interrupted("A status that its row contradicts was undone")
        self.rev = rev

    async def _out(self, outgoing: Outgoing, *, anew: bool = False) -> None:
        self.sent = self.clock()
        self.seq += 1
        head = encode_json({"epoch": self.name, "seq": self.seq, "rev": self.rev, "at": round(time.time(), 3)})
        await self.bridge.store(anew=anew, head=head, put=outgoing.put, drop=outgoing.drop)
        messages = [list(message) for message in outgoing.messages]
        self.bridge.tally.counts[BATCHES_SENT] += 1
        await self.bridge.send({"type": BATCH_EVENT_TYPE, "epoch": self.name, "seq": self.seq, "messages": messages})

    # Now and then --------------------------------------------------------------------------------------

    async def _look_after(self, now: float) -> None:
        """Make sure that the subscription hears, and that the picture agrees with the rows."""
        if now - self.echoed >= HEARTBEAT:
            self.echoed = now
            await self.bridge.client.publish(ECHO_CHANNEL_PREFIX + self.bridge.token, "")
            await self.bridge.tally.flush(self.bridge.client)
        if now - self.heard >= DEAF_AFTER:
            raise Interrupted("The subscription is deaf")
        if self.reconciling is None and now - self.reconciled >= RECONCILED:
            self.reconciled = now
            self.conflator.expire(now)
            self.reconciling = asyncio.create_task(self._reconcile(now))
            self.reconciling.add_done_callback(lambda _: self.fresh.set())
        if self.reconciling and self.reconciling.done():
            undone, self.reconciling = self.reconciling.result(), None
            if undone:
                raise Interrupted("A status that its row contradicts was undone")

    async def _reconcile(self, since: float) -> bool:
        """Compare with the rows, also with those whose events came since the last time: a message may be lost."""
        known, rows = self.conflator, self.bridge.rows
        rev, news = await rows.news(self.bridge.reconciled_rev)
        if not self.begun:
            self.rev = rev
        found = await rows.current(list(known.active), list(known.resting), news)
        if found is None:
            return False
        undone = known.reconcile(found, since, self.clock(), news, complete=True)
        if self.begun:
            await self._compare_store()
        if not undone:
            # The next epoch looks at the same news again: what this one would have said is not sent.
            self.bridge.reconciled_rev = rev
        return undone

    async def _compare_store(self) -> None:
        """Put back what somebody took out of the snapshot store, and take out what does not belong there."""
        stored = {name.decode("utf-8", "replace") for name in await self.bridge.client.hkeys(SNAPSHOT_KEY)}
        if SNAPSHOT_HEAD_FIELD not in stored:
            raise Interrupted("The snapshot store was emptied")
        known = self.conflator
        for video_id in known.active.keys() - stored:
            known.say_again(video_id)
        known.dropped += stored - known.active.keys() - {SNAPSHOT_HEAD_FIELD}

    async def end(self) -> None:
        """Stop what still runs, and leave what was learnt to the next epoch."""
        if self.reconciling:
            await cancelled(self.reconciling)
        self.bridge.remembered = self.conflator.resting


async def cancelled(task: asyncio.Task[Any]) -> None:
    """End a task; more than once, since asyncio.wait_for, which redis-py calls, may lose a cancellation.

    (CPython #86296, until Python 3.12.)
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=0.1)
    if not task.cancelled() and (error := task.exception()) and not isinstance(error, (Interrupted, *REDIS_ERRORS)):
        raise error
