"""Layout stability: cards that appear, disappear or move are animated, and the scroll position is kept."""

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from downloads.models import Video
from downloads.tests.support.factories import finish_video, running_with_metadata
from downloads.tests.support.pages import VIEWPORTS, card, open_activity, open_live_page, wait_until_stable
from downloads.tests.support.waiting import wait_until

pytestmark = [pytest.mark.alone, pytest.mark.chromium, pytest.mark.processes]

OBSERVER_SCRIPT = """() => {
window.shifts = [];
window.glides = [];
// The words of these are right-aligned: when they change, they begin elsewhere in their line.
const hasOtherWords = ({ node, previousRect, currentRect }) =>
  node?.closest?.(".row .state, .tools") && previousRect.bottom === currentRect.bottom;
new PerformanceObserver((list) => {
  for (const { value, sources } of list.getEntries())
    if (!sources.length || !sources.every(hasOtherWords))
      window.shifts.push([value, ...sources.map(({ node }) => node?.className ?? "")]);
}).observe({ type: "layout-shift" });
const animate = Element.prototype.animate;
Element.prototype.animate = function (...how) {
  window.glides.push([this.dataset.videoId ?? this.className, how[0].translate?.[0] ?? "", how[1]]);
  return animate.apply(this, how);
};
}"""
HAS_WHOLE_PICTURE = """() => {
  const { offsetHeight, offsetWidth } = document.querySelector(".screen");
  return Math.abs(offsetHeight - Math.min((offsetWidth * 9) / 16, innerHeight * 0.8)) <= 1;
}"""
# What moves stops shortly before its end, until it is released.
HOLD_GLIDES = """() => {
const animate = Element.prototype.animate;
Element.prototype.animate = function (...how) {
  const animation = animate.apply(this, how);
  animation.pause();
  animation.currentTime = 180;
  return animation;
};
window.releaseGlides = () => { Element.prototype.animate = animate; };
}"""
# As an action that concerns the whole queue does.
FETCH_LIST = """() => document.body.dispatchEvent(
  new CustomEvent("acted", { bubbles: true, detail: { ids: [] } }))"""
WAITING_URLS = ("http://e.example.org/", "http://f.example.org/")
TOP_EDGE = "element => element.getBoundingClientRect().top"


@pytest.fixture
def page(request, context: BrowserContext, kept_page, site) -> Page:
    """The activity page, with three videos that run, beside 14 complete ones in the library."""
    for number in range(14):
        finish_video(running_with_metadata(f"old-{number}"))
    page = context.new_page()
    page.set_viewport_size(VIEWPORTS[request.param])
    page.videos = [running_with_metadata(name) for name in "abc"]  # type: ignore[attr-defined]
    # A page whose snapshot has another rev fetches its list, at any time within the next seconds.
    wait_until(site.has_announced_all, "the rev of the snapshot")
    open_activity(page, site)
    page.evaluate(OBSERVER_SCRIPT)
    return page


def collect_glides(page: Page) -> list[list]:
    """Wait for running animations; return the moves since the last call: [element, distance, milliseconds]."""
    page.wait_for_function("() => window.glides.length")
    wait_until_stable(page)
    glides = page.evaluate("window.glides.splice(0)")
    assert {took for *_, took in glides} == {300}
    return glides


def find_moves(glides: list[list], video: Video) -> list[str]:
    """Return the distances by which the row of a video has moved."""
    return [distance for element, distance, _ in glides if element == video.video_id and distance != "0px 0px"]


def expect_status(page: Page, video: Video, status: str) -> None:
    expect(card(page, video)).to_have_attribute("data-status", status)


def scroll_library_down(page: Page, site) -> float:
    """Open the library, scroll almost to its end, and return where its oldest card is."""
    open_live_page(page, site)
    page.evaluate(OBSERVER_SCRIPT)
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.evaluate("scrollBy(0, -60)")
    wait_until_stable(page)
    assert page.evaluate("scrollY") > 0
    return page.locator(".grid > li").last.evaluate(TOP_EDGE)


def expect_oldest_cards_at(page: Page, before: float) -> None:
    """Fail unless the line of the oldest card is where it was."""
    tops = page.locator(".grid > li").evaluate_all(f"cards => cards.map({TOP_EDGE})")
    # With several cards in a line, each moves by one place; the lines stay. Chromium scrolls by whole pixels, so
    # each of two swaps may be off by half of one.
    assert min(abs(top - before) for top in tops[-2:]) <= 1


@pytest.mark.parametrize("page", ["phone", pytest.param("desk", marks=pytest.mark.soak)], indirect=True)
def test_nothing_jumps_when_rows_come_and_go(page):
    first, second, third = page.videos
    finish_video(second)
    expect(card(page, second)).to_have_count(0)
    # What stands below it moves up.
    assert find_moves(collect_glides(page), third)
    new = running_with_metadata("d")
    expect_status(page, new, "downloading")
    collect_glides(page)
    waiting, waiting_longer = (Video.objects.ingest(url, url)[0] for url in WAITING_URLS)
    for video in (waiting, waiting_longer):
        expect_status(page, video, "queued")
    collect_glides(page)
    for video in (first, third, new):
        finish_video(video)
        expect(card(page, video)).to_have_count(0)
        # A row that is inserted during an animation moves on, which the browser may count as a shift.
        collect_glides(page)
    waiting.cancel()
    expect_status(page, waiting, "cancelled")
    # The row itself is animated to its place in the other section, below what waits.
    assert find_moves(collect_glides(page), waiting)
    expect(page.get_by_role("heading", name="Downloading")).to_be_hidden()
    assert page.evaluate("window.shifts") == []
    page.emulate_media(reduced_motion="reduce")
    last = running_with_metadata("last")
    expect_status(page, last, "downloading")
    assert page.evaluate("window.glides") == []


@pytest.mark.parametrize("page", ["desk", pytest.param("phone", marks=pytest.mark.soak)], indirect=True)
def test_what_is_read_stays_where_one_has_scrolled(page, site):
    before = scroll_library_down(page, site)
    finish_video(page.videos[0])
    expect_status(page, page.videos[0], "complete")
    collect_glides(page)
    expect_oldest_cards_at(page, before)
    assert page.evaluate("window.shifts") == []


@pytest.mark.parametrize("page", ["desk", pytest.param("phone", marks=pytest.mark.soak)], indirect=True)
def test_what_is_read_stays_when_the_list_is_replaced_while_cards_move(page, site):
    before = scroll_library_down(page, site)
    page.evaluate(HOLD_GLIDES)
    finish_video(page.videos[0])
    expect_status(page, page.videos[0], "complete")
    page.wait_for_function("() => window.glides.splice(0).length")
    page.evaluate("window.releaseGlides()")
    replaced = page.locator("[data-list]").element_handle()
    page.evaluate(FETCH_LIST)
    page.wait_for_function("list => !list.isConnected", arg=replaced)
    # What moved goes on from where it was.
    assert collect_glides(page)
    expect_oldest_cards_at(page, before)
    assert page.evaluate("window.shifts") == []


@pytest.mark.parametrize(
    ("page", "end"),
    [
        ("desk", "complete"),
        ("phone", "failed"),
        *(pytest.param(*case, marks=pytest.mark.soak) for case in (("phone", "complete"), ("desk", "failed"))),
    ],
    indirect=["page"],
)
def test_the_page_of_a_video_stays_where_it_is_when_that_ends(page, site, long_clip, end):
    video = page.videos[0]
    open_live_page(page, site, video.get_absolute_url())
    expect(page.get_by_role("progressbar")).to_be_visible()
    wait_until_stable(page)
    page.evaluate(OBSERVER_SCRIPT)
    heading = page.get_by_role("heading", level=1)
    before = heading.evaluate(TOP_EDGE)
    if end == "complete":
        finish_video(video, long_clip)
    else:
        video.fail("The site says no.")
    expect(page.locator("main [data-video-id]")).to_have_attribute("data-status", end)
    expect(page.locator("video")).to_have_count(int(end == "complete"))
    wait_until_stable(page)
    assert heading.evaluate(TOP_EDGE) == before
    assert page.evaluate("window.shifts") == []
    if end == "complete":
        # Once it plays, the picture has the ratio of its file (16:9), as high as the window permits.
        page.locator("video").evaluate("video => { video.muted = true; return video.play(); }")
        page.wait_for_function(HAS_WHOLE_PICTURE)
