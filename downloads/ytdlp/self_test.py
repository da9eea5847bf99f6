"""Self-test of a version of yt-dlp: fetches real files from a server of its own, as a download does.

It covers what we rely on: the way through the egress proxy, resuming, fragments, thumbnails, subtitles, progress and
the methods of yt-dlp that `resuming_client` overrides.
"""

import contextlib
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings

from downloads.files import ffmpeg
from downloads.network.proxy import EgressProxy, set_proxy_variables
from downloads.ytdlp import loading
from downloads.ytdlp.results import DownloadedFiles, DownloadError, Playlist, ProbeResult
from downloads.ytdlp.self_test_server import SelfTestServer, serve_files
from downloads.ytdlp.streams import StreamUpdate

OVERRIDDEN_METHODS = (
    *("dl", "urlopen", "process_ie_result", "process_subtitles", "_write_thumbnails", "_write_subtitles"),
)


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
        serve_files(Path(name)) as server,
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

    def __init__(self, server: SelfTestServer, folder: Path, proxy_url: str) -> None:
        self.server = server
        self.folder = folder
        self.proxy_url = proxy_url

    def run(self) -> None:
        """Run all of it; raise SelfTestFailed."""
        self._check_egress_proxy()
        settings.ALLOW_PRIVATE_HOSTS = True  # in this process, which fetches from our own server only
        self._check_missing_page()
        self._check_playlist()
        with _count_overridden_calls() as calls:
            self._check_page()
            if "/hls/index.m3u8" in self.server.files:
                self._check_fragments()
        _require(
            not set(OVERRIDDEN_METHODS) - set(calls), f"yt-dlp no longer calls {set(OVERRIDDEN_METHODS) - set(calls)}"
        )

    def _check_egress_proxy(self) -> None:
        """Check that requests go through the proxy, which refuses addresses of this machine."""
        settings.ALLOW_PRIVATE_HOSTS = False
        try:
            self._probe("/tone.wav", "proxy")
        except DownloadError as error:
            _require(error.permanent and "Downloads" in str(error), f"another error than the proxy’s: {error}")
        else:
            raise SelfTestFailed("it fetched from a forbidden address")
        _require(not self.server.requests, "it went past the proxy to a forbidden address")

    def _check_missing_page(self) -> None:
        """Check that the status of an error is found in what yt-dlp raises."""
        try:
            self._probe("/missing.html", "missing")
        except DownloadError as error:
            _require(error.permanent, f"a missing page is not a permanent error: {error}")
        else:
            raise SelfTestFailed("it found a video on a missing page")

    def _check_playlist(self) -> None:
        result = self._look_up("/two.html", "two")
        _require(isinstance(result, Playlist) and len(result.entries) == 2, "it finds no list on a page of two videos")

    def _check_page(self) -> None:
        """Download a page's file, whose first response is cut off, with its thumbnail and subtitles."""
        from downloads.ytdlp.selected_ytdlp import VERSION  # noqa: PLC0415 - once the version is loaded

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

    def _look_up(self, path: str, name: str) -> ProbeResult | Playlist:
        from downloads.ytdlp import downloader  # noqa: PLC0415 - once the version is loaded

        folder = self.folder / name
        folder.mkdir()
        return downloader.probe_url(self.server.url(path), folder, proxy_url=self.proxy_url, subtitle_languages="en")

    def _probe(self, path: str, name: str) -> ProbeResult:
        result = self._look_up(path, name)
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
