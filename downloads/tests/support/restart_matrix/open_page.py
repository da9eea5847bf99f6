"""The activity page and the library in a real browser, compared with the rows."""

from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page

from downloads.tests.support.restart_matrix.archive import MatrixArchive, Row

CARDS_SCRIPT = """() => [...document.querySelectorAll("main [data-video-id]")].map((card) => {
  const bar = card.querySelector("[role=progressbar]");
  return [card.dataset.videoId, card.dataset.status, Number(card.dataset.attempt),
    bar ? Number(bar.getAttribute("aria-valuenow") ?? NaN) : null];
})"""


class OpenPage:
    """Two pages in a real browser, open for many cells, and never reloaded: activity, and the library.

    What is not complete is on the first, and what is complete on the second.
    """

    def __init__(self, context: BrowserContext, archive: MatrixArchive, renderers: Callable[[], set[int]]) -> None:
        self.archive = archive
        self.find_renderers = renderers
        self.library, self.activity = (self._open(context, path) for path in ("/", "/activity/"))
        self.devtools = context.new_cdp_session(self.activity)

    def _open(self, context: BrowserContext, path: str) -> Page:
        page = context.new_page()
        page.goto(self.archive.url + path)
        page.evaluate("window.neverReloaded = true")
        page.wait_for_selector("html[data-connection=live]", state="attached")
        return page

    def was_reloaded(self) -> bool:
        """Tell whether one of them is another page than the one that was opened."""
        pages = (self.library, self.activity)
        return not all(page.evaluate("window.neverReloaded === true") for page in pages)

    def differences(self, rows: dict[str, Row], video_ids: list[str]) -> list[str]:
        """Return what the pages show otherwise than the rows, or twice."""
        return [
            problem
            for page, has_complete in ((self.activity, False), (self.library, True))
            for problem in self._differences_of(page, rows, video_ids, has_complete)
        ]

    def _differences_of(self, page: Page, rows: dict[str, Row], video_ids: list[str], has_complete: bool) -> list[str]:
        cards = page.evaluate(CARDS_SCRIPT)
        shown = {video_id: values for video_id, *values in cards}
        wanted = {video_id for video_id, row in rows.items() if (row.status == "complete") == has_complete}
        problems = [f"{video_id} is not shown" for video_id in wanted.intersection(video_ids) - shown.keys()]
        problems += [f"{video_id} is on the wrong page" for video_id in shown.keys() - wanted]
        problems += ["a video is shown twice"] * (len(shown) != len(cards))
        for video_id, (status, attempt, percent) in shown.items():
            row = rows.get(video_id)
            if row is None or (status, attempt) != (row.status, row.attempt):
                problems.append(f"{video_id} is shown as {status} {attempt}, and is {row}")
            elif row.status in ("downloading", "processing") and not _is_same_percent(percent, row.percent):
                problems.append(f"{video_id} is shown with {percent} %, and has {row.percent} %")
        return problems


def _is_same_percent(shown: float | None, stored: float | None) -> bool:
    if shown is None or shown != shown or stored is None:  # NaN: a bar without a percent
        return stored is None and (shown is None or shown != shown)
    return abs(shown - stored) <= 1
