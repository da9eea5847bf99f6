"""A site with HLS segments that may be slow, fail, or be sent to one client at a time only."""

import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from Cryptodome.Cipher import AES

from downloads.tests.support.waiting import PATIENCE_SECONDS

KEY = bytes(range(16))


class SegmentSite(ThreadingHTTPServer):
    """Serves the segments of `folder`, "video0.ts" and so on, at `url()`; the attributes may be changed at any time.

    `requests` has the paths in order, `peak` the most requests at one time. A path in `holds` is answered once its
    condition is true, such as that others have been asked for.
    """

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), SegmentHandler)
        count = len(list(folder.glob("video*.ts")))
        self.segments = {f"/{n}.ts": (folder / f"video{n}.ts").read_bytes() for n in range(count)}
        self.delay_seconds = 0.03
        self.max_at_once = 100
        self.failures: dict[str, list[int]] = {}  # the next statuses of a path
        self.cuts: dict[str, int] = {}  # how often the response of a path is still to be cut off
        self.holds: dict[str, Callable[[], bool]] = {}
        self.is_encrypted = False
        self.requests: list[str] = []
        self.refused = self.peak = self._active = 0
        self._changed = threading.Condition()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/index.m3u8"

    @property
    def joined(self) -> bytes:
        return b"".join(self.segments.values())

    def playlist(self) -> bytes:
        key = '#EXT-X-KEY:METHOD=AES-128,URI="/key"\n' if self.is_encrypted else ""
        lines = "".join(f"#EXTINF:1,\n{path}\n" for path in self.segments)
        return f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n{key}{lines}#EXT-X-ENDLIST\n".encode()

    def content(self, path: str) -> bytes:
        """Return what a path has; KeyError if there is no such."""
        if path in ("/index.m3u8", "/key"):
            return self.playlist() if path != "/key" else KEY
        data = self.segments[path]
        if not self.is_encrypted:
            return data
        padding = 16 - len(data) % 16
        number = [*self.segments].index(path)
        return AES.new(KEY, AES.MODE_CBC, number.to_bytes(16, "big")).encrypt(data + bytes([padding]) * padding)

    def enter(self, path: str) -> int:
        """Note that a request has begun; return the status to answer with."""
        with self._changed:
            self.requests.append(path)
            self._active += 1
            self._changed.notify_all()
            if self.failures.get(path):
                return self.failures[path].pop(0)
            if self._active > self.max_at_once:
                self.refused += 1
                return 503
            self.peak = max(self.peak, self._active)
            return 200

    def wait_for_hold(self, path: str) -> None:
        """Wait until a path may be answered, at most for PATIENCE_SECONDS: then the test fails by its own assertion."""
        with self._changed:
            self._changed.wait_for(self.holds.get(path, lambda: True), PATIENCE_SECONDS)

    def leave(self) -> None:
        with self._changed:
            self._active -= 1

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing: tests disconnect on purpose."""


class SegmentHandler(BaseHTTPRequestHandler):
    server: SegmentSite

    def do_GET(self) -> None:
        status = self.server.enter(self.path)
        try:
            if status == 200:
                time.sleep(self.server.delay_seconds)  # to the first byte, as of a site that is far away
                self.server.wait_for_hold(self.path)
            data = self.response(status)
            self.wfile.write(data[:-1])
        finally:
            # Before the client has all of it: its next request may come at once.
            self.server.leave()
        self.wfile.write(data[-1:])

    do_HEAD = do_GET  # noqa: N815

    def response(self, status: int) -> bytes:
        """Return the response as bytes, head included."""
        data = self.server.content(self.path) if status == 200 else b""
        content_type = "application/vnd.apple.mpegurl" if self.path.endswith(".m3u8") else "video/mp2t"
        headers = f"Content-Type: {content_type}\r\nContent-Length: {len(data)}\r\n"
        head = f"HTTP/1.0 {status} {HTTPStatus(status).phrase}\r\n{headers}\r\n".encode()
        if self.command != "GET":
            return head
        is_cut = self.server.cuts.get(self.path, 0) > 0
        self.server.cuts[self.path] = self.server.cuts.get(self.path, 0) - 1
        return head + (data[: len(data) // 2] if is_cut else data)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing: `requests` has them."""
