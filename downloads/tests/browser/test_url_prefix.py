"""The archive under /tube/ of an nginx that shows another site at /, in a real browser."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from downloads.tests.support import nginx
from downloads.tests.support.media_server import MediaServer
from downloads.tests.support.pages import add_urls, sign_out
from downloads.tests.support.prepared_data import ADMIN_PASSWORD
from downloads.tests.support.processes import ArchiveProcess, temporary_archive

pytestmark = [pytest.mark.chromium, pytest.mark.processes, pytest.mark.timeout(240)]

PREFIX = "/tube/"
# The values that the bar of the one running video has shown.
BAR_HAS_MOVED = """() => {
    const bar = document.querySelector('[data-video-id] [role=progressbar]');
    window.values ??= new Set();
    const value = bar?.getAttribute('aria-valuenow');
    if (value) values.add(value);
    return values.size >= 3;
}"""


@pytest.fixture(scope="module")
def running_archive(tmp_path_factory: pytest.TempPathFactory, prepared_data: Path) -> Iterator[ArchiveProcess]:
    with temporary_archive(tmp_path_factory.mktemp("up"), prepared=prepared_data) as archive:
        archive.start(
            "up", "--port", "0", YTARCHIVE_PATH="tube", YTARCHIVE_ALLOW_PRIVATE_HOSTS="1", YTARCHIVE_PROXIES="1"
        )
        archive.await_ready()
        yield archive


@pytest.fixture
def site_url(running_archive: ArchiveProcess, tmp_path: Path) -> Iterator[str]:
    web_url = running_archive.await_ready()
    assert web_url.endswith(f":{urlsplit(web_url).port}{PREFIX}")
    with nginx.run_documented_nginx(web_url.removesuffix(PREFIX), tmp_path) as url:
        yield url


@pytest.fixture
def page(context: BrowserContext, site_url: str) -> Iterator[Page]:
    """A page that fails its test at an error in the console, and at a request outside of the path."""
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    strays: list[str] = []
    sockets: list[str] = []
    page.on("request", lambda request: strays.append(request.url))
    page.on("websocket", lambda socket: sockets.append(socket.url))
    yield page
    assert not errors
    inside = site_url.rstrip("/") + PREFIX
    # A blob is made by the player itself.
    assert [url for url in strays if not url.startswith((inside, "blob:", "data:"))] == []
    assert set(sockets) == {inside.replace("http", "ws", 1) + "ws/progress"}


def test_it_works_behind_the_documented_proxy(
    page, context, site_url, running_archive, media_server: MediaServer
) -> None:
    home = site_url.rstrip("/") + PREFIX
    assert context.request.get(home.rstrip("/")).url == home
    page.goto(home)
    page.get_by_role("link", name="Sign in").first.click()
    page.get_by_label("Username", exact=True).fill("admin")
    page.get_by_label("Password", exact=True).fill(ADMIN_PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(home)
    expect(page.locator("html[data-connection=live]")).to_be_attached()

    # Add it, and see it move.
    add_urls(page, media_server.url("/slow/direct.mp4?rate=10000"))
    page.get_by_role("link", name="Activity").first.click()
    page.wait_for_url(f"{home}activity/")
    page.wait_for_function(BAR_HAS_MOVED, timeout=60_000)
    media_server.released.set()
    page.goto(home)
    complete = page.locator(".card[data-video-id][data-status=complete]")
    expect(complete).to_have_count(1, timeout=90_000)

    # Search, and come back through the history.
    page.get_by_role("searchbox").fill("direct")
    expect(page.get_by_role("heading", name="Results for “direct”")).to_be_visible()
    page.wait_for_url(f"{home}?q=direct")
    expect(complete).to_have_count(1)
    page.get_by_role("navigation", name="Kind").get_by_role("link", name="Playlists").click()
    page.wait_for_url(f"{home}?q=direct&kind=list")
    expect(complete).to_have_count(0)
    with page.expect_event("load"):  # htmx keeps no history of its own (historyCacheSize) and loads the page
        page.go_back()
    assert page.url == f"{home}?q=direct"
    expect(complete).to_have_count(1)

    # Play it.
    page.get_by_role("link", name="direct").first.click()
    page.wait_for_url(f"{home}videos/*/")
    page.wait_for_function("() => document.querySelector('video')?.duration > 0")
    page.locator("video").evaluate("video => { video.muted = true; return video.play(); }")
    page.wait_for_function("() => document.querySelector('video').currentTime > 0.2")
    page.locator("video").evaluate("video => video.pause()")

    # The admin: the list is live too.
    page.get_by_role("button", name="Account of").click()
    page.get_by_role("link", name="Admin", exact=True).click()
    page.wait_for_url(f"{home}admin/")
    page.get_by_role("link", name="Videos").first.click()
    page.wait_for_url(f"{home}admin/downloads/video/")
    expect(page.locator("html[data-connection=live]")).to_be_attached()
    page.get_by_role("link", name="direct", exact=True).click()
    page.get_by_role("link", name="Open in the library").click()
    page.wait_for_url(f"{home}videos/*/")
    page.get_by_role("link", name="Library", exact=True).click()
    page.wait_for_url(home)

    # Delete it, in the dialog.
    complete.hover()
    complete.get_by_role("button", name="More for").click()
    complete.get_by_role("button", name="Delete").click()
    page.locator("#dialog").get_by_role("button", name="Delete").click()
    expect(complete).to_have_count(0)

    assert {cookie["path"] for cookie in context.cookies(home)} == {PREFIX}
    assert context.cookies(site_url) == []
    sign_out(page)
    expect(page.get_by_role("link", name="Sign in").first).to_be_visible()
    assert page.url == home


def test_the_other_site_is_as_it_was(site_url, running_archive, context) -> None:
    response = context.request.get(site_url)

    assert response.text() == nginx.OTHER_SITE_TEXT
