"""The origin of a request, and the origins that may send forms and open WebSockets."""

import functools
import re
from collections.abc import Iterable
from typing import NamedTuple

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest

DEFAULT_PORTS = {"http": 80, "https": 443}
MAX_PORT = 65535
# As in Django's host_validation_re: a name or an IPv4 address, or an IPv6 address in brackets, and a port.
NETLOC_PATTERN = re.compile(r"(\*?[a-z0-9._-]+|\[[a-f0-9:.]+\])(?::([0-9]{1,5}))?")


class Origin(NamedTuple):
    """An origin as RFC 6454 compares it; the host of a trusted one may begin with `*.`."""

    scheme: str
    host: str
    port: int

    def includes(self, other: "Origin") -> bool:
        """Return True if `other` is this origin or, like in Django, the wildcard's domain or a subdomain of it."""
        if (self.scheme, self.port) != (other.scheme, other.port):
            return False
        if not self.host.startswith("*."):
            return self.host == other.host
        return other.host == self.host[2:] or other.host.endswith(self.host[1:])


def parse_origin(text: str) -> Origin | None:
    """Return an origin's parts, or None if it is not valid (`null`, or with a path or user)."""
    scheme, separator, netloc = text.strip().lower().partition("://")
    match = NETLOC_PATTERN.fullmatch(netloc)
    if not separator or scheme not in DEFAULT_PORTS or not match:
        return None
    host, port = match[1], int(match[2] or DEFAULT_PORTS[scheme])
    return Origin(scheme, host, port) if 0 < port <= MAX_PORT else None


def own_origin(request: HttpRequest) -> Origin | None:
    """Return the origin at which the browser reached us, or None if ALLOWED_HOSTS does not have the host."""
    try:
        return parse_origin(f"{'https' if request.is_secure() else 'http'}://{request.get_host()}")
    except DisallowedHost:
        return None


@functools.lru_cache
def _parse_trusted_origins(trusted_origins: tuple[str, ...]) -> tuple[Origin, ...]:
    return tuple(origin for text in trusted_origins if (origin := parse_origin(text)))


def trusted_origins() -> Iterable[Origin]:
    """Return the origins of DJANGO_CSRF_TRUSTED_ORIGINS."""
    return _parse_trusted_origins(tuple(settings.CSRF_TRUSTED_ORIGINS))


def is_allowed_origin(request: HttpRequest, text: str) -> bool:
    """Return True if a page of this origin may send forms and open WebSockets: our own and the trusted ones may."""
    origin, archive = parse_origin(text), own_origin(request)
    # Pages of a host that ALLOWED_HOSTS does not have are refused too.
    if origin is None or origin.host.startswith("*") or archive is None:
        return False
    return origin == archive or any(trusted.includes(origin) for trusted in trusted_origins())
