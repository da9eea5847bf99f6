"""Origin check of WebSocket handshakes."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host

DEFAULT_PORTS = {"http": 80, "https": 443}


class SameOriginMiddleware:
    """Refuse a handshake (403) from a page of another origin: scheme, host and port, compared exactly.

    A client without an Origin header is no browser: it falls under the access rule alone. The stock
    validators compare the host only (RFC 6454 names all three).
    """

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = dict(reversed(scope["headers"]))
        if b"origin" in headers and not _is_allowed_origin(headers, scope):
            await receive()
            await send({"type": "websocket.close"})
            return
        await self.inner(scope, receive, send)


def _is_allowed_origin(headers: dict[bytes, bytes], scope: Any) -> bool:
    origin = _parse_origin(headers[b"origin"].decode("latin1"))
    if origin is None or [name for name, _ in scope["headers"]].count(b"origin") > 1:
        return False
    if origin in [_parse_origin(trusted) for trusted in settings.CSRF_TRUSTED_ORIGINS]:
        return True
    host = headers.get(b"host", b"").decode("latin1").lower()
    if not validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS):
        return False
    return origin == _parse_origin(f"{_request_scheme(headers)}://{host}")


def _request_scheme(headers: dict[bytes, bytes]) -> str:
    """Return the scheme that the browser used; a proxy's word counts only if one is declared."""
    declared = getattr(settings, "SECURE_PROXY_SSL_HEADER", None)
    if declared and headers.get(b"x-forwarded-proto", b"").decode("latin1") == declared[1]:
        return "https"
    return "http"


def _parse_origin(origin: str) -> tuple[str, str, int] | None:
    """Return an origin's (scheme, host, port), or None if it is none (`null`, a path, a user)."""
    try:
        found = urlsplit(origin.lower())
        port = found.port or DEFAULT_PORTS.get(found.scheme)
    except ValueError:
        return None
    if found.scheme not in DEFAULT_PORTS or not found.hostname or port is None or found.netloc.count("@"):
        return None
    if found.path or found.query or found.fragment:
        return None
    return found.scheme, found.hostname, port
