"""Readiness checks of the stack: Redis answers, a bridge leads, a worker claims; and the embedded Redis process."""

import time
from collections.abc import Callable
from urllib.parse import urlsplit

import redis
from django.conf import settings

from downloads.monitoring import heartbeats
from downloads.monitoring.results import CheckFailed
from downloads.progress import keys, redis_clients, redis_errors
from ytarchive.supervisor import embedded_redis
from ytarchive.supervisor.redis_process import RedisProcess
from ytarchive.supervisor.startup import StartupError, first_error_line

LOADING_TIMEOUT_SECONDS = 60.0  # of a server that loads a large file
LOADING_POLL_SECONDS = 0.2


def embedded_redis_process() -> RedisProcess | None:
    """Return the process of the embedded server, None if REDIS_URL is set; raise StartupError without a binary."""
    if not settings.REDIS_EMBEDDED:
        return None
    folder = settings.DATA / "redis"
    try:
        command = embedded_redis.redis_server_command(settings.REDIS_SOCKET, folder)
    except embedded_redis.RedisServerNotFound as error:
        raise StartupError(str(error)) from error
    return RedisProcess(command, folder, settings.REDIS_SOCKET)


def is_redis_up() -> bool:
    """Return True if the embedded server answers, be it that it takes no writes; not while it loads its data."""
    try:
        return bool(redis_clients.get_redis_client().ping())
    except redis.ResponseError:
        return True
    except redis.RedisError:
        return False


def require_external_redis() -> None:
    """Raise StartupError unless the server at REDIS_URL takes writes; wait while it loads its data."""
    deadline = time.monotonic() + LOADING_TIMEOUT_SECONDS
    while error := _write_error():
        if not isinstance(error, redis.exceptions.BusyLoadingError) or time.monotonic() > deadline:
            raise _redis_startup_error(error) from error
        time.sleep(LOADING_POLL_SECONDS)


def _write_error() -> Exception | None:
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=5) as client:
            client.set(keys.WRITE_PROBE_KEY, 1, ex=1)
    except (redis.RedisError, ValueError, OSError) as error:
        return error
    return None


def _redis_startup_error(error: Exception) -> StartupError:
    """Return the refusal: that the server does not answer, or why it takes no writes."""
    url = urlsplit(settings.REDIS_URL)
    address = f"{url.hostname}:{url.port or 6379}" if url.hostname else url.path
    description = redis_errors.describe_redis_error(error)
    if description == redis_errors.NO_ANSWER:
        description = f"Redis at {address} does not answer ({first_error_line(error)}): start it, correct REDIS_URL,"
        return StartupError(f"{description} or unset REDIS_URL to use the embedded server.")
    return StartupError(f"{description} It is the server at {address}; unset REDIS_URL to use the embedded one.")


def clear_stale_keys() -> None:
    """Delete the lease and heartbeats that a killed bridge and killed workers left in the embedded server.

    None of them can still run, since the caller holds the data folder's lock. Raises StartupError.
    """
    client = redis_clients.get_redis_client()
    try:
        client.delete(keys.LEADER_KEY, *client.scan_iter(keys.WORKER_KEY_PREFIX + "*"))
    except redis.RedisError as error:
        raise StartupError(f"{redis_errors.describe_redis_error(error)} It is the embedded server.") from error


def is_bridge_leading() -> bool:
    """Return True if a bridge is subscribed and leads."""
    return _check_passes(heartbeats.check_bridge)


def is_worker_claiming() -> bool:
    """Return True if a worker claims queued videos."""
    return _check_passes(heartbeats.check_worker)


def _check_passes(check: Callable[[], float]) -> bool:
    try:
        check()
    except (CheckFailed, redis.RedisError):
        return False
    return True
