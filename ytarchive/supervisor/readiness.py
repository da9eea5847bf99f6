"""What Redis tells of the stack: whether it answers, whether a bridge leads, whether a worker claims."""

from collections.abc import Callable
from urllib.parse import urlsplit

import redis
from django.conf import settings

from downloads.monitoring import health
from downloads.progress import keys, redis_clients
from ytarchive.supervisor import embedded_redis
from ytarchive.supervisor.bootstrap import CannotStart, first_line
from ytarchive.supervisor.process import Part


def redis_part() -> Part | None:
    """Return the server that lives in the data folder; None when REDIS_URL names another."""
    if not settings.REDIS_EMBEDDED:
        return None
    folder = settings.DATA / "redis"
    try:
        command = embedded_redis.command(settings.REDIS_SOCKET, folder)
    except embedded_redis.NoRedisServer as error:
        raise CannotStart(str(error)) from error
    return Part("redis", command, log=folder / "server.log", grace=2.0)


def answers() -> bool:
    """Tell whether the embedded server can be used."""
    try:
        return bool(redis_clients.get_redis_client().ping())
    except redis.RedisError:
        return False


def check_redis() -> None:
    """Raise CannotStart unless the server at REDIS_URL answers."""
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=5) as client:
            client.ping()
    except (redis.RedisError, ValueError, OSError) as error:
        where = urlsplit(settings.REDIS_URL)
        place = f"{where.hostname}:{where.port or 6379}" if where.hostname else where.path
        raise CannotStart(
            f"Redis at {place} does not answer ({first_line(error)}): start it, correct REDIS_URL, "
            "or unset REDIS_URL to use the embedded server."
        ) from error


def forget_the_dead() -> None:
    """Drop what a killed bridge and killed workers left in the embedded server: we hold the data folder."""
    client = redis_clients.get_redis_client()
    client.delete(keys.LEADER_KEY, *client.scan_iter(keys.WORKER_KEY_PREFIX + "*"))


def bridge_leads() -> bool:
    """Tell whether a bridge is subscribed and leads."""
    return _lives(health.check_bridge)


def worker_claims() -> bool:
    """Tell whether a worker is there to take what is queued."""
    return _lives(health.check_worker)


def _lives(sign: Callable[[], float]) -> bool:
    try:
        sign()
    except (health.CheckFailed, redis.RedisError):
        return False
    return True
