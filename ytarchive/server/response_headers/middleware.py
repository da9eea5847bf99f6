"""ASGI middleware that adds the security headers, also to answers that never reach Django's middleware."""

from typing import Any

from django.conf import settings

from ytarchive.server.response_headers import policies
from ytarchive.server.response_headers.strict_transport import GrowingMaxAge

COMMON_HEADERS, SECURE_HEADERS = policies.encode(policies.COMMON_HEADERS), policies.encode(policies.SECURE_HEADERS)
OPENER_POLICY = SECURE_HEADERS[0][0]


class SecurityHeaders:
    """Adds the headers that a response lacks; over https, as `ForwardedScheme` decides it, also HSTS."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self._max_age = GrowingMaxAge()
        if not getattr(settings, "SECURE_PROXY_SSL_HEADER", None):
            self._max_age.reset()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        is_secure = scope.get("scheme") == "https"

        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": self._complete(message.get("headers", ()), is_secure)}
            await send(message)

        await self.inner(scope, receive, send_with_headers)

    def _complete(self, headers: Any, is_secure: bool) -> list[tuple[bytes, bytes]]:
        present = {bytes(name).lower(): bytes(value) for name, value in headers}
        added = [item for item in COMMON_HEADERS if item[0] not in present]
        if not is_secure:
            return [*((name, value) for name, value in headers if bytes(name).lower() != OPENER_POLICY), *added]
        added += [item for item in SECURE_HEADERS if item[0] not in present]
        added.append((b"strict-transport-security", f"max-age={self._max_age.seconds()}".encode()))
        return [*headers, *added]
