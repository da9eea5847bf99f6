"""Redis clients with short timeouts, for threads and for event loops."""

import asyncio
from typing import Any

import redis.asyncio
from django.conf import settings

REDIS_TIMEOUT_SECONDS = 0.25  # seconds, to connect and to answer: together the half second that a page may wait
_redis_client: redis.Redis | None = None


REDIS_ERRORS = (redis.RedisError, OSError, asyncio.TimeoutError)


def get_redis_client() -> redis.Redis:
    """Return this process' Redis client, which gives up soon instead of keeping anybody waiting."""
    global _redis_client
    if _redis_client is None:
        _redis_client = redis.Redis.from_url(
            settings.REDIS_URL,
            socket_timeout=REDIS_TIMEOUT_SECONDS,
            socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
            retry=redis.retry.Retry(redis.backoff.NoBackoff(), 0),
        )
    return _redis_client


def create_async_redis_client(connect_timeout: float, response_timeout: float) -> redis.asyncio.Redis:
    """Return a client for an event loop; it waits so many seconds to connect and for an answer, and tries once."""
    once = redis.asyncio.retry.Retry(redis.backoff.NoBackoff(), 0)
    return redis.asyncio.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=connect_timeout, socket_timeout=response_timeout, retry=once
    )


def get_all(prefix: str) -> list[Any]:
    """Return what is kept under the keys that begin so; raise redis.RedisError while Redis cannot be reached."""
    keys = list(get_redis_client().scan_iter(prefix + "*"))
    found: list[Any] = get_redis_client().mget(keys) if keys else []
    # One may have gone meanwhile.
    return [value for value in found if value is not None]
