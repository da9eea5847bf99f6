"""ASGI application: monitoring endpoints and Django for HTTP; origin check, session and routing for WebSockets."""

import logging
import os
from typing import Any

from django.core.asgi import get_asgi_application

from ytarchive.server.request_checks import ForwardedPath, ForwardedScheme, SameOriginMiddleware
from ytarchive.server.request_concurrency import RequestConcurrencyMiddleware
from ytarchive.server.response_headers.middleware import SecurityHeaders

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ytarchive.settings")
django_application = get_asgi_application()

# Imported after get_asgi_application, which sets up Django.
from channels.auth import AuthMiddleware  # noqa: E402
from channels.routing import ProtocolTypeRouter  # noqa: E402
from channels.sessions import CookieMiddleware, SessionMiddleware  # noqa: E402
from django.conf import settings  # noqa: E402
from django.contrib.auth.models import AnonymousUser  # noqa: E402
from django.db import Error  # noqa: E402

from downloads import routing  # noqa: E402
from downloads.accounts.cookies import SocketSessionCookie  # noqa: E402
from downloads.database.outages import describe_outage  # noqa: E402
from downloads.monitoring import endpoints  # noqa: E402
from downloads.outage_log import OutageLog  # noqa: E402

logger = logging.getLogger(__name__)


class OptionalAuthMiddleware:
    """Put the session's user into the scope if the archive is private; an open one needs no look-up."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self._outage_log = OutageLog(
            logger, "WebSockets are refused while the database is away: %s", "WebSockets are accepted again"
        )
        self.authenticated_inner = CookieMiddleware(SocketSessionCookie(SessionMiddleware(AuthMiddleware(inner))))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if settings.PRIVATE:
            await self._authenticate(scope, receive, send)
        else:
            await self.inner({**scope, "user": AnonymousUser()}, receive, send)

    async def _authenticate(self, scope: Any, receive: Any, send: Any) -> None:
        """Look up who connects; refuse the handshake while the database is away, so that the page tries again."""
        is_answered = False

        async def send_noticed(message: dict[str, Any]) -> None:
            nonlocal is_answered
            is_answered = True
            await send(message)

        try:
            await self.authenticated_inner(scope, receive, send_noticed)
        except Error as error:
            if is_answered or not describe_outage(error):
                raise
            self._outage_log.failed(error)
            await send({"type": "websocket.close"})
        else:
            self._outage_log.recovered()


router = ProtocolTypeRouter(
    {
        "http": endpoints.MonitoringEndpoints(RequestConcurrencyMiddleware(django_application)),
        "websocket": SameOriginMiddleware(OptionalAuthMiddleware(routing.websocket_router)),
    }
)
application = ForwardedScheme(SecurityHeaders(ForwardedPath(router)))
