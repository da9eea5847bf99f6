"""Daphne's server with direct sends, backpressure for clients that do not read, and clean closes.

Daphne 4.2 buffers without limit what a client does not read (django/daphne#170), and at SIGTERM it ends connections
without a close frame and without calling the consumers' `disconnect`.
"""

import asyncio
import functools
import logging
import os
import socket
from typing import Any

# Imported first, since it installs Twisted's asyncio reactor.
from daphne.server import HTTPFactory, Server  # isort: skip
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from django.conf import settings
from twisted.internet import defer, reactor
from twisted.internet.endpoints import AdoptedStreamServerEndpoint

from downloads.fanout.frames import Frames
from ytarchive.server.http.channel import build_http_channel
from ytarchive.server.http.response_stream import abort_streams, close_stream, open_stream, write_buffer_size
from ytarchive.server.limits.connection_registry import SWEEP_INTERVAL_SECONDS, ConnectionRegistry
from ytarchive.server.limits.descriptors import SparingListener, max_open_connections, raise_descriptor_limit
from ytarchive.server.limits.handshakes import HandshakeQueue
from ytarchive.server.limits.peers import plain_address
from ytarchive.server.limits.unread import abort_unread, report_refusals
from ytarchive.server.message_queue import MessageQueue
from ytarchive.server.websocket import ProgressWebSocket, close_websocket

logger = logging.getLogger(__name__)

CLOSE_SERVICE_RESTART = 1012  # IANA's registry of close codes (RFC 6455, 11.7)
DRAIN_TIMEOUT_SECONDS = 4.0  # for consumers to end at SIGTERM
# The kernel's buffer of one socket (SO_SNDBUF); small, so that a client that does not read is noticed soon.
SEND_BUFFER_BYTES = 64 * 1024


class DirectTransport:
    """Writer of encoded frames to one client's socket.

    It bypasses autobahn's work per frame and, while nothing is pending, Twisted's buffer, so that a frame costs
    one send(2).
    """

    __slots__ = ("_protocol",)

    def __init__(self, protocol: WebSocketProtocol) -> None:
        self._protocol = protocol

    def write_frames(self, frames: Frames) -> None:
        """Send what the socket accepts now, and buffer the rest."""
        protocol, data = self._protocol, frames.wire_bytes
        transport = protocol.transport
        if protocol.state != protocol.STATE_OPEN or transport is None or transport.disconnecting:
            return
        if not self.get_write_buffer_size():
            try:
                sent_bytes = transport.socket.send(data)
            except BlockingIOError:
                sent_bytes = 0
            except OSError:
                return  # the reactor gets the same error and ends the connection
            if sent_bytes == len(data):
                return
            data = data[sent_bytes:]
        # The hub sends nothing to a client with pending data (see fanout.client), so this is at most one frame.
        transport.write(data)

    def get_write_buffer_size(self) -> int:
        """Return the number of bytes that wait in Twisted's buffer."""
        return write_buffer_size(self._protocol.transport)

    def abort_connection(self) -> None:
        """Abort the connection without a close frame, which would wait behind the pending data."""
        if self._protocol.transport is not None:
            self._protocol.transport.abortConnection()


class ProgressServer(Server):
    """The server of `manage.py web`."""

    is_stopping = False
    endpoints: list[str]
    connection_registry: ConnectionRegistry
    handshakes: HandshakeQueue

    def run(self) -> None:
        """Serve until SIGTERM or Ctrl-C."""
        HTTPFactory.protocol = build_http_channel
        WebSocketFactory.protocol = ProgressWebSocket
        max_connections = min(settings.MAX_CONNECTIONS, max_open_connections(raise_descriptor_limit()))
        self.connection_registry = ConnectionRegistry(max_connections, settings.MAX_CONNECTIONS_PER_CLIENT)
        self.handshakes = HandshakeQueue()
        self._sweep_later()
        # Called when the factory is made. Daphne's own endpoints take every inherited socket for IPv4, and read the
        # addresses of IPv6 clients wrong.
        self.ready_callable = functools.partial(self._listen, self.endpoints)
        self.endpoints = []
        super().run()

    def _listen(self, descriptions: list[str]) -> None:
        """Listen on inherited sockets, each described as `fd:fileno=<n>`."""
        for description in descriptions:
            fd = int(description.removeprefix("fd:fileno="))
            with socket.socket(fileno=os.dup(fd)) as listener:
                endpoint = AdoptedStreamServerEndpoint(reactor, fd, listener.family)
            listening = endpoint.listen(self.http_factory)
            listening.addCallback(_spare_descriptor)
            listening.addCallbacks(self.listen_success, self.listen_error)
            self.listeners.append(listening)

    def _sweep_later(self) -> None:
        clock: Any = reactor
        clock.callLater(SWEEP_INTERVAL_SECONDS, self._sweep)

    def _sweep(self) -> None:
        """End what takes too long, again and again."""
        try:
            self.connection_registry.sweep()
            abort_unread(self.connection_registry)
            report_refusals()
        except Exception:
            logger.exception("Connections could not be checked")
        self._sweep_later()

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        """Create the application of a request or WebSocket, the latter with a DirectTransport in its scope.

        While the server stops, it creates none: an application that started then, on a kept-alive connection, would
        outlive the event loop, with its thread waiting for ever.
        """
        # Daphne takes it from the client's header Daphne-Root-Path, and Django would begin every URL with it, those
        # that are cached for all visitors too.
        scope["root_path"] = ""
        if scope["client"]:
            scope["client"] = [plain_address(scope["client"][0]), scope["client"][1]]
        if scope["server"]:
            # The host of requests without a Host header (HTTP/1.0), as in a URL.
            address = plain_address(scope["server"][0])
            scope["server"] = [f"[{address}]" if ":" in address else address, scope["server"][1]]
        if self.is_stopping:
            if scope["type"] == "http":
                protocol.basic_error(503, b"Service Unavailable", "The server is just stopping. Try again soon.")
            else:
                protocol.transport.abortConnection()
            return asyncio.Queue()  # never read
        if scope["type"] == "websocket":
            self._prepare_socket(protocol)
            scope.setdefault("extensions", {})["ytarchive.transport"] = DirectTransport(protocol)
            return self._create_websocket_application(protocol, scope)
        return super().create_application(protocol, scope)

    def _create_websocket_application(self, protocol: Any, scope: dict[str, Any]) -> MessageQueue | None:
        """Do as Daphne does, with a queue that takes less memory."""
        queue = MessageQueue()
        scope.setdefault("asgi", {"version": "3.0"})
        send = functools.partial(self.handle_reply, protocol)
        application = self.application(scope=scope, receive=queue.get, send=send)
        if protocol not in self.connections:
            return None
        self.connections[protocol]["application_instance"] = asyncio.ensure_future(application)
        return queue

    @staticmethod
    def _prepare_socket(protocol: Any) -> None:
        transport = protocol.transport
        if isinstance(getattr(transport, "socket", None), socket.socket):
            transport.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        # Until the handshake ends, incoming data stays in the kernel's buffer; autobahn would collect it without limit.
        # Scheduled, since Daphne resumes reading after this call, when it has passed the handshake on.
        asyncio.get_running_loop().call_soon(_pause_reading, protocol)

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        """Send an application's message; unlike autobahn's, a close may have any code of RFC 6455."""
        if not isinstance(protocol, WebSocketProtocol):
            await self._send_response(protocol, message)
        elif protocol.state == protocol.STATE_CONNECTING:
            await super().handle_reply(protocol, message)
            protocol.transport.resumeProducing()
        elif protocol.state != protocol.STATE_OPEN:
            return  # closing or closed: autobahn would raise in the consumer
        elif message["type"] == "websocket.close":
            close_websocket(protocol, message.get("code") or 1000)
        else:
            await super().handle_reply(protocol, message)

    async def _send_response(self, request: Any, message: dict[str, Any]) -> None:
        """Send a part of a response; of a streamed one, return when the socket took it or the connection is lost."""
        stream = open_stream(request) if message.get("more_body") else None
        is_last_part = message["type"] == "http.response.body" and stream is None
        if is_last_part and not close_stream(request, message.get("body", b"")):
            return
        await super().handle_reply(request, message)
        if stream:
            await stream.drain()

    def kill_all_applications(self) -> Any:
        """Stop listening, close every WebSocket with 1012, let each `disconnect` run, and cancel what remains."""
        self.is_stopping = True
        for listener in self.listeners:
            listener.addCallback(lambda port: port.stopListening())
        for protocol in list(self.connections):
            if isinstance(protocol, WebSocketProtocol) and protocol.state == protocol.STATE_OPEN:
                close_websocket(protocol, CLOSE_SERVICE_RESTART)
        return defer.Deferred.fromFuture(asyncio.ensure_future(_drain_connections(self.connections)))


def _spare_descriptor(port: Any) -> Any:
    """Let a listening port refuse connections while no file descriptor is left."""
    port.socket = SparingListener(fileno=port.socket.detach())
    port.fileno = port.socket.fileno
    return port


async def _drain_connections(connections: dict[Any, dict[str, Any]]) -> None:
    """Wait until every application has ended and every close frame is answered or has timed out (autobahn: 1 s).

    Applications that run longer than DRAIN_TIMEOUT_SECONDS are cancelled.
    """
    loop = asyncio.get_running_loop()
    applications = [
        application for details in connections.values() if (application := details.get("application_instance"))
    ]
    closes = [protocol.is_closed.asFuture(loop) for protocol in connections if isinstance(protocol, WebSocketProtocol)]
    if applications or closes:
        await asyncio.wait([*applications, *closes], timeout=DRAIN_TIMEOUT_SECONDS)
    pending = [application for application in applications if not application.done()]
    if pending:
        logger.warning("%d requests did not end within %s s, cancelling them", len(pending), DRAIN_TIMEOUT_SECONDS)
        # Django ends the tasks of a request when its connection is lost, and leaves them behind when it is cancelled.
        abort_streams(connections)
        await asyncio.wait(pending, timeout=1)
    for application in pending:
        application.cancel()


def _pause_reading(protocol: Any) -> None:
    if protocol.state == protocol.STATE_CONNECTING:
        protocol.transport.pauseProducing()
