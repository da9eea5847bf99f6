"""What the browser's tests share: videos in a state, and where a page shows them."""

from playwright.sync_api import Locator, Page, expect

from downloads.models import Facts, Filed, Status, Video
from downloads.progress import publisher
from downloads.progress.message import Progress

# What axe looks for, besides its best practices.
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def running(name: str) -> Video:
    """Return a video that a worker has begun to download."""
    # A site of its own each: how many of one site run at once is limited.
    url = f"http://{name}.example.org/"
    Video.objects.ingest(url, url)
    video = Video.objects.claim("w")
    assert video
    assert video.describe(Facts(title=name, uploader="Ada", duration=60))
    return video


def finish(video: Video, media_file: str = "", size: int = 603_000_000) -> None:
    assert video.finish(Filed(media_file or f"{video.video_id}.mp4", size), lambda: None)


def move(video: Video, percent: float | None, **fields) -> None:
    assert publisher.publish(video.video_id, Progress(percent=percent, attempt=video.attempt, **fields))


def card(page: Page, video: Video) -> Locator:
    return page.locator(f"[data-video-id='{video.video_id}']")


def bar(page: Page, video: Video) -> Locator:
    return card(page, video).get_by_role("progressbar")


def opened(page: Page, site, path: str = "/") -> Page:
    page.goto(site.url + path)
    expect(page.locator("html[data-connection=live]")).to_be_attached()
    return page


def connection(page: Page, name: str, **how) -> None:
    expect(page.locator("html")).to_have_attribute("data-connection", name, **how)


def downloading(count: int) -> list[Video]:
    """Return videos that run, as many as no limit of this machine would let start."""
    addresses = [f"http://{number}.example.org/" for number in range(count)]
    videos = [Video.objects.ingest(address, address)[0] for address in addresses]
    Video.objects.update(status=Status.DOWNLOADING)
    return videos
