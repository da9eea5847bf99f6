"""Helpers of the browser tests: opening pages, finding parts of them, and waiting until they are stable."""

from axe_playwright_python.base import AxeResults
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import BrowserContext, Locator, Page, expect

from downloads.models import Video
from downloads.tests.support.prepared_data import ADMIN_PASSWORD
from downloads.tests.support.processes import ArchiveProcess
from downloads.tests.support.waiting import wait_until

# What axe looks for, besides its best practices.
WCAG_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

# Bars without a percent and the dot while reconnecting are animated forever; what has not begun after its delay
# (a message fades after 15 s) does not move either.
STABLE = """() => document.readyState === "complete" && document.fonts.status === "loaded" &&
  !document.querySelector(".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added") &&
  document.getAnimations().every(({ effect, playState }) => {
    const { endTime, progress } = effect.getComputedTiming();
    return playState !== "running" || progress === null || endTime === Infinity;
  })"""
# The first frame from now on has been drawn when a second one begins.
NEXT_FRAME_DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
AXE_ATTEMPTS = 5


VIEWPORTS = {"desk": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}


def set_session(context: BrowserContext, url: str, user: User) -> None:
    """Sign a browser in, without the page for it and the slow hash of a password."""
    client = Client()
    client.force_login(user)
    cookies = [{"name": cookie.key, "value": cookie.value, "url": url} for cookie in client.cookies.values()]
    context.add_cookies(cookies)  # type: ignore[arg-type]


def card(page: Page, video: Video) -> Locator:
    return page.locator(f"[data-video-id='{video.video_id}']")


def card_menu(page: Page, video: Video) -> Locator:
    """Open the menu of a card, and return it."""
    card(page, video).get_by_role("button", name="More for").press("Enter")
    return card(page, video).locator(".card-menu")


def progress_bar(page: Page, video: Video) -> Locator:
    return card(page, video).get_by_role("progressbar")


def open_live_page(page: Page, site, path: str = "/") -> Page:
    page.goto(site.url + path)
    expect(page.locator("html[data-connection=live]")).to_be_attached()
    return page


def open_activity(page: Page, site) -> Page:
    """Open the page that shows what downloads, waits, has failed or was cancelled."""
    return open_live_page(page, site, "/activity/")


def wait_until_stable(page: Page) -> None:
    """Wait until nothing moves: fonts loaded, htmx settled, no animation that ends still running, all of it drawn.

    To be called before positions, colours or pictures are measured. It polls from Python: where scripts are disabled,
    a page runs no callback, so Playwright's own waiting would see only the first answer.
    """
    wait_until(lambda: page.evaluate(STABLE), "the page is stable")
    if page.evaluate("() => matchMedia('(scripting: enabled)').matches"):
        page.evaluate(NEXT_FRAME_DRAWN)


def check_accessibility(page: Page, where: str, rules: list[str]) -> None:
    """Fail if axe finds violations. Cards are fetched up to 1 s after an event: look again if one came meanwhile."""
    for _ in range(AXE_ATTEMPTS):
        wait_until_stable(page)
        before = page.inner_html("body")
        # Not preloading style sheets: of those with @import it makes inline ones, which the content policy forbids.
        results: AxeResults = Axe().run(page, options={"runOnly": rules, "preload": False})
        if not results.violations_count or page.inner_html("body") == before:
            break
    assert results.violations_count == 0, f"{where}: {results.generate_report()}"


def expect_connection(page: Page, name: str, **options) -> None:
    expect(page.locator("html")).to_have_attribute("data-connection", name, **options)


def open_add_form(page: Page) -> Locator:
    """Return the field for links, once it is visible: in the sheet, or where scripts are disabled, on its own page."""
    field = page.get_by_label("Links")
    if not field.is_visible():
        page.get_by_role("link", name="Add").first.click()
        expect(field).to_be_visible()
    return field


def add_urls(page: Page, *urls: str) -> None:
    open_add_form(page).fill("\n".join(urls))
    page.get_by_role("button", name="Add", exact=True).click()


def open_as_first_admin(context: BrowserContext, archive: ArchiveProcess) -> Page:
    """Open the library, signed in with the password that the first start printed."""
    name, password = archive.wait_for_line(r"Username: (\S+)  Password: (\S+)").groups()
    return open_signed_in(context, archive, name, password)


def open_signed_in(
    context: BrowserContext, archive: ArchiveProcess, name: str = "admin", password: str = ADMIN_PASSWORD
) -> Page:
    """Open the library, signed in; by default as the admin of the prepared data folder."""
    page = context.new_page()
    page.goto(f"{archive.await_ready()}accounts/login/")
    page.get_by_label("Username", exact=True).fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    page.keyboard.press("Enter")
    page.wait_for_url(archive.await_ready())
    return page


def sign_out(page: Page) -> None:
    """Sign out by the account menu, which needs no script."""
    page.get_by_role("button", name="Account of").click()
    page.get_by_role("button", name="Sign out").click()
