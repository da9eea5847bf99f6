"""WebSocket routes."""

from typing import Any

from channels.routing import URLRouter
from django.conf import settings
from django.urls import path, re_path

from downloads.consumers import ProgressConsumer


async def refuse_handshake(scope: Any, receive: Any, send: Any) -> None:
    """Refuse the handshake of any other path (403) without a traceback."""
    await receive()
    await send({"type": "websocket.close"})


socket_route = f"{settings.URL_PREFIX.removeprefix('/')}ws/progress"
websocket_router = URLRouter([path(socket_route, ProgressConsumer.as_asgi()), re_path(r"", refuse_handshake)])  # type: ignore[arg-type]
