"""Daphne's server with three things that it lacks: direct sends, a limit for clients that do not read, clean closes.

Daphne 4.2 never holds back what a client does not take (django/daphne#170), and at SIGTERM it ends
connections without a close frame and without the consumers' `disconnect`.
"""

import asyncio
import logging
import socket
import time
from typing import Any

# First: it installs Twisted's asyncio reactor.
from daphne.server import Server  # isort: skip
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet import defer

from downloads.fanout.frames import Frames

logger = logging.getLogger(__name__)

CLOSE_POLICY_VIOLATION = 1008
CLOSE_SERVICE_RESTART = 1012  # RFC 6455's registry of close codes
DRAIN_TIMEOUT_SECONDS = 4.0  # seconds for consumers to end at SIGTERM
MAX_PINGS_PER_SECOND = 20  # of the protocol's own; each is answered
MAX_WRITE_BUFFER_BYTES = 512 * 1024  # bytes of a streamed response that wait for their client
STALLED_RESPONSE_TIMEOUT_SECONDS = (
    120.0  # seconds in which a client of a streamed response takes nothing: a paused player
)
WRITE_BUFFER_POLL_SECONDS = 0.02
# What the kernel keeps for one socket: little, so that a client that does not read is seen soon.
SEND_BUFFER_BYTES = 64 * 1024


class DirectTransport:
    """Writes frames that are encoded already to one client's transport.

    It passes by autobahn's per-frame work and, as long as nothing is pending, Twisted's buffer:
    a frame then costs one send(2).
    """

    __slots__ = ("_protocol",)

    def __init__(self, protocol: WebSocketProtocol) -> None:
        self._protocol = protocol

    def write_frames(self, frames: Frames) -> None:
        """Send now what the socket takes, the rest when it can."""
        protocol, data = self._protocol, frames.wire_bytes
        transport = protocol.transport
        if protocol.state != protocol.STATE_OPEN or transport is None or transport.disconnecting:
            return
        if not self.get_write_buffer_size():
            try:
                taken = transport.socket.send(data)
            except BlockingIOError:
                taken = 0
            except OSError:
                return  # the reactor finds the same and ends the connection
            if taken == len(data):
                return
            data = data[taken:]
        # Whoever has something pending is sent nothing more (see Viewer), so this is one frame at most.
        transport.write(data)

    def get_write_buffer_size(self) -> int:
        """Return the bytes that Twisted holds because the socket did not take them."""
        return write_buffer_size(self._protocol.transport)

    def abort_connection(self) -> None:
        """End the connection at once: a close frame would only wait behind the rest."""
        if self._protocol.transport is not None:
            self._protocol.transport.abortConnection()


class PingRateLimiter:
    """Answers the protocol's pings, so many a second: whoever sends more does not read the answers either."""

    __slots__ = ("_pings_in_window", "_protocol", "_window_start")

    def __init__(self, protocol: WebSocketProtocol) -> None:
        self._protocol = protocol
        self._window_start = 0.0
        self._pings_in_window = 0

    def __call__(self, payload: bytes) -> None:
        """Take the place of autobahn's `onPing`."""
        now = time.monotonic()
        if now - self._window_start >= 1.0:
            self._window_start, self._pings_in_window = now, 0
        self._pings_in_window += 1
        if self._protocol.state != self._protocol.STATE_OPEN:
            return
        if self._pings_in_window > MAX_PINGS_PER_SECOND:
            close_websocket(self._protocol, CLOSE_POLICY_VIOLATION)
        else:
            self._protocol.sendPong(payload)


class ProgressServer(Server):
    """The server of `manage.py web`."""

    stopping = False

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        """Give a WebSocket's application its direct outlet; begin nothing any more while the server stops.

        What began then, on a connection that was kept, would be left behind by the loop, its thread waiting for ever.
        """
        if self.stopping:
            if scope["type"] == "http":
                protocol.basic_error(503, b"Service Unavailable", "The server is just stopping. Try again soon.")
            else:
                protocol.transport.abortConnection()
            return asyncio.Queue()  # that nobody reads
        if scope["type"] == "websocket":
            self._prepare_socket(protocol)
            scope.setdefault("extensions", {})["ytarchive.transport"] = DirectTransport(protocol)
        return super().create_application(protocol, scope)

    @staticmethod
    def _prepare_socket(protocol: Any) -> None:
        transport = protocol.transport
        if isinstance(getattr(transport, "socket", None), socket.socket):
            transport.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        protocol.onPing = PingRateLimiter(protocol)
        # What comes before the handshake has ended waits in the kernel, not in one heap for autobahn to cut up.
        # Daphne resumes when it has passed the handshake on, so a moment later.
        asyncio.get_running_loop().call_soon(_pause_reading, protocol)

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        """Pass an application's message on; close with any code of RFC 6455, which autobahn refuses."""
        if not isinstance(protocol, WebSocketProtocol):
            await super().handle_reply(protocol, message)
            if message.get("more_body"):
                await _apply_backpressure(protocol)
        elif protocol.state == protocol.STATE_CONNECTING:
            await super().handle_reply(protocol, message)
            protocol.transport.resumeProducing()
        elif protocol.state != protocol.STATE_OPEN:
            return  # closing or closed meanwhile: autobahn would raise into the consumer
        elif message["type"] == "websocket.close":
            close_websocket(protocol, message.get("code") or 1000)
        else:
            await super().handle_reply(protocol, message)

    def kill_all_applications(self) -> Any:
        """Begin nothing more, close every socket with 1012, let each `disconnect` run, cancel what is left."""
        self.stopping = True
        for listener in self.listeners:
            listener.addCallback(lambda port: port.stopListening())
        for protocol in list(self.connections):
            if isinstance(protocol, WebSocketProtocol) and protocol.state == protocol.STATE_OPEN:
                close_websocket(protocol, CLOSE_SERVICE_RESTART)
        return defer.Deferred.fromFuture(asyncio.ensure_future(_drain_connections(self.connections)))


async def _apply_backpressure(request: Any) -> None:
    """Hold a streamed response back until the client has taken most of it; end one that takes nothing for long."""
    loop = asyncio.get_running_loop()
    least, since = None, loop.time()
    while (
        request.channel is not None and (left := write_buffer_size(request.channel.transport)) > MAX_WRITE_BUFFER_BYTES
    ):
        if least is None or left < least:
            least, since = left, loop.time()
        elif loop.time() - since > STALLED_RESPONSE_TIMEOUT_SECONDS:
            request.channel.abortConnection()
            return
        await asyncio.sleep(WRITE_BUFFER_POLL_SECONDS)


def write_buffer_size(transport: Any) -> int:
    """Return the bytes that Twisted holds because the socket did not take them."""
    return 0 if transport is None else len(transport.dataBuffer) - transport.offset + transport._tempDataLen


async def _drain_connections(connections: dict[Any, dict[str, Any]]) -> None:
    """Wait until every application has ended and every close frame is answered (or autobahn's second is over)."""
    loop = asyncio.get_running_loop()
    applications = [found for details in connections.values() if (found := details.get("application_instance"))]
    closes = [found.is_closed.asFuture(loop) for found in connections if isinstance(found, WebSocketProtocol)]
    if applications or closes:
        await asyncio.wait([*applications, *closes], timeout=DRAIN_TIMEOUT_SECONDS)
    pending = [application for application in applications if not application.done()]
    if pending:
        logger.warning("%d requests did not end within %s s and were cut", len(pending), DRAIN_TIMEOUT_SECONDS)
        for application in pending:
            application.cancel()
        await asyncio.wait(pending, timeout=1)


def _pause_reading(protocol: Any) -> None:
    if protocol.state == protocol.STATE_CONNECTING:
        protocol.transport.pauseProducing()


def close_websocket(protocol: Any, code: int) -> None:
    """Send a close frame with any code of RFC 6455, read nothing more, and let the consumer disconnect."""
    protocol.muted = True  # its queue cannot grow any more
    protocol.data = b""  # nor is what has come already worth a look
    protocol.sendCloseFrame(code=code, isReply=False)
    protocol.application_queue.put_nowait({"type": "websocket.disconnect", "code": code})
