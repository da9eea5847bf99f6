"""The WebSocket of the pages: refuse, join, snapshot, forward."""

import asyncio
import json
import logging
import time
from typing import Any

from channels.consumer import get_handler_name
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.contrib.auth.models import AnonymousUser

from downloads.accounts import permissions, session_monitor
from downloads.fanout import hub
from downloads.fanout.frames import Frames
from downloads.progress.counters import FRAMES_IGNORED
from downloads.progress.keys import PROGRESS_GROUP, SUBPROTOCOL

logger = logging.getLogger(__name__)

LONGEST_TEXT = 1024  # bytes
FRAMES_PER_SECOND = 20
# Close codes of RFC 6455, section 7.4.1.
UNSUPPORTED_DATA, POLICY_VIOLATION, MESSAGE_TOO_BIG = 1003, 1008, 1009


class SendOutlet:
    """An outlet by way of the consumer's own `send`, for servers without a direct one."""

    def __init__(self, consumer: "ProgressConsumer") -> None:
        self._consumer = consumer
        self._sending: asyncio.Task[None] | None = None

    def write(self, sent: Frames) -> None:
        self._sending = asyncio.create_task(self._send(sent, self._sending))

    async def _send(self, sent: Frames, before: asyncio.Task[None] | None) -> None:
        if before:
            await before
        for text in sent.texts:
            await self._consumer.send(text_data=text)
        self._sending = None
        self._consumer.caught_up()

    def pending(self) -> int:
        return int(self._sending is not None)

    def drop(self) -> None:
        self.stop()
        self._consumer.abandon()

    def stop(self) -> None:
        if self._sending:
            self._sending.cancel()


class ProgressConsumer(AsyncJsonWebsocketConsumer):
    """One client of `/ws/progress`, with or without the batch subprotocol."""

    viewer: hub.Client | None = None
    _watch: session_monitor.SessionMonitor | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self._task = asyncio.current_task()
        self._window, self._count = 0.0, 0
        try:
            await super().__call__(scope, receive, send)
        finally:
            # Whatever ended it (a bug, a cancelled task), nothing of it stays behind.
            self._leave()

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Call the handler; without the stock's look at database connections, which this consumer has none of.

        That look is a trip to the one thread that all consumers of a process share: half the cost of a
        message, and a slow query anywhere would delay everybody.
        """
        await getattr(self, get_handler_name(message))(message)

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        """Disconnect and end, again without a trip to the database's thread."""
        await self.disconnect(message["code"])
        raise StopConsumer

    async def connect(self) -> None:
        """Accept who may look, join the group, and only then ask for the snapshot."""
        # Without the session's middleware, as Channels' communicator is usually used, nobody has signed in.
        if not permissions.can_view(self.scope.get("user") or AnonymousUser()):
            await self.close()
            return
        batches = SUBPROTOCOL in self.scope.get("subprotocols", ())
        await self.accept(SUBPROTOCOL if batches else None)
        await self.channel_layer.group_add(PROGRESS_GROUP, self.channel_name)
        outlet = self.scope.get("extensions", {}).get("ytarchive.outlet") or SendOutlet(self)
        self._fanout = hub.get_hub(self.channel_layer)
        self.viewer = self._fanout.add_client(outlet, protocol=not batches)
        if session := self.scope.get("session"):
            self._watch = session_monitor.get_session_monitor()
            self._watch.add_socket(self, session.session_key)

    async def disconnect(self, code: int) -> None:
        """Leave the group."""
        self._leave()
        await self.channel_layer.group_discard(PROGRESS_GROUP, self.channel_name)

    async def progress_batch(self, event: dict[str, Any]) -> None:
        """Forward the group's batches, where the channel layer does not give them to the fan-out itself."""
        self._fanout.receive_batch(event)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None, **kwargs: Any) -> None:
        """Answer `ping` and `resync`; ignore what is not known, close on what no client of ours sends."""
        if self._too_many():
            await self.close(POLICY_VIOLATION)
        elif text_data is None:
            await self.close(UNSUPPORTED_DATA)
        elif len(text_data) > LONGEST_TEXT or len(text_data.encode()) > LONGEST_TEXT:
            await self.close(MESSAGE_TOO_BIG)
        elif text_data == "ping":
            await self.send(text_data="pong")
        elif _is_resync(text_data) and self.viewer:
            self._fanout.resync_client(self.viewer)
        else:
            self._fanout.counters.counts[FRAMES_IGNORED] += 1

    def caught_up(self) -> None:
        """Go on after a send has ended."""
        if self.viewer:
            self._fanout.resume_client(self.viewer)

    def abandon(self) -> None:
        """End this consumer without waiting for its client."""
        if self._task:
            self._task.cancel()

    def _leave(self) -> None:
        if self.viewer:
            self._fanout.remove_client(self.viewer)
            if isinstance(self.viewer.transport, SendOutlet):
                self.viewer.transport.stop()
            self.viewer = None
        if self._watch:
            self._watch.remove_socket(self)
            self._watch = None

    def _too_many(self) -> bool:
        now = time.monotonic()
        if now - self._window >= 1.0:
            self._window, self._count = now, 0
        self._count += 1
        return self._count > FRAMES_PER_SECOND


def _is_resync(text: str) -> bool:
    if '"resync"' not in text:
        return False  # not parsed: most of what is not ours
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(content, dict) and content.get("type") == "resync"
