"""HTTP connections that are told why a request was not read.

Twisted cuts a header line that is too long without a status, and answers 400 without words to other bad requests.
"""

from typing import Any

from twisted.web import http

from downloads.outage_log import LogLimiter

unreadable_requests = LogLimiter(__name__)

MAX_HEADER_BYTES = 16 * 1024  # request line and all header fields; also the most of one line
MAX_HEADERS = 200
# After the answer, what is still being sent is read and dropped for so long: closing at once would reset the
# connection, and the client would lose the answer (RFC 9112, 9.6).
LINGER_SECONDS = 5
PAGE = """<!DOCTYPE html>
<html lang="en">
  <head><meta charset="utf-8" /><title>{status} {phrase} · ytarchive</title></head>
  <body>
    <p>{status}</p>
    <h1>{heading}</h1>
    <p>{text}</p>
  </body>
</html>
"""
PHRASES = {400: "Bad Request", 414: "URI Too Long", 431: "Request Header Fields Too Large"}
TEXTS = {
    400: ("That was not understood", "The browser or a proxy sent something that is no valid HTTP request."),
    414: (
        "This address is too long",
        f"It has more than {MAX_HEADER_BYTES // 1024} kB. Shorten it, or add very long lists in parts.",
    ),
    431: (
        "The browser sent too many cookies",
        f"Cookies and other headers of a request may have {MAX_HEADER_BYTES // 1024} kB and {MAX_HEADERS} lines "
        "together. Delete the cookies of this host, also those of other programs on it, and reload the page.",
    ),
}


class ExplainingHTTPChannel(http.HTTPChannel):
    """One connection; a request that is not read is answered 431, 414 or 400 in words, and logged."""

    MAX_LENGTH = totalHeadersSize = MAX_HEADER_BYTES
    maxHeaders = MAX_HEADERS
    transport: Any
    _is_refusing = False

    def lineReceived(self, line: bytes) -> None:
        """Read a line of the request's head, unless it is too long with it."""
        if self._receivedHeaderSize + len(line) > self.totalHeadersSize:
            self._refuse(431 if self._receivedHeaderSize else 414)
        else:
            super().lineReceived(line)

    def lineLengthExceeded(self, line: bytes) -> None:
        """Refuse a line that is too long."""
        self._refuse(431 if self._receivedHeaderSize else 414)

    def headerReceived(self, line: bytes) -> bool:
        """Store a header field; return False if there are too many or it is not valid."""
        if self._receivedHeaderCount >= self.maxHeaders:
            self._refuse(431)
        # A refused head is not read further: its remaining lines must not become a request.
        return not self._is_refusing and bool(super().headerReceived(line))

    def allHeadersReceived(self) -> None:
        """Continue with the body, unless the head was refused."""
        if not self._is_refusing:
            super().allHeadersReceived()

    def _respondToBadRequestAndDisconnect(self) -> None:
        self._refuse(400)

    def _refuse(self, status: int) -> None:
        if self._is_refusing:
            return
        self._is_refusing = True
        self._log_refusal(status)
        heading, text = TEXTS[status]
        body = PAGE.format(status=status, phrase=PHRASES[status], heading=heading, text=text).encode()
        head = (
            f"HTTP/1.1 {status} {PHRASES[status]}\r\nContent-Type: text/html; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        is_head_request = getattr(self, "_command", b"") == b"HEAD"
        self.transport.write(head.encode() + (b"" if is_head_request else body))
        # Nothing of this connection is read as a request any more.
        for name in ("dataReceived", "lineReceived", "rawDataReceived"):
            setattr(self, name, _drop)
        self.clearLineBuffer()
        self.setTimeout(LINGER_SECONDS)
        self._networkProducer.unregisterProducer()
        self.transport.loseWriteConnection()

    def _log_refusal(self, status: int) -> None:
        client = plain_address(getattr(self.transport.getPeer(), "host", "a local client"))
        unreadable_requests.warning(
            (status, client),
            "Refused a request of %s (%s %s): %s", client, status, PHRASES[status], TEXTS[status][1],
        )  # fmt: skip


def plain_address(host: str) -> str:
    """Return a client's address; a socket for both versions of IP gives IPv4 addresses as ::ffff:192.0.2.1."""
    return host.removeprefix("::ffff:")


def _drop(*args: Any) -> None:
    """Drop what a refused client sends."""


def build_http_channel(factory: Any) -> Any:
    """Return the protocol of a new connection (`HTTPFactory.protocol`)."""
    return http._GenericHTTPChannelProtocol(ExplainingHTTPChannel())
