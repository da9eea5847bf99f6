"""Fragments that are fetched ahead: real yt-dlp, and a site that refuses, fails and counts its connections."""

import os
import signal
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from downloads.files import workspace
from downloads.network.proxy import EgressProxy
from downloads.tests.support.segment_site import SegmentSite
from downloads.tests.support.waiting import PATIENCE_SECONDS
from downloads.ytdlp import downloader
from downloads.ytdlp.adaptive_streaming import prefetching
from downloads.ytdlp.adaptive_streaming.fragments import FragmentClient, FragmentRange, mark_byte_range
from downloads.ytdlp.adaptive_streaming.prefetching import MAX_AHEAD, Prefetcher
from downloads.ytdlp.results import DownloadError
from downloads.ytdlp.selected_ytdlp import Request, TransportError

pytestmark = pytest.mark.usefixtures("ytdlp_environment")


@pytest.fixture
def site(session_media_server) -> Iterator[SegmentSite]:
    with SegmentSite(session_media_server.folder / "separate") as site:
        yield site
        site.shutdown()


@pytest.fixture
def download(tmp_path, site):
    """Run one attempt, and return the bytes as they came, and the updates; `on_update` is called with each of them."""

    def run(on_update=lambda update: None):
        updates = []

        def take(update):
            updates.append(update)
            on_update(update)

        workspace.prepare_for_resume(tmp_path)
        with EgressProxy() as proxy:
            probed = downloader.probe_url(site.url(), tmp_path, proxy_url=proxy.url)
            media = downloader.download_files(probed, take, threading.Event().set).media
        return media.read_bytes(), updates

    return run


@pytest.fixture(autouse=True)
def no_repairs(monkeypatch):
    """Keep the segments byte for byte: yt-dlp would write them into an MP4."""
    monkeypatch.setattr("yt_dlp.postprocessor.ffmpeg.FFmpegFixupM3u8PP.run", lambda self, info: ([], info))


@pytest.fixture
def at_any_pace(monkeypatch):
    """Fetch as much ahead on a slow machine as on a fast one."""
    monkeypatch.setattr(prefetching, "AHEAD_SECONDS", 600.0)


@pytest.mark.usefixtures("at_any_pace")
def test_a_site_that_allows_one_connection_is_asked_for_one_fragment_at_a_time(download, site):
    site.max_at_once, site.holds = 1, {"/1.ts": lambda: site.refused > 0}
    data, _ = download()
    assert data == site.joined
    assert 1 <= site.refused <= MAX_AHEAD
    assert site.peak == 1


def test_a_key_that_is_refused_beside_fragments_is_asked_for_again(download, site):
    site.is_encrypted, site.max_at_once = True, 1
    data, _ = download()
    assert data == site.joined


@pytest.mark.usefixtures("at_any_pace")
@pytest.mark.parametrize("is_encrypted", [False, True])
def test_fragments_are_fetched_ahead_and_joined_in_order(download, site, is_encrypted):
    site.is_encrypted, site.holds = is_encrypted, {"/1.ts": lambda: site.peak >= 3}
    data, updates = download()
    assert data == site.joined
    assert 3 <= site.peak <= MAX_AHEAD + 1
    assert [site.requests.count(path) for path in site.segments] == [1] * len(site.segments)
    complete = [update.fragment_index or 0 for update in updates if not update.is_finished]
    assert complete == sorted(complete)
    received = [update.downloaded_bytes for update in updates if not update.is_finished]
    assert received == sorted(received)
    assert updates[-1].downloaded_bytes == len(site.joined)


@pytest.mark.parametrize("failure", [{"failures": {"/2.ts": [503, 503]}}, {"cuts": {"/2.ts": 2}}])
def test_a_fragment_that_fails_is_retried_as_often_as_before(download, site, failure):
    for name, value in failure.items():
        setattr(site, name, value)
    data, _ = download()
    assert data == site.joined
    assert site.requests.count("/2.ts") == 3


def test_a_fragment_that_is_missing_fails_as_before(download, site, monkeypatch):
    errors, counts = [], []
    for max_ahead in (MAX_AHEAD, 0):
        monkeypatch.setattr(prefetching, "MAX_AHEAD", max_ahead)
        site.failures, site.requests = {"/2.ts": [404] * 50}, []
        with pytest.raises(DownloadError) as caught:
            download()
        errors.append((str(caught.value), caught.value.permanent))
        counts.append(site.requests.count("/2.ts"))
    assert errors[0] == errors[1]
    assert counts[0] == counts[1]


def test_a_kill_between_fragments_leaves_what_can_be_resumed(download, site, tmp_path):
    """The process is killed while fragments are on their way that it has not written yet."""
    read_fd, write_fd = os.pipe()
    pid = os.fork()
    if not pid:

        def wait_to_be_killed(update):
            if (update.fragment_index or 0) >= 3:
                os.write(write_fd, b".")
                signal.pause()

        try:
            download(wait_to_be_killed)
        finally:
            os._exit(1)
    assert os.read(read_fd, 1) == b"."
    os.kill(pid, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    site.requests.clear()
    data, _ = download()
    assert data == site.joined
    assert "/0.ts" not in site.requests


@pytest.mark.usefixtures("at_any_pace")
def test_every_request_ahead_goes_through_the_proxy(site, tmp_path):
    connections = []
    site.holds = {"/1.ts": lambda: site.peak > 1}

    def resolve(host, port):
        connections.append(port)
        return [host]

    with EgressProxy(resolve) as proxy:
        probed = downloader.probe_url(site.url(), tmp_path, proxy_url=proxy.url)
        downloader.download_files(probed, lambda update: None, threading.Event().set)
    assert site.peak > 1
    assert len(connections) == len(site.requests)


# Without yt-dlp -------------------------------------------------------------------------------------


class Sender:
    """Answers each request at once with its URL, and records it; one in `errors` fails once."""

    def __init__(self):
        self.urls = []
        self.errors = set()
        self.changed = threading.Condition()

    def __call__(self, request):
        with self.changed:
            self.urls.append(request.url)
            self.changed.notify_all()
        if request.url in self.errors:
            self.errors.remove(request.url)
            raise TransportError("cut")
        chunks = [request.url.encode(), b""]
        return SimpleNamespace(
            url=request.url,
            headers={},
            status=200,
            reason="OK",
            read=lambda amount=None: chunks.pop(0),
            close=lambda: None,
        )

    def wait_for(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.urls) >= count, PATIENCE_SECONDS)


URLS = [f"http://a.test/{n}" for n in range(16)]


@pytest.fixture
def sender():
    return Sender()


@pytest.fixture
def prefetcher(sender):
    def prepare(request, url):
        copy = request.copy()
        copy.url = url
        return copy

    prefetcher = Prefetcher(sender, prepare)
    prefetcher.plan(URLS)
    return prefetcher


@pytest.mark.parametrize(("seconds", "ahead"), [(0.0, 3), (0.49, 3), (0.7, 2), (1.4, 1), (1.6, 0), (60.0, 0)])
def test_a_slow_line_is_not_shared_by_several_fragments(prefetcher, sender, monkeypatch, seconds, ahead):
    now = [100.0]
    monkeypatch.setattr(prefetching.time, "monotonic", lambda: now[0])
    for number, url in enumerate(URLS[:5]):
        prefetcher.open(url, Request(url)).read()
        now[0] += seconds
        if number == 4:
            sender.wait_for(5 + ahead)
    assert sorted(sender.urls) == sorted(URLS[: 5 + ahead])


def test_each_url_gets_its_own_bytes_whatever_is_asked_for(prefetcher, sender):
    urls = [*URLS[:3], "http://a.test/key", URLS[2], URLS[3], URLS[5], URLS[4], URLS[6]]
    assert [prefetcher.open(url, Request(url)).read() for url in urls] == [url.encode() for url in urls]


def test_a_few_failures_end_it_for_good(prefetcher, sender, monkeypatch):
    monkeypatch.setattr(prefetching.time, "monotonic", lambda: 100.0)
    sender.errors = {URLS[2], URLS[7], URLS[12]}
    for url in URLS:
        try:
            response = prefetcher.open(url, Request(url))
        except TransportError:
            response = prefetcher.open(url, Request(url))
        assert response.read() == url.encode()
    assert not sender.errors
    assert sender.urls[-3:] == URLS[-3:]
    assert not prefetcher._is_allowed


def test_a_fragment_takes_bounded_memory_while_it_is_not_read(monkeypatch):
    monkeypatch.setattr(prefetching, "MAX_BUFFER_BYTES", 10)
    buffer = prefetching._FragmentBuffer()
    taken = []

    def fill():
        while buffer.put(b"12345"):
            taken.append(5)

    thread = threading.Thread(target=fill, daemon=True)
    thread.start()
    assert buffer.read(7) == b"1234512"
    assert buffer.read(100) == b"3451234512345"
    buffer.close()
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()
    assert sum(taken) <= 40


class RangeSender(Sender):
    """Answers with as many bytes as the requested range has, 10 without one; `status` may say that it has none."""

    def __init__(self):
        super().__init__()
        self.ranges = {}
        self.closed = []
        self.status = 206

    def __call__(self, request):
        value = request.headers.get("Range")
        self.ranges.setdefault(request.url, []).append(value)
        response = super().__call__(request)
        first, _, last = (value or "bytes=0-9").removeprefix("bytes=").partition("-")
        size = int(last) - int(first) + 1
        chunks = [bytes(size), b""]
        response.read = lambda amount=None: chunks.pop(0)
        response.status = self.status if value else 200
        response.headers = {"Content-Length": str(size), "Content-Range": f"bytes {first}-{last}/1000"}
        response.close = lambda: self.closed.append(request.url)
        return response


def test_a_range_is_that_of_its_own_fragment(monkeypatch):
    monkeypatch.setattr(prefetching.time, "monotonic", lambda: 100.0)
    sender = RangeSender()
    client = FragmentClient(sender)
    whole = [f"http://a.test/{n}" for n in range(6)]
    part = mark_byte_range("http://a.test/film", FragmentRange(100, 720))
    urls = [whole[0], whole[1], part, *whole[2:4], mark_byte_range(whole[4], FragmentRange(0, 5)), whole[4], whole[5]]
    client.prefetcher.plan(urls)
    sizes = [len(client.open(Request(url)).read(10_000)) for url in urls]
    assert sizes == [10, 10, 620, 10, 10, 5, 10, 10]
    assert sender.ranges["http://a.test/film"] == ["bytes=100-719"]
    assert sorted(sender.ranges[whole[4]], key=str) == [None, "bytes=0-4"]
    assert all(sender.ranges[url] == [None] for url in (*whole[:4], whole[5]))


def test_a_response_with_other_bytes_is_closed():
    sender = RangeSender()
    sender.status = 200
    with pytest.raises(DownloadError, match="is missing at the site"):
        FragmentClient(sender).open(Request(mark_byte_range("http://a.test/film", FragmentRange(100, 720))))
    assert sender.closed == ["http://a.test/film"]
