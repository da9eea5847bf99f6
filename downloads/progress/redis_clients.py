"""Redis clients with short timeouts, for threads and for event loops."""

import asyncio
from typing import Any

import redis.asyncio
from django.conf import settings

REDIS_TIMEOUT_SECONDS = 0.25  # to connect, and again for a response: a page waits half a second at most
REDIS_ERRORS = (redis.RedisError, OSError, asyncio.TimeoutError)
_redis_client: redis.Redis | None = None


def get_redis_client() -> redis.Redis:
    """Return the Redis client of this process; it raises after REDIS_TIMEOUT_SECONDS and does not retry."""
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
    """Return a Redis client for an event loop; it raises after these timeouts, in seconds, and does not retry."""
    no_retries = redis.asyncio.retry.Retry(redis.backoff.NoBackoff(), 0)
    return redis.asyncio.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=connect_timeout, socket_timeout=response_timeout, retry=no_retries
    )


def get_all(prefix: str) -> list[Any]:
    """Return the values of all keys with this prefix; raise redis.RedisError while Redis is unreachable."""
    keys = list(get_redis_client().scan_iter(prefix + "*"))
    values: list[Any] = get_redis_client().mget(keys) if keys else []
    # A key may have expired since the scan.
    return [value for value in values if value is not None]
