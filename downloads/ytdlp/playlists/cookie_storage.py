"""Cookies that a page has set, as JSON: kept for the hosts of a playlist's entry, with their scope."""

import http.cookiejar
import logging
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from downloads.ytdlp.playlists.json_values import clean_text

logger = logging.getLogger(__name__)

MAX_COOKIES = 50
MAX_COOKIES_BYTES = 8 * 1024  # of names and values together
SCOPE_FIELDS = ("domain", "path", "secure", "expires", "port")


def export_cookies(jar: Iterable[http.cookiejar.Cookie], urls: Iterable[str]) -> list[dict[str, Any]]:
    """Return the cookies that requests to the hosts of these URLs may need, up to the limits of number and size."""
    hosts = {_effective_host(url) for url in urls} - {""}
    exported: list[dict[str, Any]] = []
    size = 0
    for cookie in jar:
        size_with_cookie = size + len(cookie.name) + len(cookie.value or "")
        is_needed = any(_matches_domain(host, cookie.domain) for host in hosts)
        if is_needed and size_with_cookie <= MAX_COOKIES_BYTES and len(exported) < MAX_COOKIES:
            size = size_with_cookie
            exported.append(_to_json(cookie))
    return exported


def import_cookies(jar: http.cookiejar.CookieJar, cookies: Iterable[dict[str, Any]]) -> None:
    """Put stored cookies back into a jar, each with the scope that it was set with."""
    for stored in cookies:
        try:
            jar.set_cookie(_from_json(stored))
        except (KeyError, TypeError, AttributeError):
            logger.warning("A stored cookie cannot be read, and is left out")


def _to_json(cookie: http.cookiejar.Cookie) -> dict[str, Any]:
    scope = {name: getattr(cookie, name) for name in SCOPE_FIELDS}
    value = None if cookie.value is None else clean_text(cookie.value)
    return {"name": clean_text(cookie.name), "value": value, "is_host_only": not cookie.domain_specified, **scope}


def _from_json(stored: dict[str, Any]) -> http.cookiejar.Cookie:
    domain, expires, port = str(stored["domain"]), stored.get("expires"), stored.get("port")
    return http.cookiejar.Cookie(
        version=0,
        name=stored["name"],
        value=stored["value"],
        port=port,
        port_specified=bool(port),
        domain=domain,
        domain_specified=not stored.get("is_host_only"),
        domain_initial_dot=domain.startswith("."),
        path=stored.get("path") or "/",
        path_specified=True,
        secure=bool(stored.get("secure")),
        expires=expires,
        discard=expires is None,
        comment=None,
        comment_url=None,
        rest={},
    )


def _effective_host(url: str) -> str:
    """Return the host as cookies know it: http.cookiejar appends ".local" to a name without a dot."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    return host if "." in host or not host or ":" in host else f"{host}.local"


def _matches_domain(host: str, domain: str) -> bool:
    return host == domain.lstrip(".") or (domain.startswith(".") and host.endswith(domain))
