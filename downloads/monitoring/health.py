"""Whether the archive works: what a download and its bar need, looked at once a second at most, whoever asks.

A check returns the time of its last sign of life (Unix time), or raises Missing.
"""

import asyncio
import contextlib
import dataclasses
import json
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import redis
from channels.layers import get_channel_layer
from django.db import DatabaseError, connection

from downloads.loop_local import OnePerLoop
from downloads.progress import keys, redis_clients

logger = logging.getLogger(__name__)

FRESH = 1.0  # seconds in which nothing is looked at again
PATIENCE = 2.0  # seconds in which a part has to answer
AGAIN = 0.4  # seconds until a message that was not heard is sent again
BRIDGE_BEATS = 4.0  # seconds; the leading bridge writes at least every 2


class Missing(Exception):
    """A part that does not work, in words for whoever runs the archive."""


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """What is known of one part: `at` is its last sign of life in Unix time, None if there was none."""

    ok: bool
    at: float | None
    problem: str = ""


# Signs of life ------------------------------------------------------------------------------------


def database() -> float:
    """Ask the database for nothing."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        raise Missing("The database does not answer.") from error
    finally:
        connection.close()
    return time.time()


def redis_server() -> float:
    """Ask Redis for nothing."""
    redis_clients.get_redis_client().ping()
    return time.time()


def bridge() -> float:
    """Return when the leading bridge last wrote: it has the lease, and its heart beats in the snapshot store."""
    head = redis_clients.get_redis_client().hget(keys.SNAPSHOT_KEY, keys.SNAPSHOT_HEAD_FIELD)
    if not head or not redis_clients.get_redis_client().exists(keys.LEADER_KEY):
        raise Missing("No bridge leads: is `manage.py bridge_progress` running?")
    at = float(json.loads(head)["at"])
    if abs(time.time() - at) >= BRIDGE_BEATS:
        raise Missing("The bridge has fallen silent.")
    return at


def worker() -> float:
    """Return when a worker last said that it takes what is queued; one that does not is forgotten in seconds."""
    beats = workers()
    if not beats:
        raise Missing("No worker claims: is `manage.py work` running?")
    return max(beats)


def workers() -> list[float]:
    """Return when each of the workers that are there last said so."""
    return [float(beat) for beat in redis_clients.get_all(keys.WORKER_KEY_PREFIX)]


async def channel_layer() -> float:
    """Send a message through the channel layer, to a channel of our own, and receive it."""
    layer: Any = get_channel_layer()
    channel, heard = await layer.new_channel(), asyncio.Event()
    listening = asyncio.create_task(_listen(layer, channel, heard))
    try:
        while not heard.is_set():
            # The first may have overtaken the subscription.
            await layer.send(channel, {"type": "health"})
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(heard.wait(), AGAIN)
    finally:
        # Whoever gives up receiving from it has the channel forgotten.
        listening.cancel()
        await asyncio.wait([listening])
    return time.time()


async def _listen(layer: Any, channel: str, heard: asyncio.Event) -> None:
    while True:
        await layer.receive(channel)
        heard.set()


# All of them --------------------------------------------------------------------------------------

IN_THREADS: dict[str, Callable[[], float]] = {
    "database": database,
    "redis": redis_server,
    "bridge": bridge,
    "worker": worker,
}
CHECKS = ("database", "redis", "channel_layer", "bridge", "worker")


class Health:
    """What one event loop knows of the archive's parts."""

    def __init__(self) -> None:
        self.found: dict[str, Finding] = {}
        self._looked = float("-inf")
        self._looking: asyncio.Task[None] | None = None
        self._last: dict[str, float] = {}
        # A check that hangs is waited for again, not begun again.
        self._running: dict[str, asyncio.Future[float]] = {}
        self._threads = ThreadPoolExecutor(len(IN_THREADS), thread_name_prefix="health")

    async def look(self) -> dict[str, Finding]:
        """Return what is known of each part; a second old at most."""
        if time.monotonic() - self._looked >= FRESH:
            if self._looking is None:
                self._looking = asyncio.create_task(self._look())
            await asyncio.shield(self._looking)
        return self.found

    async def _look(self) -> None:
        try:
            found = await asyncio.gather(*(self._finding(name) for name in CHECKS))
            self.found = dict(zip(CHECKS, found, strict=True))
            self._looked = time.monotonic()
        finally:
            self._looking = None

    async def _finding(self, name: str) -> Finding:
        try:
            async with asyncio.timeout(PATIENCE):
                at = await self._asked(name)
        except Exception as error:
            found = Finding(False, self._last.get(name), _words(error))
            self._log(name, found, error)
            return found
        found = Finding(True, at)
        self._log(name, found)
        self._last[name] = at
        return found

    def _asked(self, name: str) -> Awaitable[float]:
        if name not in IN_THREADS:
            return channel_layer()
        running = self._running.get(name)
        if running is None or running.done():
            loop = asyncio.get_running_loop()
            running = self._running[name] = loop.run_in_executor(self._threads, IN_THREADS[name])
            running.add_done_callback(lambda done: done.cancelled() or done.exception())
        return asyncio.shield(running)

    def _log(self, name: str, found: Finding, error: BaseException | None = None) -> None:
        before = self.found.get(name)
        if (before and before.ok == found.ok) or (not before and found.ok):
            return
        if found.ok:
            logger.info("%s: well again", name)
        else:
            logger.warning("%s: %s (%r)", name, found.problem, error.__cause__ or error if error else None)


def _words(error: BaseException) -> str:
    if isinstance(error, Missing):
        return str(error)
    if isinstance(error, TimeoutError):
        return f"No answer within {PATIENCE:.0f} s."
    return "Redis does not answer." if isinstance(error, redis.RedisError) else "It cannot be looked at."


# Of the running loop.
current = OnePerLoop(Health)
