"""WebSocket connections with limits: frames are counted where they begin, and refusals say nothing about exceptions."""

from typing import Any

import daphne.server  # noqa: F401  # first, since it installs Twisted's asyncio reactor
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet import interfaces
from zope.interface import implementer

from ytarchive.server.limits.answers import TEXTS, build_answer, count_refusal
from ytarchive.server.limits.connection import Connection
from ytarchive.server.limits.connection_registry import ConnectionRegistry
from ytarchive.server.limits.frames import FrameLimiter

CLOSE_POLICY_VIOLATION, CLOSE_MESSAGE_TOO_BIG = 1008, 1009
LINGER_SECONDS = 5
MAX_MESSAGE_BYTES = 4096  # the consumer refuses more than 1,024 with 1009, and autobahn what it need not collect


@implementer(interfaces.IPushProducer)
class ReadPauser:
    """Producer of what a WebSocket sends: of a client that does not read nothing more is read."""

    __slots__ = ("_transport",)

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    def pauseProducing(self) -> None:
        """Stop reading."""
        self._transport.pauseProducing()

    def resumeProducing(self) -> None:
        """Read again."""
        self._transport.resumeProducing()

    def stopProducing(self) -> None:
        """Do nothing: the connection is gone."""


class ProgressWebSocket(WebSocketProtocol):
    """One WebSocket."""

    transport: Any
    factory: Any
    connection: Connection | None = None
    _frame_limiter: FrameLimiter | None = None
    _is_dropping = False

    def connectionMade(self) -> None:
        """Take the connection over from HTTP, and limit its frames from now on."""
        super().connectionMade()
        # In place of the HTTP channel, which holds the request and all that belongs to it.
        self.transport.unregisterProducer()
        self.transport.registerProducer(ReadPauser(self.transport), True)
        # autobahn's own limits; those of the factory are Daphne's.
        self.maxMessagePayloadSize = self.maxFramePayloadSize = MAX_MESSAGE_BYTES
        registry: ConnectionRegistry = self.factory.server_class.connection_registry
        self.connection, registry.upgrading = registry.upgrading, None
        if self.connection is not None:
            self.connection.channel.release_request()
            self._frame_limiter = FrameLimiter(self.connection.usage)

    def connectionLost(self, reason: Any) -> None:
        """Forget the connection."""
        if self.connection is not None:
            self.factory.server_class.connection_registry.remove(self.connection)
        super().connectionLost(reason)

    def dataReceived(self, data: bytes) -> None:
        """Read frames, unless the client was closed for a flood."""
        if not self._is_dropping:
            super().dataReceived(data)

    def onFrameBegin(self) -> None:
        """Begin a frame, or close the client that sends too many."""
        limiter = self._frame_limiter
        if limiter is not None and not limiter.allows(self.current_frame.opcode):
            self._close_flood()
        super().onFrameBegin()

    def _close_flood(self) -> None:
        if self.state == self.STATE_OPEN and not self._is_dropping:
            count_refusal(CLOSE_POLICY_VIOLATION, self.connection.usage.label if self.connection else "")
        self._close_and_drop(CLOSE_POLICY_VIOLATION)

    def _max_message_size_exceeded(self, msg_size: int, max_msg_size: int, reason: str) -> None:
        # autobahn would cut the connection without a code.
        self._close_and_drop(CLOSE_MESSAGE_TOO_BIG)

    def _close_and_drop(self, code: int) -> None:
        """Close, and drop what still comes for LINGER_SECONDS, in which the client can read the code."""
        if self.state == self.STATE_OPEN and not self._is_dropping:
            self.closeHandshakeTimeout = LINGER_SECONDS
            close_websocket(self, code)
            self.transport.loseWriteConnection()
        self._is_dropping = True
        self.data = b""

    def onPing(self, payload: bytes) -> None:
        """Answer a ping."""
        if self.state == self.STATE_OPEN and not self._is_dropping:
            self.sendPong(payload)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Pass a message on, unless the client is being closed."""
        if not self._is_dropping:
            super().onMessage(payload, isBinary)

    def sendHttpErrorResponse(self, code: int, reason: str, responseHeaders: Any = None) -> None:
        """Answer a handshake that failed, without the reason, which may quote the client or an exception."""
        status = code if code in TEXTS else 400
        peer = self.connection.usage.label if self.connection else ""
        if status != 403:  # explained by request_checks
            count_refusal(status, peer)
        self.sendData(build_answer(status))


def close_websocket(protocol: Any, code: int) -> None:
    """Send a close frame with any code of RFC 6455, and call the consumer's `disconnect`."""
    protocol.muted = True  # Daphne queues no further messages for the consumer
    protocol.data = b""  # drop the data that was received and not parsed yet
    protocol.sendCloseFrame(code=code, isReply=False)
    protocol.application_queue.put_nowait({"type": "websocket.disconnect", "code": code})
