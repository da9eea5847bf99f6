"""Health checks of everything that a download and its progress bar need, run at most once a second.

A check returns the time when its component was last seen alive (Unix time), or raises CheckFailed.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import redis
from channels.layers import get_channel_layer

from downloads.asyncio_tasks import mark_exception_retrieved
from downloads.loop_local import LoopLocal
from downloads.monitoring import database_check
from downloads.monitoring.folders import check_folders
from downloads.monitoring.heartbeats import check_bridge, check_worker
from downloads.monitoring.redis_writes import check_redis_server, name_consequences
from downloads.monitoring.results import CheckFailed, CheckResult
from downloads.outage_log import OutageLog
from downloads.progress import keys, redis_clients
from downloads.progress.redis_errors import describe_redis_error

logger = logging.getLogger(__name__)

HEALTH_CACHE_SECONDS = 1.0
CHECK_TIMEOUT_SECONDS = 2.0
RESEND_INTERVAL_SECONDS = 0.4  # of the channel layer's test message, until it is received


# Checks -------------------------------------------------------------------------------------------


def check_database() -> float:
    """Write to the database, and take it back; compare its schema with the code's."""
    try:
        database_check.require_usable_database()
    except database_check.DatabaseProblem as problem:
        raise CheckFailed(str(problem)) from problem.__cause__ or problem
    return time.time()


def clock_warnings() -> list[str]:
    """Return a sentence for each worker whose clock is off from the database's; none while Redis is down."""
    try:
        sentences = redis_clients.get_all(keys.CLOCK_WARNING_KEY_PREFIX)
    except (redis.RedisError, OSError):
        return []
    return sorted(sentence.decode("utf-8", "replace") for sentence in sentences)


async def check_channel_layer() -> float:
    """Send a message through the channel layer to a channel of our own, and receive it."""
    layer: Any = get_channel_layer()
    channel, received = await layer.new_channel(), asyncio.Event()
    receiver = asyncio.create_task(_signal_received(layer, channel, received))
    await asyncio.sleep(0)  # begun: else it would not drop its channel when it is cancelled
    try:
        while not received.is_set():
            # Repeated, since the first message may arrive before the subscription.
            await layer.send(channel, {"type": "health"})
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(received.wait(), RESEND_INTERVAL_SECONDS)
    finally:
        # The channel layer drops a channel when its `receive` is cancelled.
        receiver.cancel()
        await asyncio.wait([receiver])
    return time.time()


async def _signal_received(layer: Any, channel: str, received: asyncio.Event) -> None:
    while True:
        await layer.receive(channel)
        received.set()


# Running all checks -------------------------------------------------------------------------------

THREADED_CHECKS: dict[str, Callable[[], float]] = {
    "database": check_database,
    "redis": check_redis_server,
    "bridge": check_bridge,
    "worker": check_worker,
    "folders": check_folders,
}
CHECK_NAMES = ("database", "redis", "channel_layer", "bridge", "worker", "folders")


class HealthChecker:
    """Runner of all checks on one event loop, which caches their results."""

    def __init__(self) -> None:
        self.results: dict[str, CheckResult] = {}
        self._checked_at = float("-inf")
        self._check_task: asyncio.Task[None] | None = None
        self._last_seen: dict[str, float] = {}
        self._outage_logs = {name: OutageLog(logger, f"{name}: %s", f"{name}: well again") for name in CHECK_NAMES}
        # A check that hangs is awaited again by the next run, not started twice.
        self._running_checks: dict[str, asyncio.Future[float]] = {}
        self._executor = ThreadPoolExecutor(len(THREADED_CHECKS), thread_name_prefix="health")

    async def get_results(self) -> dict[str, CheckResult]:
        """Return each check's result, at most HEALTH_CACHE_SECONDS old."""
        if time.monotonic() - self._checked_at >= HEALTH_CACHE_SECONDS:
            if self._check_task is None:
                self._check_task = asyncio.create_task(self._run_all_checks())
            await asyncio.shield(self._check_task)
        return self.results

    async def _run_all_checks(self) -> None:
        try:
            results = await asyncio.gather(*(self._run_check(name) for name in CHECK_NAMES))
            self.results = name_consequences(dict(zip(CHECK_NAMES, results, strict=True)))
            for name, result in self.results.items():
                self._log_change(name, result)
            self._checked_at = time.monotonic()
        finally:
            self._check_task = None

    async def _run_check(self, name: str) -> CheckResult:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
                seen_at = await self._start_check(name)
        except Exception as error:
            cause = str(error.__cause__ or repr(error))
            return CheckResult(False, self._last_seen.get(name), _error_message(error), cause)
        self._last_seen[name] = seen_at
        return CheckResult(True, seen_at)

    def _log_change(self, name: str, result: CheckResult) -> None:
        """Log the first failure of an outage, and its end; of what follows from another failure nothing."""
        if result.ok:
            self._outage_logs[name].recovered()
        elif not result.is_consequence:
            self._outage_logs[name].failed(f"{result.problem} ({result.cause})")

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
    return describe_redis_error(error) if isinstance(error, redis.RedisError) else "It cannot be looked at."


# Returns the checker of the running event loop.
get_health_checker = LoopLocal(HealthChecker)
