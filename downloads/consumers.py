"""WebSocket consumer of the pages: refuse, join, snapshot, forward."""

import asyncio
import json
import logging
import time
from collections.abc import Hashable
from typing import Any

from channels.consumer import get_handler_name
from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.contrib.auth.models import AnonymousUser

from downloads.accounts import permissions, session_monitor
from downloads.fanout import hub
from downloads.fanout.frames import V1, V2, Frames, encode_cards_frame
from downloads.library.pushed_cards import ViewerRole, render_cards
from downloads.progress.counters import FRAMES_IGNORED
from downloads.progress.keys import PROGRESS_GROUP, SUBPROTOCOL

logger = logging.getLogger(__name__)

MAX_TEXT_BYTES = 1024
MAX_FRAMES_PER_SECOND = 20
# Close codes of RFC 6455, section 7.4.1.
CLOSE_UNSUPPORTED_DATA, CLOSE_POLICY_VIOLATION, CLOSE_MESSAGE_TOO_BIG = 1003, 1008, 1009


class ConsumerTransport:
    """Transport through the consumer's own `send`, for servers without a DirectTransport."""

    def __init__(self, consumer: "ProgressConsumer") -> None:
        self._consumer = consumer
        self._send_task: asyncio.Task[None] | None = None

    def write_frames(self, frames: Frames) -> None:
        self._send_task = asyncio.create_task(self._send_frames(frames, self._send_task))

    async def _send_frames(self, frames: Frames, previous_send: asyncio.Task[None] | None) -> None:
        if previous_send:
            await previous_send
        for text in frames.texts:
            await self._consumer.send(text_data=text)
        self._send_task = None
        self._consumer.resume_sending()

    def get_write_buffer_size(self) -> int:
        return int(self._send_task is not None)

    def abort_connection(self) -> None:
        self.cancel_send()
        self._consumer.cancel_task()

    def cancel_send(self) -> None:
        if self._send_task:
            self._send_task.cancel()


class ProgressConsumer(AsyncJsonWebsocketConsumer):
    """One client of `/ws/progress`, with or without the batch subprotocol."""

    client: hub.Client | None = None
    _session_monitor: session_monitor.SessionMonitor | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self._task = asyncio.current_task()
        self._rate_window_start, self._frames_in_window = 0.0, 0
        try:
            await super().__call__(scope, receive, send)
        finally:
            # Also after an error or a cancellation, which skip `disconnect`.
            self._leave_hub_and_monitor()

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Call the handler, without closing old database connections first, as Channels does.

        This consumer has none, and that call runs in the one thread that all consumers of a process
        share: it is half the cost of a message, and a slow query anywhere would delay every client.
        """
        await getattr(self, get_handler_name(message))(message)

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        """Disconnect and end, again without the database's thread."""
        await self.disconnect(message["code"])
        raise StopConsumer

    async def connect(self) -> None:
        """Accept users with view access, join the group, and only then request the snapshot."""
        # Without the session middleware (Channels' WebsocketCommunicator in tests) there is no user.
        if not permissions.can_view(self.scope.get("user") or AnonymousUser()):
            await self.close()
            return
        protocol = V2 if SUBPROTOCOL in self.scope.get("subprotocols", ()) else V1
        await self.accept(SUBPROTOCOL if protocol is V2 else None)
        await self.channel_layer.group_add(PROGRESS_GROUP, self.channel_name)
        transport = self.scope.get("extensions", {}).get("ytarchive.transport") or ConsumerTransport(self)
        self._hub = hub.get_hub(self.channel_layer)
        self.client = self._hub.add_client(transport, protocol=protocol)
        if session := self.scope.get("session"):
            self._session_monitor = session_monitor.get_session_monitor()
            self._session_monitor.add_socket(self, session.session_key)

    async def disconnect(self, code: int) -> None:
        """Leave the group."""
        self._leave_hub_and_monitor()
        await self.channel_layer.group_discard(PROGRESS_GROUP, self.channel_name)

    async def progress_batch(self, event: dict[str, Any]) -> None:
        """Pass the group's batches to the hub, where the channel layer does not call the hub itself."""
        self._hub.receive_batch(event)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None, **kwargs: Any) -> None:
        """Answer `ping` and the requests of pages; ignore unknown text, and close on binary, too long or too many."""
        if self._exceeds_frame_rate():
            await self.close(CLOSE_POLICY_VIOLATION)
        elif text_data is None:
            await self.close(CLOSE_UNSUPPORTED_DATA)
        elif len(text_data) > MAX_TEXT_BYTES or len(text_data.encode()) > MAX_TEXT_BYTES:
            await self.close(CLOSE_MESSAGE_TOO_BIG)
        elif text_data == "ping":
            await self.send(text_data="pong")
        else:
            self._receive_request(_parse_request(text_data))

    def _receive_request(self, request: dict[str, Any]) -> None:
        if request.get("type") == "resync" and self.client:
            self._hub.resync_client(self.client)
        elif request.get("type") == "cards" and self.client:
            self._hub.subscribe_to_cards(self.client, _parse_role(request.get("can")), _render_cards)
        else:
            self._hub.counters.counts[FRAMES_IGNORED] += 1

    def resume_sending(self) -> None:
        """Send what the client missed while its transport was busy."""
        if self.client:
            self._hub.resume_client(self.client)

    def cancel_task(self) -> None:
        """Cancel this consumer without waiting for its client."""
        if self._task:
            self._task.cancel()

    def _leave_hub_and_monitor(self) -> None:
        if self.client:
            self._hub.remove_client(self.client)
            if isinstance(self.client.transport, ConsumerTransport):
                self.client.transport.cancel_send()
            self.client = None
        if self._session_monitor:
            self._session_monitor.remove_socket(self)
            self._session_monitor = None

    def _exceeds_frame_rate(self) -> bool:
        now = time.monotonic()
        if now - self._rate_window_start >= 1.0:
            self._rate_window_start, self._frames_in_window = now, 0
        self._frames_in_window += 1
        return self._frames_in_window > MAX_FRAMES_PER_SECOND


def _parse_request(text: str) -> dict[str, Any]:
    """Return the object of a client's request; empty for any other text."""
    if '"resync"' not in text and '"cards"' not in text:
        return {}  # saves the parsing of most unknown text
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _parse_role(words: object) -> ViewerRole:
    """Return the role that a page was rendered for; what is unknown is left out."""
    can = words.split() if isinstance(words, str) else []
    return ViewerRole(is_signed_in="watch" in can, can_change="change" in can, can_delete="delete" in can)


async def _render_cards(roles: frozenset[Any], ids: list[str]) -> dict[Hashable, str]:
    rendered = await database_sync_to_async(render_cards)(roles, ids)
    return {role: encode_cards_frame(*cards) for role, cards in rendered.items()}
