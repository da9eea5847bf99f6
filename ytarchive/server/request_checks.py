"""Middlewares that decide a request's scheme and path, and refuse foreign origins, alike for forms and WebSockets."""

import io
import logging
from typing import Any

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware, RejectRequest

from downloads.outage_log import LogLimiter
from ytarchive.server.origin import is_allowed_origin
from ytarchive.server.refusals import explain_csrf_refusal, explain_origin, quote

logger = logging.getLogger(__name__)
refused_sockets = LogLimiter(__name__)

SECURE_SCHEMES = ("https", "wss")


class ForwardedScheme:
    """ASGI middleware that decides the browser's scheme once, for pages and WebSockets.

    If SECURE_PROXY_SSL_HEADER declares a proxy, the first value of its header counts, in any case; `wss` is what some
    proxies send for a WebSocket. The scope then has the scheme, and the header one of the two values that Django knows.
    """

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] in ("http", "websocket"):
            scope = _with_scheme(scope)
        await self.inner(scope, receive, send)


def _with_scheme(scope: dict[str, Any]) -> dict[str, Any]:
    scheme, headers = scope.get("scheme"), scope["headers"]
    if declared := getattr(settings, "SECURE_PROXY_SSL_HEADER", None):
        name = declared[0].removeprefix("HTTP_").lower().replace("_", "-").encode()
        values = [value.decode("latin1") for header, value in headers if header == name]
        if values:
            scheme = values[0].split(",")[0]
            others = [(header, value) for header, value in headers if header != name]
            headers = [*others, (name, _http_scheme(scheme).encode())]
    return {**scope, "scheme": _http_scheme(scheme or ""), "headers": headers}


def _http_scheme(text: str) -> str:
    return "https" if text.strip().lower() in SECURE_SCHEMES else "http"


class ForwardedPath:
    """ASGI middleware that puts the path of YTARCHIVE_PATH before requests from which a proxy has removed it.

    It has removed the path from all of them, since it passes no others on. Not a redirect, which it would get again.
    """

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] in ("http", "websocket"):
            scope = {**scope, "path": _with_prefix(scope["path"])}
        await self.inner(scope, receive, send)


def _with_prefix(path: str) -> str:
    prefix = settings.URL_PREFIX
    # CommonMiddleware redirects the path without its last slash to the path.
    if prefix == "/" or f"{path}/" == prefix or path.startswith(prefix):
        return path
    return prefix + path.lstrip("/")


class OriginCsrfMiddleware(CsrfViewMiddleware):
    """Django's CSRF protection with `is_allowed_origin`; a refusal is explained in the response and in the log."""

    def _origin_verified(self, request: HttpRequest) -> bool:
        return is_allowed_origin(request, request.META["HTTP_ORIGIN"])

    def _check_referer(self, request: HttpRequest) -> None:
        """Check the Referer of a form that came by https without an Origin; raise RejectRequest."""
        try:
            super()._check_referer(request)  # type: ignore[misc]  # the stubs omit it
        except RejectRequest:
            scheme, _, rest = request.META.get("HTTP_REFERER", "").partition("://")
            if scheme != "https" or not is_allowed_origin(request, f"https://{rest.partition('/')[0]}"):
                raise

    def _reject(self, request: HttpRequest, reason: str) -> HttpResponse:
        refusal = explain_csrf_refusal(request, reason)
        logger.warning("Refused the form sent to %s: %s", quote(request.path), refusal.log_text)
        request.refusal = refusal  # type: ignore[attr-defined]  # for the CSRF_FAILURE_VIEW
        response: HttpResponse = super()._reject(request, reason)  # type: ignore[misc]
        return response


class SameOriginMiddleware:
    """Reject WebSocket handshakes (403) from pages of another origin; scheme, host and port are compared.

    Channels' own validators compare the host only; RFC 6454 requires all three. A client without an Origin header
    is not a browser, and is subject to the view permission only.
    """

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = ASGIRequest({**scope, "method": "GET", "query_string": b""}, io.BytesIO())
        text = request.META.get("HTTP_ORIGIN")
        if text is None or is_allowed_origin(request, text):
            await self.inner(scope, receive, send)
            return
        refusal = explain_origin(request, text)
        refused_sockets.warning(refusal.reason, "Refused the live connection of a page: %s", refusal.log_text)
        await receive()
        await send({"type": "websocket.close"})
