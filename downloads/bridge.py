"""The bridge: from Redis' `progress:*` to one conflated batch per tick for the group `progress`.

Several may run: the one that holds the lease leads. It subscribes, reads what is known (the snapshot
store and the rows), and from then on sends batches under an epoch of its own. Whatever makes it
possible that messages were missed (a lease lost, a subscription made anew, Redis away) ends that
epoch, and leading begins again.
"""

import asyncio
import contextlib
import json
import logging
import random
import secrets
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

import redis.asyncio

from downloads.conflation import Conflator, Outgoing, Track
from downloads.progress import (
    CHANNEL_PATTERN,
    ECHO_CHANNEL,
    EVENT,
    GROUP,
    LEADER_KEY,
    SNAPSHOT_HEAD,
    SNAPSHOT_KEY,
    BadMessage,
    Progress,
    dumps,
    video_id_of,
)
from downloads.reconciliation import Rows

logger = logging.getLogger(__name__)

LEASE = 3.0  # seconds: another bridge takes over at most this and one try after the leader's death
RETRY = 0.5  # between tries for the lease, and for Redis
HEARTBEAT = 1.5  # between batches at most, so that clients see one at least every 2 s
RECONCILED = 30.0
DEAF_AFTER = 6.0  # without an echo of our own
SHORTLY = 0.01
MOST_AT_ONCE = 400  # messages a tick: asyncio's stream reader holds 128 KiB
MOST_PARKED = 100  # messages about one id that wait for a look at its row
AWAY = (redis.RedisError, OSError, asyncio.TimeoutError)

# Write the snapshot store and renew the lease, if it is ours: one atomic step, as a MULTI is.
# KEYS: lease, store. ARGV: token, lease in ms, 1 to begin anew, head or "", number of puts, id, text…, dropped ids…
STORE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
if ARGV[3] == '1' then redis.call('DEL', KEYS[2]) end
local last = 5 + 2 * tonumber(ARGV[5])
for i = last + 1, #ARGV do redis.call('HDEL', KEYS[2], ARGV[i]) end
for i = 6, last, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
if ARGV[4] ~= '' then redis.call('HSET', KEYS[2], '@', ARGV[4]) end
return 1
"""
RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class Interrupted(Exception):
    """The lease is lost, or messages may have been missed: lead again, from the rows."""


class Bridge:
    """One bridge process."""

    def __init__(
        self,
        client: Any,
        channel_layer: Any,
        tick: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.client = client
        self.channel_layer = channel_layer
        self.tick = tick
        self.clock = clock
        self.rows = Rows()
        self.token = secrets.token_hex(16)
        self.stopping = asyncio.Event()
        self.leads_until = 0.0
        self.away = False
        self.epoch: Epoch | None = None
        self.remembered: OrderedDict[str, Track] = OrderedDict()
        self.counts: Counter[str] = Counter()
        # Events up to here are known to have reached the pages; None: look at the last ten minutes.
        self.reconciled_rev: int | None = None
        self._complained = float("-inf")

    # Leading, or waiting to ------------------------------------------------------------------------

    async def run(self) -> None:
        """Lead whenever nobody else does, until `stop`; Redis may be away for any length of time."""
        while not self.stopping.is_set():
            try:
                if await self._take_lease():
                    self._is_back()
                    await self._lead()
            except Interrupted as reason:
                logger.warning("%s: beginning a new epoch", reason)
                continue
            except AWAY as error:
                self._is_away(error)
            await self._pause(RETRY * random.uniform(0.5, 1))  # noqa: S311 - so that two bridges do not march in step
        with contextlib.suppress(*AWAY):
            await self.client.eval(RELEASE, 1, LEADER_KEY, self.token)

    def stop(self) -> None:
        """End after the batch in hand; the lease is given back, so that another bridge leads at once."""
        self.stopping.set()
        if self.epoch:
            self.epoch.fresh.set()

    def refused(self, reason: str, channel: bytes) -> None:
        """Count a message that cannot be used, and log it, at most once a second."""
        self.counts[reason] += 1
        now = self.clock()
        if now - self._complained >= 1.0:
            self._complained = now
            logger.warning("a message on %r cannot be used: %s (%d such)", channel[:100], reason, self.counts[reason])

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds)

    async def _take_lease(self) -> bool:
        before = self.clock()
        taken = await self.client.set(LEADER_KEY, self.token, nx=True, px=int(LEASE * 1000))
        if not taken and await self.client.get(LEADER_KEY) != self.token.encode():
            self._is_back()
            return False
        # Ours from an earlier epoch, perhaps about to end: the first write renews it or says that it is lost.
        self.leads_until = before + LEASE
        return True

    def _is_away(self, error: BaseException) -> None:
        if not self.away:
            logger.warning("Redis cannot be reached, trying until it can: %s", error)
        self.away = True

    def _is_back(self) -> None:
        if self.away:
            logger.info("Redis is back")
        self.away = False

    async def _lead(self) -> None:
        """Subscribe, then send batches, until stopped or interrupted."""
        async with self.client.pubsub() as pubsub, contextlib.AsyncExitStack() as stack:
            epoch = self.epoch = Epoch(self)
            stack.push_async_callback(epoch.end)
            await pubsub.psubscribe(CHANNEL_PATTERN)
            await pubsub.subscribe(ECHO_CHANNEL + self.token)
            await _confirmed(pubsub, 2)
            reader = asyncio.create_task(epoch.read(pubsub))
            stack.push_async_callback(_cancelled, reader)
            await epoch.begin()
            logger.info("subscribed and leading, epoch %s", epoch.name)
            await epoch.send_batches(reader)

    # What an epoch sends -----------------------------------------------------------------------------

    async def store(self, *, anew: bool, head: str, put: dict[str, str], drop: list[str]) -> None:
        """Write the snapshot store and renew the lease; raise Interrupted if it is lost."""
        before = self.clock()
        pairs = [part for pair in put.items() for part in pair]
        values = [self.token, int(LEASE * 1000), int(anew), head, len(put), *pairs, *drop]
        if not await self.client.eval(STORE, 2, LEADER_KEY, SNAPSHOT_KEY, *values):
            raise Interrupted("Another bridge leads")
        self.leads_until = before + LEASE

    async def send(self, event: dict[str, Any]) -> None:
        """Send to the group, unless the lease may have ended meanwhile (this process may have been paused)."""
        if self.clock() >= self.leads_until:
            raise Interrupted("The lease ran out")
        await self.channel_layer.group_send(GROUP, event)


class Epoch:
    """One unbroken subscription of the leading bridge."""

    def __init__(self, bridge: Bridge) -> None:
        self.bridge = bridge
        self.clock = bridge.clock
        self.name = secrets.token_hex(8)
        self.seq = 0
        self.rev = 0  # the pages are told of every event up to this one
        self.conflator = Conflator()
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
            video_id = video_id_of(channel.decode("utf-8", "replace"))
            found = Progress.from_json(data)
        except BadMessage as error:
            self.bridge.refused(error.reason, channel)
            return
        self.bridge.counts["taken"] += 1
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
        if stored.pop(SNAPSHOT_HEAD.encode(), None) is None:
            self.bridge.reconciled_rev = None  # Redis has lost its data, and perhaps messages with it
        last = {name.decode(): found for name, text in stored.items() if (found := _last_percent(text)) is not None}
        self.conflator.restore(self.bridge.remembered, dict(_readable(stored)), since, last)
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
        head = dumps({"epoch": self.name, "seq": self.seq, "rev": self.rev, "at": round(time.time(), 3)})
        await self.bridge.store(anew=anew, head=head, put=outgoing.put, drop=outgoing.drop)
        messages = [list(message) for message in outgoing.messages]
        await self.bridge.send({"type": EVENT, "epoch": self.name, "seq": self.seq, "messages": messages})

    # Now and then --------------------------------------------------------------------------------------

    async def _look_after(self, now: float) -> None:
        """Make sure that the subscription hears, and that the picture agrees with the rows."""
        if now - self.echoed >= HEARTBEAT:
            self.echoed = now
            await self.bridge.client.publish(ECHO_CHANNEL + self.bridge.token, "")
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
        if SNAPSHOT_HEAD not in stored:
            raise Interrupted("The snapshot store was emptied")
        known = self.conflator
        for video_id in known.active.keys() - stored:
            known.say_again(video_id)
        known.dropped += stored - known.active.keys() - {SNAPSHOT_HEAD}

    async def end(self) -> None:
        """Stop what still runs, and leave what was learnt to the next epoch."""
        if self.reconciling:
            await _cancelled(self.reconciling)
        self.bridge.remembered = self.conflator.resting


def _readable(stored: dict[bytes, bytes]) -> Iterator[tuple[str, Progress]]:
    """Return the store's entries; one that cannot be read (nobody else writes here) is logged and left out."""
    for video_id, text in stored.items():
        try:
            yield video_id.decode(), Progress.from_json(text)
        except (BadMessage, UnicodeDecodeError) as error:
            logger.warning("an entry of the snapshot store cannot be read: %r: %r", video_id, error)


def _last_percent(text: bytes) -> float | None:
    """Return the last known percent beside an unknown one; Progress has no field for it."""
    try:
        found = json.loads(text).get("last_percent")
    except (ValueError, AttributeError):
        return None
    return float(found) if isinstance(found, int | float) else None


async def _confirmed(pubsub: Any, subscriptions: int) -> None:
    """Wait until Redis has confirmed that many subscriptions; raise TimeoutError when it does not."""
    async with asyncio.timeout(DEAF_AFTER):
        while subscriptions:
            message = await pubsub.get_message(timeout=DEAF_AFTER)
            subscriptions -= int(message is not None and message["type"] in ("subscribe", "psubscribe"))


async def _cancelled(task: asyncio.Task[Any]) -> None:
    """End a task; more than once, since asyncio.wait_for, which redis-py calls, may lose a cancellation.

    (CPython #86296, until Python 3.12.)
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=0.1)
    if not task.cancelled() and (error := task.exception()) and not isinstance(error, (Interrupted, *AWAY)):
        raise error
