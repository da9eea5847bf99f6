"""Origin check of WebSocket handshakes."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host

DEFAULT_PORTS = {"http": 80, "https": 443}


class SameOriginMiddleware:
    """Reject WebSocket handshakes (403) from pages of another origin: scheme, host and port, compared exactly.

    Channels' own validators compare the host only; RFC 6454 requires all three. A client without an Origin header
    is not a browser, and is subject to the view permission only.
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
    """Return the browser's scheme; X-Forwarded-Proto is trusted only if SECURE_PROXY_SSL_HEADER declares a proxy."""
    declared = getattr(settings, "SECURE_PROXY_SSL_HEADER", None)
    if declared and headers.get(b"x-forwarded-proto", b"").decode("latin1") == declared[1]:
        return "https"
    return "http"


def _parse_origin(origin: str) -> tuple[str, str, int] | None:
    """Return an origin's (scheme, host, port), or None if it is not valid (`null`, or with a path or user)."""
    try:
        url = urlsplit(origin.lower())
        port = url.port or DEFAULT_PORTS.get(url.scheme)
    except ValueError:
        return None
    if url.scheme not in DEFAULT_PORTS or not url.hostname or port is None or url.netloc.count("@"):
        return None
    if url.path or url.query or url.fragment:
        return None
    return url.scheme, url.hostname, port
