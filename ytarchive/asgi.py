"""ASGI application: monitoring endpoints and Django for HTTP; origin check, session and routing for WebSockets."""

import os
from typing import Any

from django.core.asgi import get_asgi_application

from ytarchive.server.request_checks import ForwardedPath, ForwardedScheme, SameOriginMiddleware

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ytarchive.settings")
django_application = get_asgi_application()

# Imported after get_asgi_application, which sets up Django.
from channels.auth import AuthMiddleware  # noqa: E402
from channels.routing import ProtocolTypeRouter  # noqa: E402
from channels.sessions import CookieMiddleware, SessionMiddleware  # noqa: E402
from django.conf import settings  # noqa: E402
from django.contrib.auth.models import AnonymousUser  # noqa: E402

from downloads import routing  # noqa: E402
from downloads.accounts.cookies import SocketSessionCookie  # noqa: E402
from downloads.monitoring import endpoints  # noqa: E402


class OptionalAuthMiddleware:
    """Put the session's user into the scope if the archive is private; an open one needs no look-up."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.authenticated_inner = CookieMiddleware(SocketSessionCookie(SessionMiddleware(AuthMiddleware(inner))))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if settings.PRIVATE:
            await self.authenticated_inner(scope, receive, send)
        else:
            await self.inner({**scope, "user": AnonymousUser()}, receive, send)


router = ProtocolTypeRouter(
    {
        "http": endpoints.MonitoringEndpoints(django_application),
        "websocket": SameOriginMiddleware(OptionalAuthMiddleware(routing.websocket_router)),
    }
)
application = ForwardedScheme(ForwardedPath(router))
