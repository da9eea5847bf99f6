"""The connections of a browser: six to a host, which players and downloads share with the pages."""

import contextlib
import filecmp
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import BrowserContext, Page, expect

from downloads.models import Video
from downloads.tests.support import clips, nginx
from downloads.tests.support.factories import finish_video, running_with_metadata

pytestmark = [pytest.mark.chromium, pytest.mark.processes]

START_SCRIPT = "(video) => { video.muted = true; video.play(); }"
PAUSE_AFTER_A_SECOND_SCRIPT = """(video) => new Promise((done) => {
  const look = () => video.currentTime > 1 ? done(video.pause()) : requestAnimationFrame(look);
  look();
})"""
PLAY_TO_THE_END_SCRIPT = """(video) => new Promise((done, broken) => {
  video.onended = () => done(video.currentTime);
  video.onerror = () => broken(video.error);
  video.currentTime = video.duration - 2;
  video.play().catch(broken);
})"""
# The time for which the request of a page waited for a connection.
QUEUED_MS_SCRIPT = "() => { const [entry] = performance.getEntriesByType('navigation');" + (
    " return entry.requestStart - entry.fetchStart; }"
)


@pytest.fixture(scope="session")
def large_clip() -> str:
    """The name of a video file in the media folder of more than 50 MB."""
    path = settings.MEDIA_ROOT / "large-clip.mp4"
    codec_options = clips.H264 if clips.has_h264() else clips.MPEG4
    rate = ["-b:v", "8M", "-minrate", "8M", "-maxrate", "8M", "-bufsize", "8M"]
    noise = ["-f", "lavfi", "-i", "testsrc2=size=320x240:rate=12,noise=alls=100:allf=t"]
    clips.run_ffmpeg(*noise, "-t", "60", *codec_options, *rate, "-movflags", "+faststart", path)
    assert path.stat().st_size > 50_000_000
    return path.name


@pytest.fixture
def large_videos(site, large_clip) -> list[Video]:
    videos = [running_with_metadata(f"large{number}") for number in range(8)]
    for video in videos:
        finish_video(video, large_clip)
    return videos


@pytest.fixture(params=["direct", pytest.param("nginx", marks=pytest.mark.soak)])
def address(request, site, tmp_path) -> Iterator[str]:
    if request.param == "direct":
        yield f"{site.url}/"
        return
    with nginx.run_deployed_nginx(site.url, tmp_path) as url:
        yield url


def open_page(context: BrowserContext, url: str) -> Page:
    page = context.new_page()
    page.goto(url)
    return page


def test_seven_paused_players_leave_a_connection_for_the_next_page(context, large_videos, address):
    urls = [address.rstrip("/") + video.get_absolute_url() for video in large_videos]
    players = [open_page(context, url).locator("video") for url in urls[:7]]
    # All at once: Chromium lets the connection of a player go that was paused 15 s ago.
    for script in (START_SCRIPT, PAUSE_AFTER_A_SECOND_SCRIPT):
        for player in players:
            player.evaluate(script)
    page = open_page(context, urls[7])
    assert page.evaluate(QUEUED_MS_SCRIPT) < 5000  # far less than the 15 s; a busy machine takes some of it
    expect(page.locator("video")).to_have_js_property("readyState", 4)
    # Paused all the while, the first goes on, beyond what it had fetched.
    assert players[0].evaluate(PLAY_TO_THE_END_SCRIPT) > 55


class CuttingProxy(threading.Thread):
    """A TCP proxy that cuts the first response to a download after `CUT_BYTES`."""

    CUT_BYTES = 20_000_000

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.server_port = port
        self.download_requests: list[str] = []

    def run(self) -> None:
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.serve_safely, args=(client,), daemon=True).start()

    def serve_safely(self, client: socket.socket) -> None:
        """Serve a client; either side may disconnect at any time."""
        with contextlib.suppress(OSError):
            self.serve(client)

    def serve(self, client: socket.socket) -> None:
        """Pass one request and its response on."""
        request = client.recv(65536).replace(b"keep-alive", b"close").replace(b"Upgrade", b"Close")
        left = None
        if b"?download" in request.split(b"\r\n")[0]:
            left = None if self.download_requests else self.CUT_BYTES
            self.download_requests.append(request.decode())
        with client, socket.create_connection(("127.0.0.1", self.server_port)) as server:
            server.sendall(request.replace(f":{self.port}".encode(), f":{self.server_port}".encode()))
            while (left is None or left > 0) and (data := server.recv(65536)):
                client.sendall(data)
                left = None if left is None else left - len(data)


def test_a_download_that_was_cut_resumes_to_a_whole_file(context, site, large_videos, large_clip):
    proxy = CuttingProxy(site.port)
    proxy.start()
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{proxy.port}{large_videos[0].get_absolute_url()}")
    with page.expect_download() as download:
        page.get_by_role("link", name="Save to this device").click()
    path = Path(download.value.path())
    assert [("Range: bytes=" in request) for request in proxy.download_requests] == [False, True]
    assert filecmp.cmp(path, settings.MEDIA_ROOT / large_clip, shallow=False)
