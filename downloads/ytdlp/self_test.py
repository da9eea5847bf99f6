"""Self-test of a version of yt-dlp: fetches real files from a server of its own, as a download does.

It covers what we rely on: the way through the egress proxy, resuming, fragments, thumbnails, subtitles, progress and
the methods of yt-dlp that `resuming_client` overrides.
"""

import contextlib
import io
import json
import subprocess
import sys
import tempfile
import wave
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from django.conf import settings

from downloads.files import ffmpeg
from downloads.network.proxy import EgressProxy, set_proxy_variables
from downloads.ytdlp import loading
from downloads.ytdlp.results import DownloadedFiles, DownloadError, ProbeResult
from downloads.ytdlp.streams import StreamUpdate

OVERRIDDEN_METHODS = ("dl", "urlopen", "_write_thumbnails", "_write_subtitles")
FRAME_RATE, SECONDS = 16_000, 32  # 1 MB, of which yt-dlp has written more than 64 KiB when half has arrived
PAGE = b"""<!doctype html><title>Self-test</title><video poster="/poster.jpg" src="/tone.wav">
<track kind="subtitles" srclang="en" src="/en.vtt"></video>"""
HLS_OPTIONS = ("-c:a", "aac", "-f", "hls", "-hls_time", "8", "-hls_playlist_type", "vod")


class SelfTestFailed(Exception):
    """yt-dlp does not do what we rely on; the message is a clause."""


def run_self_test(folder: Path) -> None:
    """Load the yt_dlp in `folder` and test it; raise SelfTestFailed, or whatever yt_dlp raises.

    For a process of its own: it changes settings and the environment.
    """
    loading.load_from(folder)
    _check_packages()
    with (
        tempfile.TemporaryDirectory(dir=folder.parent) as name,
        _serve(Path(name)) as server,
        EgressProxy() as proxy,
    ):
        set_proxy_variables(proxy.url)
        SelfTest(server, Path(name), proxy.url).run()


def _require(condition: object, message: str) -> None:
    if not condition:
        raise SelfTestFailed(message)


def _check_packages() -> None:
    """Load the extractor that is updated most often, and its scripts; check what we override."""
    import yt_dlp.extractor  # noqa: PLC0415 - once the version is loaded
    import yt_dlp_ejs.yt.solver  # noqa: PLC0415

    _require(yt_dlp.extractor.get_info_extractor("Youtube").suitable("https://youtu.be/BaW_jenozKc"), "no YouTube")
    _require(yt_dlp_ejs.yt.solver.core() and yt_dlp_ejs.yt.solver.lib(), "yt-dlp-ejs has no scripts")
    for name in OVERRIDDEN_METHODS:
        _require(callable(getattr(yt_dlp.YoutubeDL, name, None)), f"YoutubeDL has no method {name} any more")


class SelfTest:
    """The downloads of a self-test: `SelfTest(server, folder, proxy_url).run()`."""

    def __init__(self, server: "SelfTestServer", folder: Path, proxy_url: str) -> None:
        self.server = server
        self.folder = folder
        self.proxy_url = proxy_url

    def run(self) -> None:
        """Run all of it; raise SelfTestFailed."""
        self._check_wall()
        settings.ALLOW_PRIVATE_HOSTS = True  # in this process, which fetches from our own server only
        with _count_overridden_calls() as calls:
            self._check_page()
            if "/hls/index.m3u8" in self.server.files:
                self._check_fragments()
        _require(
            not set(OVERRIDDEN_METHODS) - set(calls), f"yt-dlp no longer calls {set(OVERRIDDEN_METHODS) - set(calls)}"
        )

    def _check_wall(self) -> None:
        """Check that requests go through the proxy, which refuses addresses of this machine."""
        settings.ALLOW_PRIVATE_HOSTS = False
        try:
            self._probe("/tone.wav", "wall")
        except DownloadError as error:
            _require(error.permanent and "may not reach" in str(error), f"another error than the proxy’s: {error}")
        else:
            raise SelfTestFailed("it fetched from a forbidden address")
        _require(not self.server.requests, "it went past the proxy to a forbidden address")

    def _check_page(self) -> None:
        """Download a page's file, whose first response is cut off, with its thumbnail and subtitles."""
        from downloads.ytdlp.library import VERSION  # noqa: PLC0415 - once the version is loaded

        updates: list[StreamUpdate] = []
        files = self._download("/page.html", "page", updates.append)
        tone = self.server.files["/tone.wav"]
        _require(files.media.read_bytes() == tone, "the file differs from the server’s")
        resumed = any(first > 0 for path, first in self.server.requests if path == "/tone.wav")
        _require(resumed, "a download that was cut off was not resumed")
        _require(files.thumbnail, "no thumbnail")
        _require(files.subtitle_files or not ffmpeg.find_ffmpeg(), "no subtitles")
        _require(files.info_json, "no metadata")
        version = json.loads((files.info_json or Path()).read_bytes()).get("_version", {}).get("version")
        _require(version == VERSION, f"the metadata name version {version}")
        _require(updates and updates[-1].is_finished, "no progress")
        _require(updates and updates[-1].downloaded_bytes == len(tone), "progress in other units")

    def _check_fragments(self) -> None:
        updates: list[StreamUpdate] = []
        files = self._download("/hls/index.m3u8", "hls", updates.append)
        _require(files.media.stat().st_size > 0, "no file of fragments")
        count = sum(path.endswith(".ts") for path in self.server.files)
        _require({update.fragment_count for update in updates} >= {count}, "no count of fragments")

    def _probe(self, path: str, name: str) -> ProbeResult:
        from downloads.ytdlp import downloader  # noqa: PLC0415 - once the version is loaded

        folder = self.folder / name
        folder.mkdir()
        result = downloader.probe_url(self.server.url(path), folder, proxy_url=self.proxy_url, subtitle_languages="en")
        if not isinstance(result, ProbeResult):
            raise SelfTestFailed("it took a single video for a playlist")
        return result

    def _download(self, path: str, name: str, on_update: Callable[[StreamUpdate], None]) -> DownloadedFiles:
        from downloads.ytdlp import downloader  # noqa: PLC0415

        return downloader.download_files(self._probe(path, name), on_update, lambda: None)


@contextlib.contextmanager
def _count_overridden_calls() -> Iterator[Counter[str]]:
    """Count the calls of the methods that we override."""
    from downloads.ytdlp.resuming_client import ResumingYoutubeDL  # noqa: PLC0415 - once the version is loaded

    calls: Counter[str] = Counter()
    originals = {name: getattr(ResumingYoutubeDL, name) for name in OVERRIDDEN_METHODS}

    def counting(name: str, original: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            calls[name] += 1
            return original(*args, **kwargs)

        return call

    for name, original in originals.items():
        setattr(ResumingYoutubeDL, name, counting(name, original))
    try:
        yield calls
    finally:
        for name, original in originals.items():
            setattr(ResumingYoutubeDL, name, original)


# Server --------------------------------------------------------------------------------------------


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
def _serve(folder: Path) -> Iterator[SelfTestServer]:
    with SelfTestServer(_make_files(folder)) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield server
        server.shutdown()


def _make_files(folder: Path) -> dict[str, bytes]:
    """Return a page with a sound, and the sound as HLS where ffmpeg can make that."""
    tone = _make_tone()
    files = {"/page.html": PAGE, "/tone.wav": tone, "/poster.jpg": b"\xff\xd8\xff\xe0" + bytes(2000)}
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
