"""A real HTTP server on loopback in the place of video sites, with clips made by ffmpeg.

It serves files, pages and HLS: complete, slowly, cut off, hanging or broken. By hand:
`python -m downloads.tests.support.media_server --port 9000`, with YTARCHIVE_ALLOW_PRIVATE_HOSTS=1 for the archive.
"""

import argparse
import dataclasses
import functools
import hashlib
import re
import shutil
import tempfile
import threading
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from downloads.tests.support.clips import make_clips
from downloads.tests.support.waiting import PATIENCE_SECONDS

CONTENT_TYPES = {
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".ts": "video/mp2t",
    ".m3u8": "application/vnd.apple.mpegurl",
    ".jpg": "image/jpeg",
}
MAX_CHUNK_BYTES = 4096  # largest piece of a slow response
PAGE_TEMPLATE = """<!doctype html><html><head><title>{title}</title>
<meta name="description" content="A page with one video">
<meta property="og:image" content="{thumbnail}"></head>
<body><h1>{title}</h1>
<video controls poster="{thumbnail}"><source src="{source}" type="video/mp4"></video></body></html>
"""


@dataclasses.dataclass(frozen=True)
class Answer:
    """A response that a test registers for a path: `server.answers["/dl/plain"] = Answer(data)`."""

    data: bytes = b""
    content_type: str = "application/octet-stream"
    status: int = 200
    headers: dict[str, str] = dataclasses.field(default_factory=dict)


class MediaServer(ThreadingHTTPServer):
    """Serves `folder` on a free port of loopback, well or badly, as each path asks for.

    `requests` keeps (method, path with query, Range header). A test waits with `wait_for_requests(path)` and
    ends hanging and slow responses with `released`.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, folder: Path, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), MediaHandler)
        self.folder = folder
        self.requests: list[tuple[str, str, str]] = []
        self.request_arrived = threading.Condition()
        self.released = threading.Event()
        self.answers: dict[str, Answer] = {}
        self.clip = (folder / "clip.mp4").read_bytes()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"

    def record_request(self, method: str, path: str, range_header: str) -> None:
        with self.request_arrived:
            self.requests.append((method, path, range_header))
            self.request_arrived.notify_all()

    def count_requests(self, start: str) -> int:
        """Return how many requests came whose path begins with `start`."""
        return sum(path.startswith(start) for _, path, _ in self.requests)

    def wait_for_requests(self, start: str, times: int = 1, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until `times` requests came whose path begins with `start`."""
        with self.request_arrived:
            assert self.request_arrived.wait_for(lambda: self.count_requests(start) >= times, seconds), (
                f"nobody asked for {start}"
            )

    def reset(self) -> "MediaServer":
        """Forget the requests, and let responses hang again."""
        self.requests.clear()
        self.answers.clear()
        self.released.clear()
        return self

    def start(self) -> "MediaServer":
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing: tests disconnect on purpose."""


class MediaHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: MediaServer

    def do_GET(self) -> None:
        self.server.record_request(self.command, self.path, self.headers.get("Range", ""))
        self.close_connection = True
        url = urlsplit(self.path)
        self.query = {name: values[0] for name, values in parse_qs(url.query).items()}
        self.decoded_path = unquote(url.path)
        if registered := self.server.answers.get(self.decoded_path):
            self.registered(registered)
            return
        for start, answer in ROUTES.items():
            if self.decoded_path.startswith(start):
                answer(self)
                return
        self.file()

    do_HEAD = do_GET  # noqa: N815

    def end_headers(self) -> None:
        """Say that the connection ends: a client that kept it could send its next request into the closing one."""
        self.send_header("Connection", "close")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing: `requests` has them."""

    # Answers ------------------------------------------------------------------------------------

    def file(self) -> None:
        path = self.server.folder / self.decoded_path.lstrip("/")
        if ".." in path.parts or not path.is_file():
            self.send_error_status(404)
            return
        self.media(path.read_bytes(), path.suffix)

    def registered(self, answer: Answer) -> None:
        """An answer that a test registered; without ranges."""
        self.send_response(answer.status)
        headers = {"Content-Type": answer.content_type, "Content-Length": str(len(answer.data)), **answer.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(answer.data)

    def named(self) -> None:
        self.media(self.server.clip)

    def media(self, data: bytes, suffix: str = ".mp4", send: Callable[[bytes], None] | None = None) -> None:
        first, last = self.requested_range(len(data))
        self.send_response(206 if self.headers.get("Range") else 200)
        self.send_header("Content-Type", CONTENT_TYPES.get(suffix, "application/octet-stream"))
        self.send_header("Content-Length", str(last + 1 - first))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()[:16]}"')
        self.send_header("Last-Modified", formatdate(1_700_000_000, usegmt=True))
        if self.headers.get("Range"):
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
        self.end_headers()
        if self.command == "GET":
            (send or self.wfile.write)(data[first : last + 1])

    def requested_range(self, length: int) -> tuple[int, int]:
        first, _, last = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
        if not first:
            return max(0, length - int(last)), length - 1
        return int(first), min(int(last or length), length - 1)

    def page(self) -> None:
        title = self.query.get("title") or self.decoded_path.removeprefix("/page/")
        source = self.query.get("src") or "/named/in-a-page.mp4"
        thumbnail = self.query.get("thumbnail") or "/thumb.jpg"
        page = PAGE_TEMPLATE.format(title=title, source=source, thumbnail=thumbnail)
        self.text(page, "text/html; charset=utf-8")

    def several(self) -> None:
        """A page with two videos."""
        videos = "".join(f'<video src="/named/{name}.mp4"></video>' for name in ("one", "two"))
        self.text(f"<!doctype html><title>Two videos</title>{videos}", "text/html")

    def playlist(self) -> None:
        """An HLS playlist with one segment, wherever that is; one that goes on for ever with `live`."""
        end = "" if "live" in self.query else "#EXT-X-ENDLIST\n"
        head = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n#EXTINF:1.0,\n"
        self.text(f"{head}{self.query.get('segment', '/hls/index0.ts')}\n{end}", CONTENT_TYPES[".m3u8"])

    def text(self, text: str, kind: str) -> None:
        data = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def slow(self) -> None:
        """The clip, or the file of the folder that `of` names."""
        name = self.query.get("of", "clip.mp4")
        self.media((self.server.folder / name).read_bytes(), Path(name).suffix, self.trickle)

    def slow_hls(self) -> None:
        folder_name = self.query.get("of", "hls")
        path = self.server.folder / folder_name / self.decoded_path.rpartition("/")[2]
        if path.suffix == ".m3u8":
            # The segments keep the rate: a relative address does not inherit the query.
            text = re.sub(r"\.(ts|m3u8)", rf".\1?{urlsplit(self.path).query}", path.read_text())
            self.text(text, CONTENT_TYPES[".m3u8"])
        else:
            is_slow = path.name.startswith(self.query.get("only", ""))
            self.media(path.read_bytes(), path.suffix, self.trickle if is_slow else None)

    def rate(self) -> int:
        return int(self.query.get("rate", "50000"))

    def trickle(self, data: bytes) -> None:
        """Send at `rate` bytes per second, until released."""
        step = max(1, min(MAX_CHUNK_BYTES, self.rate() // 10))
        for start in range(0, len(data), step):
            self.wfile.write(data[start : start + step])
            self.wfile.flush()
            self.server.released.wait(step / self.rate())

    def no_length(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "video/mp4")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        pause = 65536 / int(self.query.get("rate", "100000000"))
        for start in range(0, len(self.server.clip), 65536):
            part = self.server.clip[start : start + 65536]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.server.released.wait(pause)
        self.wfile.write(b"0\r\n\r\n")

    def cut(self) -> None:
        """Announce the full length, send half of it, and disconnect."""
        self.media(self.server.clip, send=lambda data: self.wfile.write(data[: len(data) // 2]) and None)

    def hang(self) -> None:
        """Send a little, then nothing more until released."""

        def send(data: bytes) -> None:
            self.wfile.write(data[:20_000])
            self.wfile.flush()
            self.server.released.wait(120)

        self.media(self.server.clip, send=send)

    def never_answer(self) -> None:
        """Send nothing at all until released."""
        self.server.released.wait(120)

    def redirect(self) -> None:
        self.send_response(302)
        self.send_header("Location", self.query["to"])
        self.send_header("Content-Length", "0")
        self.end_headers()

    def not_media(self) -> None:
        """An HTML page with the content type of a video."""
        self.media(b"<!doctype html><title>Not a video</title>" * 2000)

    def send_error_status(self, status: int) -> None:
        self.send_response(status, HTTPStatus(status).phrase)
        self.send_header("Content-Length", "0")
        self.end_headers()


def send_endless(handler: MediaHandler, kind: str) -> None:
    """Send the beginning of a page or a picture, and go on for ever."""
    handler.send_response(200)
    handler.send_header("Content-Type", kind)
    handler.end_headers()
    data = b"<!doctype html><title>x</title>" if kind == "text/html" else b"\xff\xd8\xff\xe0"
    while not handler.server.released.is_set():
        handler.wfile.write(data)
        data = b" " * 65536


def send_feed(handler: MediaHandler) -> None:
    """An RSS feed with `count` items; every item twice with `twice`."""
    count = int(handler.query.get("count", "3"))
    numbers = [n for n in range(count) for _ in range(2 if "twice" in handler.query else 1)]
    items = "".join(
        f"<item><title>Film {n}</title><link>{handler.server.url(f'/named/{n}.mp4')}</link></item>" for n in numbers
    )
    head = '<?xml version="1.0"?><rss version="2.0"><channel><title>Many films</title>'
    handler.text(f"{head}{items}</channel></rss>", "application/rss+xml")


def send_subtitled_stream(handler: MediaHandler) -> None:
    """A stream with subtitles in two languages, one of which cannot be fetched."""
    name = handler.decoded_path.rpartition("/")[2]
    track = '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="text",NAME="{0}",LANGUAGE="{0}",URI="{0}.m3u8"\n'
    if name == "index.m3u8":
        tracks = "".join(map(track.format, handler.query.get("languages", "en,de").split(",")))
        stream = '#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=320x240,SUBTITLES="text"\n/hls/index.m3u8\n'
        handler.text(f"#EXTM3U\n{tracks}{stream}", CONTENT_TYPES[".m3u8"])
    elif name.endswith(".m3u8"):
        handler.text(
            f"#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\n{name[:-5]}.vtt\n#EXT-X-ENDLIST\n", CONTENT_TYPES[".m3u8"]
        )
    elif name == "xx.vtt":
        handler.send_error_status(404)
    else:
        handler.text(f"WEBVTT\n\n00:00:00.000 --> 00:00:02.000\nHello in {name[:-4]}\n", "text/vtt")


ROUTES: dict[str, Callable[[MediaHandler], None]] = {
    "/named/": MediaHandler.named,
    "/page/": MediaHandler.page,
    "/several": MediaHandler.several,
    "/playlist": MediaHandler.playlist,
    "/slow/": MediaHandler.slow,
    "/slowhls/": MediaHandler.slow_hls,
    "/nolength": MediaHandler.no_length,
    "/cut/": MediaHandler.cut,
    "/hang/": MediaHandler.hang,
    "/mute/": MediaHandler.never_answer,
    "/redirect": MediaHandler.redirect,
    "/notmedia/": MediaHandler.not_media,
    "/endless.html": functools.partial(send_endless, kind="text/html"),
    "/endless.jpg": functools.partial(send_endless, kind="image/jpeg"),
    "/feed": send_feed,
    "/subtitled/": send_subtitled_stream,
    "/missing": functools.partial(MediaHandler.send_error_status, status=404),
    "/private": functools.partial(MediaHandler.send_error_status, status=403),
    "/error": functools.partial(MediaHandler.send_error_status, status=500),
    "/busy": functools.partial(MediaHandler.send_error_status, status=429),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve clips on loopback, to try the archive by hand.")
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--seconds", type=int, default=60, help="length of the clip")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="yta-media-"))
    try:
        server = MediaServer(make_clips(folder, options.seconds), options.port)
        for path in ("/clip.mp4", "/hls/index.m3u8", "/separate/index.m3u8", "/page/hello", "/slow/a.mp4?rate=100000"):
            print(server.url(path))  # noqa: T201
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
