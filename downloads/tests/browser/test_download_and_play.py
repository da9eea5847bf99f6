"""End-to-end test of the main use: `manage.py up`, sign in, paste, watch in two tabs, play."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from downloads.tests.support.media_server import MediaServer
from downloads.tests.support.pages import add_urls, open_as_first_admin
from downloads.tests.support.processes import ArchiveProcess, temporary_archive
from downloads.tests.support.waiting import wait_until

pytestmark = [pytest.mark.chromium, pytest.mark.processes, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def running_archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ArchiveProcess]:
    with temporary_archive(tmp_path_factory.mktemp("up")) as archive:
        archive.start("up", "--port", "0", "--workers", "4", YTARCHIVE_ALLOW_PRIVATE_HOSTS="1", YTARCHIVE_PER_HOST="8")
        archive.await_ready()
        yield archive


@pytest.fixture
def page(context: BrowserContext, running_archive: ArchiveProcess) -> Page:
    """The library, signed in with the password that the first start printed."""
    return open_as_first_admin(context, running_archive)


def test_it_downloads_pasted_urls_live_in_two_tabs_and_plays_them(
    page, context, running_archive, media_server: MediaServer
):
    url = running_archive.await_ready()
    library, other = page, context.new_page()
    page = context.new_page()
    for tab in (page, other):
        tab.goto(f"{url}activity/")
    for tab in (page, other, library):
        expect(tab.locator("html[data-connection=live]")).to_be_attached()
    add_urls(
        page,
        media_server.url("/slow/direct.mp4?rate=10000"),
        media_server.url("/slowhls/index.m3u8?rate=10000"),
        media_server.url("/page/A%20film%20in%20a%20page?src=/slow/paged.mp4?rate=10000"),
    )
    for tab in (page, other):
        tab.wait_for_function(ALL_BARS_MOVE, timeout=60_000)
    media_server.released.set()
    for tab in (page, other):
        expect(tab.locator("[data-video-id]")).to_have_count(0, timeout=90_000)
        expect(tab.get_by_role("progressbar")).to_have_count(0)
    page = library
    expect(page.locator("[data-video-id][data-status=complete]")).to_have_count(3)
    page.get_by_role("link", name="direct").first.click()
    player = page.locator("video")
    # Functions, not expressions: the content security policy forbids evaluating strings.
    page.wait_for_function("() => document.querySelector('video')?.duration > 0")
    player.evaluate("video => { video.muted = true; return video.play(); }")
    page.wait_for_function("() => document.querySelector('video').currentTime > 0.2")
    player.evaluate("video => { video.currentTime = video.duration * 0.8; }")
    page.wait_for_function(
        "() => (v => !v.seeking && v.currentTime >= v.duration * 0.8)(document.querySelector('video'))"
    )
    stored = next((running_archive.data / "media").rglob("*irect*.mp4"))
    assert stored.read_bytes() == media_server.clip


# Three bars have moved at the same time.
ALL_BARS_MOVE = """() => {
    const bars = [...document.querySelectorAll('[data-video-id] [role=progressbar]')];
    window.seen ??= {};
    for (const bar of bars) {
        const id = bar.closest('[data-video-id]').dataset.videoId;
        (seen[id] ??= new Set()).add(bar.getAttribute('aria-valuenow') ?? bar.getAttribute('aria-valuetext'));
    }
    return bars.length === 3 && Object.values(seen).filter((values) => values.size >= 3).length === 3;
}"""


def test_it_says_why_a_broken_one_failed_and_retries_it(page, running_archive, media_server: MediaServer):
    page.goto(f"{running_archive.await_ready()}activity/")
    add_urls(page, media_server.url("/missing.mp4"))
    failed = page.locator("[data-video-id][data-status=failed]")
    expect(failed).to_contain_text("404", timeout=40_000)
    expect(failed).to_contain_text("Not found")
    before = media_server.count_requests("/missing.mp4")
    failed.get_by_role("button", name="Retry").click()
    wait_until(lambda: media_server.count_requests("/missing.mp4") > before, "it is asked for again")
    expect(failed).to_contain_text("404", timeout=40_000)
