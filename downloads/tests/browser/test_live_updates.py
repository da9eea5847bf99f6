"""Live updates of the pages: progress bars move, end and reappear, in a real browser with the real processes."""

import pytest
from django.contrib.auth import get_user_model
from playwright.sync_api import Page, WebSocket, expect

from downloads.models import Status, Video, WatchState
from downloads.progress import publisher
from downloads.progress.message import Progress
from downloads.tests.support.factories import (
    create_videos,
    finish_video,
    publish_percent,
    running_beyond_limits,
    running_with_metadata,
)
from downloads.tests.support.pages import (
    card,
    expect_connection,
    open_activity,
    open_live_page,
    progress_bar,
    wait_until_stable,
)
from downloads.tests.support.waiting import wait_until

pytestmark = [pytest.mark.chromium, pytest.mark.processes]


def test_it_connects_when_the_page_is_loaded(page, site):
    sockets: list[WebSocket] = []
    page.on("websocket", lambda socket: sockets.append(socket))  # noqa: PLW0108 - Playwright marks the function
    open_live_page(page, site)
    assert [socket.url for socket in sockets] == [f"ws://127.0.0.1:{site.port}/ws/progress"]
    expect(page.get_by_text("Live", exact=True)).to_be_visible()


def test_it_moves_several_bars_at_once_without_a_reload(page, site):
    videos = [running_with_metadata(name) for name in ("one", "two", "three")]
    open_activity(page, site)
    page.evaluate("window.same = true")
    for round_ in (10, 55):
        for place, video in enumerate(videos):
            publish_percent(
                video, round_ + place, downloaded_bytes=412_000_000, total_bytes=603_000_000, speed=5.1e6, eta=37
            )
        for place, video in enumerate(videos):
            expect(progress_bar(page, video)).to_have_attribute("aria-valuenow", str(round_ + place))
    expect(card(page, videos[0])).to_contain_text("412 of 603 MB · 5.1 MB/s · 37 s left")
    expect(progress_bar(page, videos[0])).to_have_attribute(
        "aria-valuetext", "55 percent, 412 of 603 MB · 5.1 MB/s · 37 s left"
    )
    assert page.evaluate("window.same")
    expect(page).to_have_title("56 % · Activity · ytarchive")


RECORD_DRAWN_BARS = """
window.drawn = [];
new MutationObserver((changes) => {
  const rows = changes.map(({ target }) => target.parentElement?.closest("[data-video-id]")).filter(Boolean);
  if (rows.length) window.drawn.push(new Set(rows).size);
}).observe(document.querySelector("[data-list]"), { subtree: true, characterData: true, childList: true });
"""


@pytest.mark.alone
def test_many_bars_are_drawn_in_turn(page, site):
    videos = running_beyond_limits(80)
    open_activity(page, site)
    page.evaluate(RECORD_DRAWN_BARS)
    for video in videos:
        publish_percent(video, 42)
    expect(page.locator("[aria-valuenow='42']")).to_have_count(80)
    drawn = page.evaluate("window.drawn")
    assert sum(drawn) >= 80
    assert max(drawn) <= 25


def test_it_shows_an_unknown_total_as_unknown(page, site):
    video = running_with_metadata("a")
    open_activity(page, site)
    publish_percent(video, 10, downloaded_bytes=1)
    expect(progress_bar(page, video)).to_have_attribute("aria-valuenow", "10")
    publish_percent(video, None, downloaded_bytes=31_000_000, total_bytes=None)
    expect(progress_bar(page, video)).to_have_attribute("aria-valuetext", "31 MB")
    expect(progress_bar(page, video)).not_to_have_attribute("aria-valuenow", "10")


def test_two_tabs_show_the_same(page, context, site):
    video = running_with_metadata("a")
    other = open_activity(context.new_page(), site)
    library = open_live_page(context.new_page(), site)
    open_activity(page, site)
    for percent in (20, 70):
        publish_percent(video, percent)
        for tab in (page, other):
            expect(progress_bar(tab, video)).to_have_attribute("aria-valuenow", str(percent))
    expect(card(library, video)).to_have_count(0)
    finish_video(video)
    for tab in (page, other):
        expect(card(tab, video)).to_have_count(0)
    expect(card(library, video)).to_have_attribute("data-status", "complete")


def test_it_clears_the_bar_at_the_end(page, site):
    done, broken = running_with_metadata("done"), running_with_metadata("broken")
    # Else the page fetches its list: it would not know the title of what ends meanwhile.
    wait_until(site.has_announced_all, "the rev of the snapshot")
    open_activity(page, site)
    for video in (done, broken):
        publish_percent(video, 50)
        expect(progress_bar(page, video)).to_have_attribute("aria-valuenow", "50")
    finish_video(done)
    broken.fail("Not found (404). The video was removed, or the link is wrong.")
    expect(card(page, done)).to_have_count(0)
    expect(card(page, broken)).to_contain_text("The video was removed")
    expect(page.get_by_role("progressbar")).to_have_count(0)
    expect(page.locator("html")).to_have_attribute("data-tracked", "0")
    expect(page).to_have_title("Activity · ytarchive")
    expect(page.locator("[data-announce]")).to_contain_text(": ")


def test_it_shows_videos_added_elsewhere(page, site):
    open_activity(page, site)
    expect(page.get_by_text("Nothing is downloading, and nothing waits.")).to_be_visible()
    video, _ = Video.objects.ingest("http://example.org/new", "http://example.org/new")
    expect(card(page, video)).to_have_attribute("data-status", "queued")
    expect(page.get_by_text("1 waiting", exact=True)).to_be_visible()
    Video.objects.claim("w")
    expect(card(page, video)).to_have_attribute("data-status", "downloading")
    publish_percent(video, 12)
    expect(progress_bar(page, video)).to_have_attribute("aria-valuenow", "12")


def test_it_moves_a_waiting_video_that_another_program_downloads(page, site):
    video, _ = Video.objects.ingest("http://example.org/new", "http://example.org/new")
    open_activity(page, site)
    publish_percent(video, 33, status="downloading")
    expect(progress_bar(page, video)).to_have_attribute("aria-valuenow", "33")


def test_it_reconnects_when_the_server_comes_back(page, site):
    video, ended = running_with_metadata("a"), running_with_metadata("b")
    open_activity(page, site)
    site.kill_web()
    expect_connection(page, "reconnecting")
    expect(page.get_by_text("Reconnecting…")).to_be_visible()
    finish_video(ended)
    site.start_web()
    expect_connection(page, "live")
    expect(card(page, ended)).to_have_count(0)
    publish_percent(video, 81)
    expect(progress_bar(page, video)).to_have_attribute("aria-valuenow", "81")
    page.errors.clear()  # Chromium logs each connection that was refused


def test_it_says_that_updates_are_paused_without_a_bridge(page, site):
    video = running_with_metadata("a")
    open_activity(page, site)
    site.kill_bridge()
    expect_connection(page, "paused")
    expect(page.get_by_text("Live updates paused")).to_be_visible()
    site.start_bridge()
    expect_connection(page, "live", timeout=30_000)
    publish_percent(video, 44)
    expect(progress_bar(page, video)).to_have_attribute("aria-valuenow", "44")


def test_it_keeps_nothing_of_a_thousand_finished_videos(page, context, site):
    kept = running_with_metadata("kept")
    library = open_live_page(context.new_page(), site)
    open_activity(page, site)
    for number in range(1000):
        publisher.publish_progress(f"gone:{number}", Progress(percent=50.0, status=Status.DOWNLOADING))
        publisher.publish_progress(f"gone:{number}", Progress(status=Status.COMPLETE))
    for number in range(64):
        finish_video(running_with_metadata(f"v{number}"))
    publish_percent(kept, 66)
    expect(progress_bar(page, kept)).to_have_attribute("aria-valuenow", "66")
    for tab in (page, library):
        expect(tab.locator("html")).to_have_attribute("data-tracked", "1")
    expect(page.locator("[data-video-id]")).to_have_count(1)
    expect(library.locator("[data-status=complete]")).to_have_count(60)
    finish_video(kept)
    for tab in (page, library):
        expect(tab.locator("html")).to_have_attribute("data-tracked", "0")


def test_it_notes_a_download_that_stands_still(page_with_clock: Page, site):
    page = page_with_clock
    video = running_with_metadata("a")
    open_activity(page, site)
    publish_percent(video, 10)
    expect(progress_bar(page, video)).to_have_attribute("aria-valuenow", "10")
    expect(card(page, video).get_by_text("no data for")).to_be_hidden()
    page.clock.fast_forward(20_500)
    expect(card(page, video).get_by_text("no data for 2")).to_be_visible()
    publish_percent(video, 11)
    expect(card(page, video).get_by_text("no data for")).to_be_hidden()


def test_it_does_no_work_while_hidden_and_is_right_when_shown(page, site):
    video, ended = running_with_metadata("a"), running_with_metadata("b")
    page.add_init_script("Object.defineProperty(document, 'hidden', { get: () => window.away ?? false })")
    open_activity(page, site)
    # The news of what was just made may come while the page is open, and have it fetch the list.
    page.evaluate("window.away = true")
    requested_urls = record_requests(page)
    finish_video(ended)
    publish_percent(video, 71)
    # This arrives in the frame after the status, which has therefore been processed by then.
    expect(progress_bar(page, video)).to_have_attribute("aria-valuenow", "71")
    assert requested_urls == []
    page.evaluate("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")
    expect(card(page, ended)).to_have_count(0)


def test_it_stays_in_its_place_with_the_keyboard(page, site, sign_in):
    video = running_with_metadata("a")
    sign_in(page)
    open_activity(page, site)
    button = card(page, video).get_by_role("button", name="Cancel")
    button.focus()
    video.start_processing("merging")
    expect(card(page, video)).to_have_attribute("data-status", "processing")
    expect(button).to_be_focused()


def test_it_fetches_the_list_again_when_it_missed_something(page, site):
    open_activity(page, site)
    page.evaluate("document.querySelector('[data-rev]').id = 'old'")
    site.kill_web()
    expect_connection(page, "reconnecting")
    video = running_with_metadata("a")
    site.start_web()
    expect_connection(page, "live")
    expect(card(page, video)).to_have_attribute("data-status", "downloading")
    expect(page.locator("#old")).to_have_count(0)
    page.errors.clear()  # Chromium logs each connection that was refused


def test_it_moves_nothing_else_when_numbers_come(page, site):
    video = running_with_metadata("a")
    running_with_metadata("b").fail("The site says no.")
    open_activity(page, site)
    page.evaluate(
        """() => {
          window.shift = 0;
          const add = (list) => { for (const entry of list.getEntries()) window.shift += entry.value; };
          new PerformanceObserver(add).observe({ type: 'layout-shift', buffered: true });
        }"""
    )
    for percent in (None, 5, 50):
        publish_percent(
            video, percent, downloaded_bytes=412_000_000, total_bytes=603_000_000, speed=5.1e6, eta=3700, phase="x"
        )
        expect(card(page, video)).to_contain_text(f"{percent} %" if percent else "412 of 603 MB")
    wait_until_stable(page)
    assert page.evaluate("window.shift") < 0.001


def record_requests(page) -> list[str]:
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url))
    return urls


# Without what scripts set.
READ_MARKUP = r"""(all) => all.map(({ outerHTML }) =>
  outerHTML.replace(/ (style|tabindex|title|data-local)="[^"]*"/g, "").replace(/\s+/g, " "))"""


def page_markup(page) -> list[str]:
    return page.locator(".grid > li, .total, .pages a, .select-all").evaluate_all(READ_MARKUP)


# A page that fetches only when the test says so: a push on a busy machine may take longer than the page waits.
HOLD_FETCHES = """
Math.random = () => 1e5;
window.heldFetches = [];
const setTimer = window.setTimeout;
window.setTimeout = (callback, delay, ...rest) =>
  delay > 1e7 ? window.heldFetches.push(callback) : setTimer(callback, delay, ...rest);
"""
RUN_HELD_FETCHES = "() => window.heldFetches.splice(0).map((fetchCards) => void fetchCards()).length"


def test_cards_are_pushed_to_the_library(page, site):
    create_videos(59, status=Status.COMPLETE, kind="video")
    videos = [running_with_metadata(name) for name in ("one", "two")]
    page.add_init_script(HOLD_FETCHES)
    # A snapshot of another rev than the page's makes it fetch the list.
    wait_until(site.has_announced_all, "the rev of the snapshot")
    open_live_page(page, site)
    requests = record_requests(page)
    for video in videos:
        finish_video(video)
        expect(card(page, video)).to_have_attribute("data-status", "complete")
    # The second is the 61st: the last leaves the page, which has a next one now.
    expect(page.locator(".grid > li")).to_have_count(60)
    expect(page.locator(".total")).to_have_text("61 videos")
    expect(page.get_by_role("link", name="Next")).to_be_visible()
    assert page.evaluate(RUN_HELD_FETCHES) > 0
    wait_until_stable(page)
    # What it would have fetched, it has.
    assert [url for url in requests if "/cards" in url or "/list" in url] == []
    pushed = page_markup(page)
    page.reload()
    expect_connection(page, "live")
    assert pushed == page_markup(page)
    page.evaluate("() => void (Math.random = () => 0)")
    with page.expect_request("**/videos/list**"):
        assert videos[1].remove()
    expect(card(page, videos[1])).to_have_count(0)
    expect(page.locator(".grid > li")).to_have_count(60)
    expect(page.get_by_role("link", name="Next")).to_have_count(0)


def test_what_cannot_be_pushed_is_fetched(page, site):
    create_videos(2, status=Status.COMPLETE, kind="video")
    video = running_with_metadata("one")
    open_live_page(page, site, "/?kind=video")
    requests = record_requests(page)
    finish_video(video)
    expect(card(page, video)).to_have_attribute("data-status", "complete")
    assert any("/cards" in url or "/list" in url for url in requests)


def test_a_removal_empties_the_rows_beside_the_cards_too(page, site, sign_in):
    sign_in(page)
    video = create_videos(1, status=Status.COMPLETE, kind="video", duration=600)[0]
    WatchState.objects.record(get_user_model().objects.get(username="ada"), video.pk, 300, 600)
    open_live_page(page, site)
    expect(page.locator(".continue")).to_be_visible()
    assert video.remove()
    expect(page.locator(".continue")).to_be_hidden()
    expect(page.get_by_text("Your archive is empty.")).to_be_visible()
    expect(page.locator(".filters")).to_have_count(0)
