"""HTTP connections with limits, whose clients are told why a request was not read.

Twisted waits a minute for a head, cuts a header line that is too long without a status, and answers 400 without words
to other bad requests.
"""

from typing import Any

from twisted.internet.protocol import connectionDone
from twisted.web import http
from twisted.web._abnf import _istoken

from downloads.accounts.client_address import find_client_address
from ytarchive.server.http.request import ProgressRequest
from ytarchive.server.limits.answers import MAX_HEADER_BYTES, MAX_HEADERS, build_answer, count_refusal
from ytarchive.server.limits.bodies import MAX_CONTENT_LENGTH_DIGITS, BodyMeter, max_body_bytes
from ytarchive.server.limits.connection import Connection
from ytarchive.server.limits.connection_registry import ConnectionRegistry
from ytarchive.server.limits.peers import accepted_address, limit_send_buffer, plain_address, send_rest_and_close
from ytarchive.server.limits.requests import find_head_problem, is_health_check

# After the answer, what is still being sent is read and dropped for so long: closing at once would reset the
# connection, and the client would lose the answer (RFC 9112, 9.6).
LINGER_SECONDS = 5
MAX_DROPPED_BYTES = 64 * 1024 * 1024


class ExplainingHTTPChannel(http.HTTPChannel):
    """One connection; a request that is not read is answered in words, and logged."""

    MAX_LENGTH = totalHeadersSize = MAX_HEADER_BYTES
    maxHeaders = MAX_HEADERS
    transport: Any
    factory: Any
    connection: Connection
    _path: Any
    _networkProducer: Any
    _is_refusing = False
    _is_first_byte = True
    _is_postponed = False
    _dropped_bytes = _pipelined_bytes = 0

    # The connection ---------------------------------------------------------------------------------

    @property
    def registry(self) -> ConnectionRegistry:
        """The registry of this process' connections."""
        registry: ConnectionRegistry = self.factory.server.connection_registry
        return registry

    def connectionMade(self) -> None:
        """Register the connection."""
        self.requestFactory = ProgressRequest
        limit_send_buffer(self.transport)
        self.connection = self.registry.add(self, accepted_address(self._peer_address()))
        super().connectionMade()

    def connectionLost(self, reason: Any = connectionDone) -> None:
        """Forget the connection."""
        self.registry.remove(self.connection)
        super().connectionLost(reason)

    def dataReceived(self, data: bytes) -> None:
        """Read a part of a request; anything but a method's first letter is refused at once, such as TLS."""
        if self._is_refusing:
            self._drop(len(data))
            return
        self.registry.begin_head(self.connection)
        if self._is_first_byte:
            self._is_first_byte = False
            if data[:1] not in b"\r\n" and not _istoken(data[:1]):
                self.refuse(400)
                return
        super().dataReceived(data)

    # The head ---------------------------------------------------------------------------------------

    def lineReceived(self, line: bytes) -> None:
        """Read a line of the request's head, unless it is too long with it."""
        if self._receivedHeaderSize + len(line) > self.totalHeadersSize:
            self.refuse(431 if self._receivedHeaderSize else 414)
        else:
            super().lineReceived(line)

    def lineLengthExceeded(self, line: bytes) -> None:
        """Refuse a line that is too long."""
        self.refuse(431 if self._receivedHeaderSize else 414)

    def headerReceived(self, line: bytes) -> bool:
        """Store a header field; return False if there are too many or it is not valid."""
        if self._receivedHeaderCount >= self.maxHeaders:
            self.refuse(431)
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length" and len(value.strip()) > MAX_CONTENT_LENGTH_DIGITS:
            self.refuse(413 if value.strip().isdigit() else 400)
        if name.lower() == b"transfer-encoding" and value.strip(b" \t").lower() != b"chunked":
            self.refuse(400)
        # A refused head is not read further: its remaining lines must not become a request.
        return not self._is_refusing and bool(super().headerReceived(line))

    def allHeadersReceived(self) -> None:
        """Continue with the body, unless the head is refused."""
        if self._is_refusing:
            return
        status = self._check_head()
        if status:
            self.refuse(status)
            return
        super().allHeadersReceived()
        if self.connection.over_limit_status:
            self.persistent = 0

    def _check_head(self) -> int:
        """Return the status with which this request is refused, 0 for none."""
        request = self.requests[-1]
        status = find_head_problem(request.requestHeaders, self._version)
        if status:
            return status
        max_bytes = 0 if self.length == 0 else max_body_bytes(self._path)  # most requests have no body
        body = None if self.length == 0 else BodyMeter(max_bytes)
        status = self.registry.begin_request(self.connection, self._forwarded_address(request), body)
        if status and not is_health_check(self._path):
            return status
        return 413 if (self.length or 0) > max_bytes else 0

    def _forwarded_address(self, request: Any) -> str:
        """Return the client's address, "" where it is that of the connection."""
        if self.connection.accepted_for.address:
            return ""
        forwarded = b",".join(request.requestHeaders.getRawHeaders(b"x-forwarded-for", []))
        return find_client_address(forwarded.decode("latin1"), self._peer_address())

    # The body ---------------------------------------------------------------------------------------

    def rawDataReceived(self, data: bytes) -> None:
        """Read a part of the body, unless it is too much; or keep a little of the requests that follow."""
        if self._handlingRequest:
            self._keep_pipelined(data)
            return
        if status := self.registry.add_body_bytes(self.connection, len(data)):
            self.refuse(status)
        if not self._is_refusing:
            super().rawDataReceived(data)

    def allContentReceived(self) -> None:
        """Answer the request, unless its body was refused."""
        if self._is_refusing:
            return
        self.registry.end_body(self.connection)
        super().allContentReceived()

    # Requests that follow ---------------------------------------------------------------------------

    def _keep_pipelined(self, data: bytes) -> None:
        # Twisted would go on reading while the response waits for the client, without limit.
        self._dataBuffer.append(data)
        self._pipelined_bytes += len(data)
        if self._pipelined_bytes > self._optimisticEagerReadSize:
            self._networkProducer.pauseProducing()

    def requestDone(self, request: Any) -> None:
        """Wait for the next request."""
        self.registry.end_request(self.connection)
        super().requestDone(request)

    def setLineMode(self, extra: bytes = b"") -> None:
        """Begin the next request, once the client has taken the last response.

        Otherwise the responses to many small requests would wait in memory.
        """
        if self._waitingForTransport:
            self._handlingRequest = self._is_postponed = True
            self._dataBuffer = [extra]
            return
        self._pipelined_bytes = 0
        super().setLineMode(extra)

    def resumeProducing(self) -> None:
        """Go on: the client has taken what was sent."""
        super().resumeProducing()
        if self._is_postponed:
            self._handlingRequest = self._is_postponed = False
            data, self._dataBuffer = b"".join(self._dataBuffer), []
            self._networkProducer.resumeProducing()
            self.setLineMode(data)

    # Refusals ---------------------------------------------------------------------------------------

    def _respondToBadRequestAndDisconnect(self) -> None:
        self.refuse(400)

    def refuse(self, status: int) -> None:
        """Answer with this status instead of reading on, and close."""
        if self._is_refusing:
            return
        self._is_refusing = True
        count_refusal(status, self.connection.usage.label or self._peer_address())
        self.registry.linger(self.connection)
        for request in self.requests:
            request.drop_content()
        is_head_request = getattr(self, "_command", b"") == b"HEAD"
        self.transport.write(build_answer(status, with_body=not is_head_request))
        # Nothing of this connection is read as a request any more.
        for name in ("lineReceived", "rawDataReceived"):
            setattr(self, name, _ignore)
        self.clearLineBuffer()
        self._end_soon()
        self._networkProducer.unregisterProducer()
        self.transport.loseWriteConnection()

    def _end_soon(self) -> None:
        # Two calls: Twisted looks through all timers of the process to shorten one (1 ms with 2,000 connections).
        self.setTimeout(None)
        self.setTimeout(LINGER_SECONDS)

    def _drop(self, count: int) -> None:
        self._dropped_bytes += count
        if self._dropped_bytes > MAX_DROPPED_BYTES:
            self.abort()

    def timeoutConnection(self) -> None:
        """Close; the connection of a client that was refused has had its time."""
        if self._is_refusing:
            self.abort()
        else:
            super().timeoutConnection()

    def close_idle(self) -> None:
        """Close a connection on which no request is in progress."""
        self.registry.linger(self.connection)
        self._is_refusing = True
        self._end_soon()
        self.transport.loseConnection()

    def abort(self) -> None:
        """Close at once."""
        if not self._is_refusing or not send_rest_and_close(self.transport):
            self.transport.abortConnection()

    def release_request(self) -> None:
        """Let go of the request of a connection that has become a WebSocket."""
        self.requests: list[Any] = []

    def _peer_address(self) -> str:
        return plain_address(getattr(self.transport.getPeer(), "host", "a local client"))


def _ignore(*args: Any) -> None:
    """Ignore the rest of what arrived with a refused request."""


def build_http_channel(factory: Any) -> Any:
    """Return the protocol of a new connection (`HTTPFactory.protocol`)."""
    return http._GenericHTTPChannelProtocol(ExplainingHTTPChannel())
