"""Readiness checks of the stack: Redis answers, a bridge leads, a worker claims; and the embedded Redis process."""

from collections.abc import Callable
from urllib.parse import urlsplit

import redis
from django.conf import settings

from downloads.monitoring import health
from downloads.progress import keys, redis_clients
from ytarchive.supervisor import embedded_redis
from ytarchive.supervisor.bootstrap import StartupError, first_error_line
from ytarchive.supervisor.process import ManagedProcess


def embedded_redis_process() -> ManagedProcess | None:
    """Return the process of the embedded server, None if REDIS_URL is set; raise StartupError without a binary."""
    if not settings.REDIS_EMBEDDED:
        return None
    folder = settings.DATA / "redis"
    try:
        command = embedded_redis.redis_server_command(settings.REDIS_SOCKET, folder)
    except embedded_redis.RedisServerNotFound as error:
        raise StartupError(str(error)) from error
    return ManagedProcess("redis", command, log_path=folder / "server.log", grace_seconds=2.0)


def is_redis_up() -> bool:
    """Return True if the embedded server answers; it does not while it loads its data."""
    try:
        return bool(redis_clients.get_redis_client().ping())
    except redis.RedisError:
        return False


def require_external_redis() -> None:
    """Raise StartupError unless the server at REDIS_URL answers."""
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=5) as client:
            client.ping()
    except (redis.RedisError, ValueError, OSError) as error:
        url = urlsplit(settings.REDIS_URL)
        address = f"{url.hostname}:{url.port or 6379}" if url.hostname else url.path
        raise StartupError(
            f"Redis at {address} does not answer ({first_error_line(error)}): start it, correct REDIS_URL, "
            "or unset REDIS_URL to use the embedded server."
        ) from error


def clear_stale_keys() -> None:
    """Delete the lease and heartbeats that a killed bridge and killed workers left in the embedded server.

    None of them can still run, since the caller holds the data folder's lock.
    """
    client = redis_clients.get_redis_client()
    client.delete(keys.LEADER_KEY, *client.scan_iter(keys.WORKER_KEY_PREFIX + "*"))


def is_bridge_leading() -> bool:
    """Return True if a bridge is subscribed and leads."""
    return _check_passes(health.check_bridge)


def is_worker_claiming() -> bool:
    """Return True if a worker claims queued videos."""
    return _check_passes(health.check_worker)


def _check_passes(check: Callable[[], float]) -> bool:
    try:
        check()
    except (health.CheckFailed, redis.RedisError):
        return False
    return True
