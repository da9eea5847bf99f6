"""`python -m benchmarks.downloads.site FOLDER`: a video site on loopback, which prints its port.

It serves /clip/<number>.mp4 (18 MB), /small/<number>.mp4, /large/<number>.mp4 (1 GB), and
/hls/<milliseconds>/<number>/index.m3u8 with 30 segments of 6 MB, whose first byte comes after so many milliseconds.
The number makes each URL another video.
"""

import re
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from downloads.tests.support import clips

CLIP_BYTES = {"small": 0, "clip": 18_000_000, "large": 1_000_000_000}
SEGMENT_COUNT = 30
SEGMENT_SECONDS = 1
SEGMENT_BYTES = 6_000_000
NULL_PACKET = b"\x47\x1f\xff\x10" + b"\xff" * 184  # of an MPEG transport stream; players skip it (ISO 13818-1)
PATH_PATTERN = re.compile(r"/(?:(small|clip|large)/\d+\.mp4|hls/(\d+)/\d+/(index\.m3u8|\d+\.ts))")


def make_files(folder: Path) -> None:
    """Write the clips and the segments, filled up to their sizes with what players skip."""
    source = folder / "source.mp4"
    codecs = [*(clips.H264 if clips.has_h264() else clips.MPEG4), *clips.AAC]
    duration = str(SEGMENT_COUNT * SEGMENT_SECONDS)
    clips.run_ffmpeg(
        *clips.VIDEO_SOURCE, *clips.AUDIO_SOURCE, "-t", duration, *codecs, "-movflags", "+faststart", source
    )
    data = source.read_bytes()
    for name, size in CLIP_BYTES.items():
        with (folder / f"{name}.mp4").open("wb") as file:
            file.write(data)
            if size > len(data):
                file.write((size - len(data)).to_bytes(4, "big") + b"free")
                file.truncate(size)
    options = ["-c", "copy", "-f", "hls", "-hls_time", str(SEGMENT_SECONDS), "-hls_playlist_type", "vod"]
    names = ["-hls_segment_filename", str(folder / "%d.ts")]
    clips.run_ffmpeg("-i", source, *options, *names, folder / "index.m3u8")
    for segment in folder.glob("*.ts"):
        packets = (SEGMENT_BYTES - segment.stat().st_size) // len(NULL_PACKET)
        with segment.open("ab") as file:
            file.write(NULL_PACKET * packets)


class SiteHandler(BaseHTTPRequestHandler):
    """Serves whole files and byte ranges, by sendfile(2)."""

    protocol_version = "HTTP/1.1"
    folder: Path

    def do_GET(self) -> None:
        match = PATH_PATTERN.fullmatch(self.path)
        if match is None:
            self.send_error(404)
            return
        clip, delay, part = match.groups()
        time.sleep(int(delay or 0) / 1000)
        self._send_file(self.folder / (f"{clip}.mp4" if clip else part))

    do_HEAD = do_GET  # noqa: N815

    def _send_file(self, path: Path) -> None:
        size = path.stat().st_size
        requested = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        begin = int(requested[1]) if requested else 0
        end = min(int(requested[2]) + 1, size) if requested and requested[2] else size
        self.send_response(206 if requested else 200)
        if requested:
            self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{size}")
        content_types = {".mp4": "video/mp4", ".ts": "video/mp2t", ".m3u8": "application/vnd.apple.mpegurl"}
        self.send_header("Content-Type", content_types[path.suffix])
        self.send_header("Content-Length", str(end - begin))
        self.send_header("Accept-Ranges", "bytes")
        self.end_headers()
        if self.command == "GET":
            with path.open("rb") as file:
                self.connection.sendfile(file, begin, end - begin)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


class Site(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing: a client may close its connection before it has read everything."""


def main() -> None:
    SiteHandler.folder = Path(sys.argv[1])
    make_files(SiteHandler.folder)
    server = Site(("127.0.0.1", 0), SiteHandler)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
