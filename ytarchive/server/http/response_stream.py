"""Backpressure for streamed HTTP responses, and the end of connections that no longer take any data.

Daphne 4.2 buffers without limit what a client does not read (django/daphne#170). Here a response is a push producer
of Twisted: the transport pauses it while data wait for the socket, and the ASGI application waits in its `send`.
"""

import asyncio
import fcntl
import logging
import socket
import struct
import termios
from collections.abc import Iterable
from typing import Any

from twisted.internet import interfaces
from zope.interface import implementer

logger = logging.getLogger(__name__)

# A client that takes nothing for so long is disconnected; a paused player or download may go on within it.
STALLED_RESPONSE_TIMEOUT_SECONDS = 300.0
STALL_CHECK_INTERVAL_SECONDS = 1.0


@implementer(interfaces.IPushProducer)
class ResponseStream:
    """The producer of one response's body, registered with its connection until `close`.

    At most one message of the application waits in Twisted's buffer: `drain` returns once the socket took all of it.
    """

    def __init__(self, request: Any) -> None:
        self._request = request
        self._transport = request.channel.transport
        self._is_drained = asyncio.Event()
        self._is_drained.set()
        self._default_buffer_size = self._transport.bufferSize
        # The size above which the transport calls pauseProducing; it calls resumeProducing when its buffer is empty.
        self._transport.bufferSize = 0
        request.registerProducer(self, True)

    # Called by Twisted ------------------------------------------------------------------------------

    def pauseProducing(self) -> None:  # noqa: N802
        """Have `drain` wait."""
        self._is_drained.clear()

    def resumeProducing(self) -> None:  # noqa: N802
        """End the wait: the buffer is empty."""
        self._is_drained.set()

    def stopProducing(self) -> None:  # noqa: N802
        """End the wait: the connection is lost."""
        self._is_drained.set()

    # Called by the server ---------------------------------------------------------------------------

    async def drain(self) -> None:
        """Wait until the socket took what was written; abort the connection of a client that takes nothing."""
        loop = asyncio.get_running_loop()
        least_unsent_bytes, last_progress_at = self._unsent_bytes(), loop.time()
        while not self._is_drained.is_set():
            try:
                async with asyncio.timeout(STALL_CHECK_INTERVAL_SECONDS):
                    await self._is_drained.wait()
            except TimeoutError:
                unsent_bytes = self._unsent_bytes()
                if unsent_bytes < least_unsent_bytes:
                    least_unsent_bytes, last_progress_at = unsent_bytes, loop.time()
                elif loop.time() - last_progress_at > STALLED_RESPONSE_TIMEOUT_SECONDS:
                    self._abort_stalled()
                    return

    def close(self) -> None:
        """Release the connection for the next response."""
        self._transport.bufferSize = self._default_buffer_size
        self._request.unregisterProducer()

    def _abort_stalled(self) -> None:
        logger.info(
            "Disconnected a client that took nothing of %s for %d s",
            self._request.path.decode("ascii", "replace"),
            STALLED_RESPONSE_TIMEOUT_SECONDS,
        )
        self._transport.abortConnection()

    def _unsent_bytes(self) -> int:
        """Return the bytes that wait in Twisted's buffer or, sent or not, for the client's acknowledgement."""
        return write_buffer_size(self._transport) + _unacknowledged_bytes(self._transport)


def write_buffer_size(transport: Any) -> int:
    """Return the number of bytes that wait in Twisted's buffer, since the socket did not accept them."""
    return 0 if transport is None else len(transport.dataBuffer) - transport.offset + transport._tempDataLen


def _unacknowledged_bytes(transport: Any) -> int:
    """Return the size of the kernel's send queue (SIOCOUTQ, tcp(7)); 0 where it is not to be had."""
    connection = getattr(transport, "socket", None)
    if not isinstance(connection, socket.socket):
        return 0
    try:
        return int(struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)))[0])
    except OSError:  # closed, or a system without this call
        return 0


def open_stream(request: Any) -> ResponseStream | None:
    """Return the stream of a response, opened with its first part; None if the connection is lost."""
    if request.channel is None or request.finished:
        return None
    stream: ResponseStream = request.producer or ResponseStream(request)
    return stream


def close_stream(request: Any, last_part: bytes) -> bool:
    """Close the stream of a response, if it has one, before its last part; return whether that may be sent.

    The connection of a response that ends before its Content-Length is aborted, since the client would wait for the
    rest, or take the next response for it.
    """
    if request.channel is None:
        return False
    if isinstance(request.producer, ResponseStream):
        request.producer.close()
    announced = request.responseHeaders.getRawHeaders(b"content-length")
    if request.method == b"HEAD" or not announced or request.sentLength + len(last_part) >= int(announced[0]):
        return True
    request.channel.transport.abortConnection()
    return False


def abort_streams(connections: Iterable[Any]) -> None:
    """Abort the connections of the responses that are being streamed."""
    for connection in list(connections):
        if isinstance(getattr(connection, "producer", None), ResponseStream) and connection.channel is not None:
            connection.channel.transport.abortConnection()
