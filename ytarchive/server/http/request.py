"""One HTTP request: what Daphne would answer with 500 and a traceback is refused before."""

import tempfile
from typing import Any

from daphne.http_protocol import WebRequest
from django.conf import settings
from twisted.web.http import _MalformedChunkedDataError

from ytarchive.server.limits.requests import find_handshake_problem

# Daphne decodes this header, which would be the beginning of all URLs; extensions of WebSockets are never accepted.
DROPPED_HEADERS = (b"daphne-root-path", b"sec-websocket-extensions")


class ProgressRequest(WebRequest):
    """Request of one connection."""

    channel: Any
    content: Any
    server: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Django parses the body; Twisted would read it into memory a second time.
        self._parsePOSTFormSubmission = False

    def gotLength(self, length: int | None) -> None:
        """Prepare for the body: those of ordinary forms stay in memory."""
        self.content = tempfile.SpooledTemporaryFile(settings.MAX_FORM_BYTES)  # noqa: SIM115  # Twisted closes it

    def handleContentChunk(self, data: bytes) -> None:
        """Keep a part of the body."""
        channel = self.channel
        if channel._is_refusing:
            return
        body = channel.connection.body
        if body and not body.add_decoded(len(data)):
            channel.refuse(413)
            raise _MalformedChunkedDataError("too many small chunks")  # ends the loop over what was read
        super().handleContentChunk(data)

    def drop_content(self) -> None:
        """Free the memory and the disk space of a body that is refused."""
        if self.content is not None:
            self.content.close()

    def process(self) -> Any:
        """Pass the request on, or the connection to a WebSocket."""
        for name in DROPPED_HEADERS:
            self.requestHeaders.removeHeader(name)
        upgrades = self.requestHeaders.getRawHeaders(b"upgrade", [])
        if upgrades and upgrades[0].lower() == b"websocket":
            if status := self._find_handshake_problem():
                self.channel.refuse(status)
            else:
                self.server.handshakes.add(self._begin_socket)
            return None
        return super().process()

    def _begin_socket(self) -> None:
        """Pass the connection to a WebSocket, unless it was closed in the meantime or is one too many."""
        if self.channel is None or self.channel._is_refusing:
            return
        if status := self.channel.registry.begin_socket(self.channel.connection):
            self.channel.refuse(status)
        else:
            super().process()

    def _find_handshake_problem(self) -> int:
        has_body = bool(self.content.read(1))
        self.content.seek(0)
        return find_handshake_problem(self.method, self.clientproto, has_body, self.requestHeaders)
