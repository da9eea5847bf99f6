"""The consumer and its route, as in Channels' tutorial."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "plain_channels.settings")
http = get_asgi_application()

from channels.generic.websocket import AsyncJsonWebsocketConsumer  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import path  # noqa: E402


class ProgressConsumer(AsyncJsonWebsocketConsumer):
    """Forward each message of the group to the client."""

    async def connect(self):
        await self.channel_layer.group_add("progress", self.channel_name)
        await self.accept()

    async def disconnect(self, code):
        await self.channel_layer.group_discard("progress", self.channel_name)

    async def progress_update(self, event):
        await self.send_json(event["content"])


application = ProtocolTypeRouter(
    {"http": http, "websocket": URLRouter([path("ws/progress", ProgressConsumer.as_asgi())])}
)
