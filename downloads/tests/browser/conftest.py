"""Fixtures for tests in a real Chromium, against the site's own processes on the tests' data folder."""

from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from downloads.progress.keys import SNAPSHOT_KEY, WORKER_SEEN_KEY
from downloads.tests.support import clips
from downloads.tests.support.pages import set_session
from downloads.tests.support.processes import manage_processes
from downloads.tests.support.redis_server import RedisServer
from downloads.tests.support.site import ServerUnderTest
from downloads.tests.support.waiting import wait_until

expect.set_options(timeout=30_000)
KEPT_PATH = "/healthz"


@pytest.fixture(scope="session")
def session_site(session_redis_server: RedisServer, static_files, tmp_path_factory) -> Iterator[ServerUnderTest]:
    """The site's processes, shared by all tests of the session; the `site` fixture starts them."""
    for run_manage in manage_processes(tmp_path_factory.mktemp("site")):
        yield ServerUnderTest(run_manage)


@pytest.fixture
def site(transactional_db, session_site: ServerUnderTest, redis_server: RedisServer) -> ServerUnderTest:
    """The running site, with an empty archive."""
    session_site.start_what_does_not_run()
    # A page is live from the first message on; what is published before that is lost. A bridge that ran finds its lease
    # gone from the emptied Redis, and begins anew from the rows.
    with redis_server.client() as client:
        client.set(WORKER_SEEN_KEY, 1)  # no worker runs, which pages would say
        wait_until(lambda: client.exists(SNAPSHOT_KEY), "the bridge leads")
    return session_site


@pytest.fixture(scope="session")
def session_context(browser: Browser) -> BrowserContext:
    """The context of most tests: pages of one context share a process, which takes seconds to start and to warm up."""
    return browser.new_context()


@pytest.fixture
def context(session_context: BrowserContext) -> Iterator[BrowserContext]:
    """A context without cookies, permissions and stored values; its tabs are closed with the test."""
    yield session_context
    session_context.set_offline(False)
    session_context.clear_permissions()
    for page in session_context.pages:
        if page.url.endswith(KEPT_PATH):
            continue
        page.close()
    session_context.clear_cookies()
    for page in session_context.pages:
        page.evaluate("localStorage.clear()")


@pytest.fixture
def kept_page(context: BrowserContext, site: ServerUnderTest) -> Page:
    """A page that stays open, so that the context's process goes on."""
    for page in context.pages:
        return page
    page = context.new_page()
    page.goto(site.url + KEPT_PATH)
    return page


def is_error(message: ConsoleMessage) -> bool:
    """Return whether something went wrong; htmx also reports a request that a later one has replaced."""
    return message.type == "error" and not message.text.startswith(("htmx:sendAbort", "htmx:afterRequest"))


def open_checked_page(context: BrowserContext) -> Iterator[Page]:
    """Yield a page that fails its test when an error is logged in its console."""
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if is_error(message) else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.errors = errors  # type: ignore[attr-defined]
    yield page
    assert not errors


@pytest.fixture
def page(context: BrowserContext, kept_page: Page) -> Iterator[Page]:
    yield from open_checked_page(context)


@pytest.fixture
def page_with_clock(browser: Browser, site: ServerUnderTest) -> Iterator[Page]:
    """A page whose clock the test moves: of a context of its own, since all pages of a context share it."""
    context = browser.new_context()
    context.clock.install()
    yield from open_checked_page(context)
    context.close()


@pytest.fixture
def sign_in(site: ServerUnderTest) -> Callable[[Page], None]:
    """Sign a page's browser in as a superuser; `test_page_audit.py` does it by the form."""
    user = get_user_model().objects.create_superuser("ada")
    return lambda page: set_session(page.context, site.url, user)


@pytest.fixture
def long_clip() -> str:
    """The name of a video file in the media folder that is larger than what a player gets at once."""
    path = settings.MEDIA_ROOT / "browser-clip.mp4"
    if not path.exists():
        codec_options = clips.H264 if clips.has_h264() else clips.MPEG4
        # Strong noise, so that one minute takes several MB.
        noise = ["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=12,noise=alls=40:allf=t"]
        clips.run_ffmpeg(*noise, "-t", "60", *codec_options, "-b:v", "2M", "-movflags", "+faststart", path)
    return path.name
