"""HTTP server of the self-test, on loopback: a page with a sound, a page with two, and the sound as HLS."""

import contextlib
import io
import subprocess
import sys
import wave
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from downloads.files import ffmpeg

FRAME_RATE, SECONDS = 16_000, 32  # 1 MB, of which yt-dlp has written more than 64 KiB when half has arrived
PAGE = b"""<!doctype html><title>Self-test</title><video poster="/poster.jpg" src="/tone.wav">
<track kind="subtitles" srclang="en" src="/en.vtt"></video>"""
PAGE_OF_TWO = b"<!doctype html><title>Two</title><video src=/a.wav></video><video src=/b.wav></video>"
HLS_OPTIONS = ("-c:a", "aac", "-f", "hls", "-hls_time", "8", "-hls_playlist_type", "vod")


class SelfTestServer(ThreadingHTTPServer):
    """Serves `files` on loopback; the first response with the sound is cut off in the middle."""

    daemon_threads = True

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = files
        self.requests: list[tuple[str, int]] = []  # path, first byte
        self.is_cut = False

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing: clients disconnect."""


class _Handler(BaseHTTPRequestHandler):
    server: SelfTestServer
    content_types = {".html": "text/html", ".wav": "audio/x-wav", ".vtt": "text/vtt", ".jpg": "image/jpeg"} | {
        ".m3u8": "application/vnd.apple.mpegurl",
        ".ts": "video/mp2t",
    }

    def do_GET(self) -> None:
        data = self.server.files.get(self.path)
        requested_range = self.headers.get("Range", "")
        first = int(requested_range.removeprefix("bytes=").partition("-")[0] or 0)
        self.server.requests.append((self.path, first))
        if data is None:
            self.send_error(404)
            return
        self.send_response(206 if requested_range else 200)
        self.send_header("Content-Type", self.content_types[Path(self.path).suffix])
        self.send_header("Content-Length", str(len(data) - first))
        self.send_header("ETag", '"self-test"')
        self.send_header("Accept-Ranges", "bytes")
        if requested_range:
            self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data[first : self._last_byte(data)])

    do_HEAD = do_GET  # noqa: N815

    def _last_byte(self, data: bytes) -> int:
        """Return where to stop: in the middle of the sound, until one response was cut off there."""
        if self.path != "/tone.wav" or self.server.is_cut:
            return len(data)
        self.server.is_cut = True
        return len(data) // 2

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@contextlib.contextmanager
def serve_files(folder: Path) -> Iterator[SelfTestServer]:
    with SelfTestServer(_make_files(folder)) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield server
        server.shutdown()


def _make_files(folder: Path) -> dict[str, bytes]:
    """Return a page with a sound, and the sound as HLS where ffmpeg can make that."""
    tone = _make_tone()
    files = {
        "/page.html": PAGE,
        "/two.html": PAGE_OF_TWO,
        "/tone.wav": tone,
        "/poster.jpg": b"\xff\xd8\xff\xe0" + bytes(2000),
    }
    files["/en.vtt"] = b"WEBVTT\n\n00:00.000 --> 00:02.000\nHello\n"
    if ffmpeg_path := ffmpeg.find_ffmpeg():
        source, hls = folder / "tone.wav", folder / "segments"
        source.write_bytes(tone)
        hls.mkdir()
        command = [ffmpeg_path, "-v", "error", "-nostdin", "-i", str(source), *HLS_OPTIONS, str(hls / "index.m3u8")]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr)
        files |= {f"/hls/{path.name}": path.read_bytes() for path in hls.iterdir()}
    return files


def _make_tone() -> bytes:
    """Return a WAV file of a tone."""
    output = io.BytesIO()
    with wave.open(output, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(FRAME_RATE)
        period = b"".join(int(8000 * (step % 32 - 16) / 16).to_bytes(2, "little", signed=True) for step in range(32))
        file.writeframes(period * (FRAME_RATE * SECONDS // 32))
    return output.getvalue()
