"""Parsers of environment variables; an invalid value raises ImproperlyConfigured, with one line on what to use."""

import ipaddress
import os
import re
import zoneinfo
from pathlib import Path
from urllib.parse import urlsplit

import environ
import idna
import redis
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()
SYSTEM_ZONES = Path("/usr/share/zoneinfo")
REDIS_URL_EXAMPLES = "redis://host:6379/0, rediss://… or unix:///path"
# RFC 3986's unreserved characters, which nothing between a browser and the archive encodes or decodes; no dot segment.
PATH_SEGMENT = r"(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+"


def env_text(name: str) -> str:
    """Return the variable as it is, "" if it is unset or blank. django-environ would replace a leading `$`."""
    text = os.environ.get(name, "")
    return text if text.strip() else ""


def env_bool(name: str, default: bool) -> bool:
    """Return a switch: 1, true, yes or on; 0, false, no or off."""
    text = env_text(name).strip().lower()
    if not text:
        return default
    if text in ("0", "false", "no", "off"):
        return False
    if text in ("1", "true", "yes", "on"):
        return True
    raise ImproperlyConfigured(f"{name} is {text!r}; use 1 or 0.")


def env_int(name: str, default: int, low: int, high: int) -> int:
    """Return a whole number from `low` to `high`."""
    text = env_text(name).strip()
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise ImproperlyConfigured(f"{name} is {text!r}; use a whole number from {low} to {high}.")
    return int(text)


def env_optional_int(name: str, low: int, high: int) -> int | None:
    """Return a whole number from `low` to `high`; None if the variable is unset."""
    return env_int(name, low, low, high) if env_text(name) else None


def env_choice(name: str, default: str, choices: tuple[str, ...]) -> str:
    """Return one of these words."""
    text = env_text(name).strip().lower()
    if text and text not in choices:
        raise ImproperlyConfigured(f"{name} is {text!r}; use {', '.join(choices[:-1])} or {choices[-1]}.")
    return text or default


def env_list(name: str, default: list[str]) -> list[str]:
    """Return the items of a comma-separated list."""
    items = [item.strip() for item in env_text(name).split(",")]
    return [item for item in items if item] or default


def env_languages(name: str) -> str:
    """Return a comma-separated list of languages, as codes or names, as BCP 47 tags, such as en,pt-BR."""
    text = ",".join(env_list(name, []))
    if not text:
        return ""
    # Loaded only where the variable is set: it takes 0.1 s, in each process and command.
    from downloads.subtitles.languages import parse_languages  # noqa: PLC0415

    try:
        return ",".join(parse_languages(text))
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{name} is {text!r}, and {str(error)!r} is no language; use codes or names, such as en,de,pt-BR."
        ) from error


def env_networks(name: str) -> "list[ipaddress.IPv4Network | ipaddress.IPv6Network]":
    """Return a list of networks in CIDR notation; an address alone is a network of one."""
    networks = []
    for text in env_list(name, []):
        try:
            networks.append(ipaddress.ip_network(text, strict=False))
        except ValueError as error:
            raise ImproperlyConfigured(
                f"{name} has {text!r}, which is no network; use addresses with the length of their prefix, such as "
                "198.51.100.0/24,2001:db8:1::/48."
            ) from error
    return networks


def env_hosts(name: str, default: list[str]) -> list[str]:
    """Return a list of host names, each as browsers send it: lowercase, other scripts in Punycode."""
    return [_to_ascii(name, host) for host in env_list(name, default)]


def env_origins(name: str) -> list[str]:
    """Return a list of origins, each a scheme and a host as browsers send it; the host may begin with `*.`."""
    origins = env_list(name, [])
    for origin in origins:
        if not re.fullmatch(r"https?://(\*\.)?[^/?#@*\s]+", origin, re.IGNORECASE):
            raise ImproperlyConfigured(f"{name} has {origin!r}; use a scheme and a host, such as https://example.org.")
    return [_to_ascii(name, origin) for origin in origins]


def _to_ascii(name: str, host: str) -> str:
    """Return a host, or an origin, in lowercase ASCII: each label of another script as IDNA 2008 encodes it."""
    if host.isascii():
        return host.lower()
    try:
        return re.sub(r"[^.:/*]*[^\x00-\x7f.:/*][^.:/*]*", _encode_label, host).lower()
    except idna.IDNAError as error:
        raise ImproperlyConfigured(f"{name} has {host!r}, which is no host name ({error}).") from error


def _encode_label(match: re.Match[str]) -> str:
    return idna.encode(match[0], uts46=True).decode()


def env_path(name: str) -> str:
    """Return a URL path that begins and ends with a slash, "/" if the variable is unset."""
    text = env_text(name).strip()
    if text in ("", "/"):
        return "/"
    if not re.fullmatch(rf"/?(?:{PATH_SEGMENT}/)*{PATH_SEGMENT}/?", text):
        raise ImproperlyConfigured(
            f"{name} is {text!r}; use letters, digits and . _ ~ - between single slashes, such as /tube/."
        )
    return f"/{text.strip('/')}/"


def env_token(name: str) -> str:
    """Return a token of at least 16 printable ASCII characters, "" if the variable is unset."""
    token = env_text(name).strip()
    # The message omits the value, which may be most of a password.
    if token and not re.fullmatch(r"[!-~]{16,}", token):
        raise ImproperlyConfigured(f"{name} cannot be used as it is; use 16 or more letters, digits and signs.")
    return token


def env_time_zone(name: str) -> str:
    """Return the name of a time zone, UTC if the variable is unset; `:` before it and a path to its file are taken."""
    text = env_text(name).strip().removeprefix(":")
    zone = _zone_of_file(text) if text.startswith("/") else text or "UTC"
    if not re.fullmatch(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*", zone) or zone.split("/")[0] in ("right", "posix"):
        raise ImproperlyConfigured(f"{name} is {text!r}; use a name such as Europe/Berlin, not a rule or a path.")
    if not _time_zone_exists(zone):
        if not zoneinfo.available_timezones():
            raise ImproperlyConfigured(
                "This machine has no time zone data; install the system's package tzdata, or `pip install tzdata`."
            )
        raise ImproperlyConfigured(f"{name} is {text!r}, which is no time zone; use one like Europe/Berlin.")
    return zone


def _time_zone_exists(zone: str) -> bool:
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, OSError, ValueError):
        return False
    # Django raises ValueError for a zone that Python's package tzdata has and the system's folder lacks.
    return not SYSTEM_ZONES.exists() or (SYSTEM_ZONES / zone).exists()


def _zone_of_file(text: str) -> str:
    """Return the name of the zone that a file such as /etc/localtime is, "" if it is none of the system's."""
    path = Path(text).resolve()
    folders = [Path(folder).resolve() for folder in zoneinfo.TZPATH]
    return next((str(path.relative_to(folder)) for folder in folders if path.is_relative_to(folder)), "")


def check_redis_url(name: str) -> None:
    """Raise ImproperlyConfigured unless redis-py accepts the URL, options included."""
    check_url(name, ("redis", "rediss", "unix"), REDIS_URL_EXAMPLES)
    try:
        # redis-py checks the options in the URL's query only when it makes a connection.
        redis.Redis.from_url(env_text(name)).connection_pool.make_connection()
    except (redis.RedisError, ValueError, TypeError) as error:
        raise ImproperlyConfigured(f"{name} cannot be used as it is ({error}); use {REDIS_URL_EXAMPLES}.") from error


def check_url(name: str, schemes: tuple[str, ...], expected: str) -> None:
    """Raise ImproperlyConfigured, with the `expected` form, unless the URL has one of the schemes and a valid port."""
    try:
        url = urlsplit(env_text(name))
        is_valid = url.scheme in schemes and url.port != 0  # reading the port checks it
    except ValueError:
        is_valid = False
    if not is_valid:
        # The message omits the value, which may hold a password.
        raise ImproperlyConfigured(f"{name} cannot be used as it is; use {expected}.")
