"""What the browser's tests share: videos in a state, and where a page shows them."""

from axe_playwright_python.base import AxeResults
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from downloads.models import Metadata, Status, StoredFiles, Video
from downloads.progress import publisher
from downloads.progress.message import Progress
from downloads.tests.conftest import wait_until

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


def running_with_metadata(name: str) -> Video:
    """Return a video that a worker has begun to download."""
    # A site of its own each: how many of one site run at once is limited.
    url = f"http://{name}.example.org/"
    Video.objects.ingest(url, url)
    video = Video.objects.claim("w")
    assert video
    assert video.save_metadata(Metadata(title=name, uploader="Ada", duration=60))
    return video


def finish_video(video: Video, media_file: str = "", size: int = 603_000_000) -> None:
    assert video.finish(StoredFiles(media_file or f"{video.video_id}.mp4", size), lambda: None)


def publish_percent(video: Video, percent: float | None, **fields) -> None:
    assert publisher.publish_progress(video.video_id, Progress(percent=percent, attempt=video.attempt, **fields))


def card(page: Page, video: Video) -> Locator:
    return page.locator(f"[data-video-id='{video.video_id}']")


def progress_bar(page: Page, video: Video) -> Locator:
    return card(page, video).get_by_role("progressbar")


def open_live_page(page: Page, site, path: str = "/") -> Page:
    page.goto(site.url + path)
    expect(page.locator("html[data-connection=live]")).to_be_attached()
    return page


def wait_until_stable(page: Page) -> None:
    """Wait until nothing moves: fonts loaded, htmx settled, no animation that ends still running, all of it drawn.

    To be called before positions, colours or pictures are measured. It asks from outside: where scripts are disabled,
    a page runs no callback, so Playwright's own waiting would see only the first answer.
    """
    wait_until(lambda: page.evaluate(STABLE), 15, "the page is stable")
    if page.evaluate("() => matchMedia('(scripting: enabled)').matches"):
        page.evaluate(NEXT_FRAME_DRAWN)


def check_accessibility(page: Page, where: str, rules: list[str]) -> None:
    """Fail if axe finds violations. Cards are fetched up to 1 s after an event: look again if one came meanwhile."""
    for _ in range(AXE_ATTEMPTS):
        wait_until_stable(page)
        before = page.inner_html("body")
        results: AxeResults = Axe().run(page, options={"runOnly": rules})
        if not results.violations_count or page.inner_html("body") == before:
            break
    assert results.violations_count == 0, f"{where}: {results.generate_report()}"


def expect_connection(page: Page, name: str, **how) -> None:
    expect(page.locator("html")).to_have_attribute("data-connection", name, **how)


def running_beyond_limits(count: int) -> list[Video]:
    """Return videos that run, as many as no limit of this machine would let start."""
    addresses = [f"http://{number}.example.org/" for number in range(count)]
    videos = [Video.objects.ingest(address, address)[0] for address in addresses]
    Video.objects.update(status=Status.DOWNLOADING)
    return videos
