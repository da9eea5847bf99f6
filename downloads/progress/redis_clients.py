"""Redis clients with short timeouts, for threads and for event loops."""

import asyncio
from typing import Any

import redis.asyncio
from django.conf import settings

REDIS_TIMEOUT = 0.25  # seconds, to connect and to answer: together the half second that a page may wait
_client: redis.Redis | None = None


AWAY = (redis.RedisError, OSError, asyncio.TimeoutError)


def client() -> redis.Redis:
    """Return this process' Redis client, which gives up soon instead of keeping anybody waiting."""
    global _client
    if _client is None:
        _client = redis.Redis.from_url(
            settings.REDIS_URL,
            socket_timeout=REDIS_TIMEOUT,
            socket_connect_timeout=REDIS_TIMEOUT,
            retry=redis.retry.Retry(redis.backoff.NoBackoff(), 0),
        )
    return _client


def async_client(connect: float, answer: float) -> redis.asyncio.Redis:
    """Return a client for an event loop; it waits so many seconds to connect and for an answer, and tries once."""
    once = redis.asyncio.retry.Retry(redis.backoff.NoBackoff(), 0)
    return redis.asyncio.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=connect, socket_timeout=answer, retry=once
    )


def values(prefix: str) -> list[Any]:
    """Return what is kept under the keys that begin so; raise redis.RedisError while Redis cannot be reached."""
    keys = list(client().scan_iter(prefix + "*"))
    found: list[Any] = client().mget(keys) if keys else []
    # One may have gone meanwhile.
    return [value for value in found if value is not None]
