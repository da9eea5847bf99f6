"""Parsers of environment variables; an invalid value raises ImproperlyConfigured, with one line on what to use."""

import re
from urllib.parse import urlsplit

import environ
import redis
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()
REDIS_URL_EXAMPLES = "redis://host:6379/0, rediss://… or unix:///path"


def env_bool(name: str, default: bool) -> bool:
    text = env.str(name, default="").strip().lower()
    if not text:
        return default
    if text in ("0", "false", "no", "off"):
        return False
    if text in ("1", "true", "yes", "on"):
        return True
    raise ImproperlyConfigured(f"{name} is {text!r}; use 1 or 0.")


def env_int(name: str, default: int, low: int, high: int) -> int:
    text = env.str(name, default="").strip()
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise ImproperlyConfigured(f"{name} is {text!r}; use a whole number from {low} to {high}.")
    return int(text)


def env_list(name: str, default: list[str]) -> list[str]:
    items = [item.strip() for item in env.str(name, default="").split(",")]
    return [item for item in items if item] or default


def env_languages(name: str) -> str:
    codes = env_list(name, [])
    if not all(re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", code) for code in codes):
        raise ImproperlyConfigured(f"{name} is {','.join(codes)!r}; use codes of languages, such as en,de,pt-BR.")
    return ",".join(codes)


def env_origins(name: str) -> list[str]:
    origins = env_list(name, [])
    for origin in origins:
        if not re.fullmatch(r"https?://[^/?#@\s]+", origin):
            raise ImproperlyConfigured(f"{name} has {origin!r}; use a scheme and a host, such as https://example.org.")
    return origins


def env_token(name: str) -> str:
    token = env.str(name, default="").strip()
    # The message omits the value, which may be most of a password.
    if token and not re.fullmatch(r"[!-~]{16,}", token):
        raise ImproperlyConfigured(f"{name} cannot be used as it is; use 16 or more letters, digits and signs.")
    return token


def check_redis_url(name: str) -> None:
    check_url(name, ("redis", "rediss", "unix"), REDIS_URL_EXAMPLES)
    try:
        # redis-py checks the options in the URL's query only when it makes a connection.
        redis.Redis.from_url(env.str(name)).connection_pool.make_connection()
    except (redis.RedisError, ValueError, TypeError) as error:
        raise ImproperlyConfigured(f"{name} cannot be used as it is ({error}); use {REDIS_URL_EXAMPLES}.") from error


def check_url(name: str, schemes: tuple[str, ...], expected: str) -> None:
    try:
        url = urlsplit(env.str(name))
        is_valid = url.scheme in schemes and url.port != 0  # reading the port checks it
    except ValueError:
        is_valid = False
    if not is_valid:
        # The message omits the value, which may hold a password.
        raise ImproperlyConfigured(f"{name} cannot be used as it is; use {expected}.")
