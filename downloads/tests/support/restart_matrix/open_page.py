"""The library in a real browser, compared with the rows."""

from collections.abc import Callable

from playwright.sync_api import Page

from downloads.tests.support.restart_matrix.archive import MatrixArchive, Row

CARDS_SCRIPT = """() => [...document.querySelectorAll("[data-video-id]")].map((card) => {
  const bar = card.querySelector("[role=progressbar]");
  return [card.dataset.videoId, card.dataset.status, Number(card.dataset.attempt),
    bar ? Number(bar.getAttribute("aria-valuenow") ?? NaN) : null];
})"""


class OpenPage:
    """The library in a real browser, open for many cells, and never reloaded."""

    def __init__(self, page: Page, archive: MatrixArchive, renderers: Callable[[], set[int]]) -> None:
        self.page = page
        self.archive = archive
        self.find_renderers = renderers
        self.devtools = page.context.new_cdp_session(page)
        page.goto(archive.url)
        page.evaluate("window.neverReloaded = true")
        page.wait_for_selector("html[data-connection=live]", state="attached")

    def was_reloaded(self) -> bool:
        """Tell whether it is another page than the one that was opened."""
        return not self.page.evaluate("window.neverReloaded === true")

    def differences(self, rows: dict[str, Row], video_ids: list[str]) -> list[str]:
        """Return what the page shows otherwise than the rows, or twice."""
        cards = self.page.evaluate(CARDS_SCRIPT)
        shown = {video_id: values for video_id, *values in cards}
        problems = [f"{video_id} is not shown" for video_id in video_ids if video_id not in shown]
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
