"""Fixtures for tests in a real Chromium, against the site's own processes on the tests' data folder."""

from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from playwright.sync_api import Browser, BrowserContext, Page, expect

from downloads.progress.keys import SNAPSHOT_KEY, WORKER_SEEN_KEY
from downloads.tests.support import clips
from downloads.tests.support.processes import RunManage, manage_processes
from downloads.tests.support.redis_server import RedisServer
from downloads.tests.support.site import PASSWORD, ServerUnderTest
from downloads.tests.support.waiting import wait_until

expect.set_options(timeout=15_000)


@pytest.fixture(scope="session")
def session_site(session_redis_server: RedisServer, static_files, tmp_path_factory) -> Iterator[ServerUnderTest]:
    """The site's web server, shared by all tests of the session; the `site` fixture starts the bridge."""
    for run_manage in manage_processes(tmp_path_factory.mktemp("site")):
        yield ServerUnderTest(run_manage, run_manage)


@pytest.fixture
def site(
    transactional_db, session_site: ServerUnderTest, redis_server: RedisServer, run_manage: RunManage
) -> ServerUnderTest:
    """The running site, with an empty archive."""
    session_site.manage = run_manage
    session_site.start_bridge()
    if not session_site.answers():
        session_site.start_web()
    # A page is live from the first message on; what is published before that is lost.
    with redis_server.client() as client:
        client.set(WORKER_SEEN_KEY, 1)  # no worker runs, which pages would say
        wait_until(lambda: client.exists(SNAPSHOT_KEY), 20, "the bridge leads")
    return session_site


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context()
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, site: ServerUnderTest) -> Iterator[Page]:
    """A page that fails its test when an error is logged in its console."""
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.errors = errors  # type: ignore[attr-defined]
    yield page
    assert not errors


@pytest.fixture
def sign_in(site: ServerUnderTest) -> Callable[[Page], None]:
    get_user_model().objects.create_superuser("ada", password=PASSWORD)

    def enter(page: Page) -> None:
        page.goto(f"{site.url}/accounts/login/")
        page.get_by_label("Username", exact=True).fill("ada")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{site.url}/")

    return enter


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
