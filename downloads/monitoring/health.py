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

from downloads.asyncio_tasks import mark_exception_retrieved
from downloads.loop_local import LoopLocal
from downloads.outage_log import OutageLog
from downloads.progress import keys, redis_clients

logger = logging.getLogger(__name__)

HEALTH_CACHE_SECONDS = 1.0  # seconds in which nothing is looked at again
CHECK_TIMEOUT_SECONDS = 2.0  # seconds in which a part has to answer
RESEND_INTERVAL_SECONDS = 0.4  # seconds until a message that was not heard is sent again
BRIDGE_TIMEOUT_SECONDS = 4.0  # seconds; the leading bridge writes at least every 2


class CheckFailed(Exception):
    """A part that does not work, in words for whoever runs the archive."""


@dataclasses.dataclass(frozen=True, slots=True)
class CheckResult:
    """What is known of one part: `at` is its last sign of life in Unix time, None if there was none."""

    ok: bool
    last_seen_at: float | None
    problem: str = ""


# Signs of life ------------------------------------------------------------------------------------


def check_database() -> float:
    """Ask the database for nothing."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        raise CheckFailed("The database does not answer.") from error
    finally:
        connection.close()
    return time.time()


def check_redis_server() -> float:
    """Ask Redis for nothing."""
    redis_clients.get_redis_client().ping()
    return time.time()


def check_bridge() -> float:
    """Return when the leading bridge last wrote: it has the lease, and its heart beats in the snapshot store."""
    head = redis_clients.get_redis_client().hget(keys.SNAPSHOT_KEY, keys.SNAPSHOT_HEAD_FIELD)
    if not head or not redis_clients.get_redis_client().exists(keys.LEADER_KEY):
        raise CheckFailed("No bridge leads: is `manage.py bridge_progress` running?")
    at = float(json.loads(head)["at"])
    if abs(time.time() - at) >= BRIDGE_TIMEOUT_SECONDS:
        raise CheckFailed("The bridge has fallen silent.")
    return at


def check_worker() -> float:
    """Return when a worker last said that it takes what is queued; one that does not is forgotten in seconds."""
    beats = worker_heartbeats()
    if not beats:
        raise CheckFailed("No worker claims: is `manage.py work` running?")
    return max(beats)


def worker_heartbeats() -> list[float]:
    """Return when each of the workers that are there last said so."""
    return [float(beat) for beat in redis_clients.get_all(keys.WORKER_KEY_PREFIX)]


async def check_channel_layer() -> float:
    """Send a message through the channel layer, to a channel of our own, and receive it."""
    layer: Any = get_channel_layer()
    channel, heard = await layer.new_channel(), asyncio.Event()
    listening = asyncio.create_task(_signal_received(layer, channel, heard))
    try:
        while not heard.is_set():
            # The first may have overtaken the subscription.
            await layer.send(channel, {"type": "health"})
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(heard.wait(), RESEND_INTERVAL_SECONDS)
    finally:
        # Whoever gives up receiving from it has the channel forgotten.
        listening.cancel()
        await asyncio.wait([listening])
    return time.time()


async def _signal_received(layer: Any, channel: str, received: asyncio.Event) -> None:
    while True:
        await layer.receive(channel)
        received.set()


# All of them --------------------------------------------------------------------------------------

THREADED_CHECKS: dict[str, Callable[[], float]] = {
    "database": check_database,
    "redis": check_redis_server,
    "bridge": check_bridge,
    "worker": check_worker,
}
CHECK_NAMES = ("database", "redis", "channel_layer", "bridge", "worker")


class HealthChecker:
    """What one event loop knows of the archive's parts."""

    def __init__(self) -> None:
        self.results: dict[str, CheckResult] = {}
        self._checked_at = float("-inf")
        self._check_task: asyncio.Task[None] | None = None
        self._last_seen: dict[str, float] = {}
        self._outage_logs = {name: OutageLog(logger, f"{name}: %s", f"{name}: well again") for name in CHECK_NAMES}
        # A check that hangs is waited for again, not begun again.
        self._running_checks: dict[str, asyncio.Future[float]] = {}
        self._executor = ThreadPoolExecutor(len(THREADED_CHECKS), thread_name_prefix="health")

    async def get_results(self) -> dict[str, CheckResult]:
        """Return what is known of each part; a second old at most."""
        if time.monotonic() - self._checked_at >= HEALTH_CACHE_SECONDS:
            if self._check_task is None:
                self._check_task = asyncio.create_task(self._run_all_checks())
            await asyncio.shield(self._check_task)
        return self.results

    async def _run_all_checks(self) -> None:
        try:
            found = await asyncio.gather(*(self._run_check(name) for name in CHECK_NAMES))
            self.results = dict(zip(CHECK_NAMES, found, strict=True))
            self._checked_at = time.monotonic()
        finally:
            self._check_task = None

    async def _run_check(self, name: str) -> CheckResult:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
                at = await self._start_check(name)
        except Exception as error:
            problem = _error_message(error)
            self._outage_logs[name].failed(f"{problem} ({error.__cause__ or error!r})")
            return CheckResult(False, self._last_seen.get(name), problem)
        self._outage_logs[name].recovered()
        self._last_seen[name] = at
        return CheckResult(True, at)

    def _start_check(self, name: str) -> Awaitable[float]:
        if name not in THREADED_CHECKS:
            return check_channel_layer()
        running = self._running_checks.get(name)
        if running is None or running.done():
            loop = asyncio.get_running_loop()
            running = self._running_checks[name] = loop.run_in_executor(self._executor, THREADED_CHECKS[name])
            running.add_done_callback(mark_exception_retrieved)
        return asyncio.shield(running)


def _error_message(error: BaseException) -> str:
    if isinstance(error, CheckFailed):
        return str(error)
    if isinstance(error, TimeoutError):
        return f"No answer within {CHECK_TIMEOUT_SECONDS:.0f} s."
    return "Redis does not answer." if isinstance(error, redis.RedisError) else "It cannot be looked at."


# Of the running loop.
get_health_checker = LoopLocal(HealthChecker)
