"""Actions of a user on the pages: sign in, paste, watch, cancel, retry; with and without JavaScript."""

import re
import time

import pytest
from django.template.loader import render_to_string
from playwright.sync_api import Page, expect

from downloads.models import Queue, Status, Video
from downloads.progress import message, publisher
from downloads.tests.support.factories import (
    FIRST_URL,
    SECOND_URL,
    finish_video,
    publish_percent,
    running_with_metadata,
)
from downloads.tests.support.pages import (
    WCAG_RULES,
    add_urls,
    card,
    check_accessibility,
    expect_connection,
    open_add_form,
    open_live_page,
    progress_bar,
    sign_out,
    wait_until_stable,
)

pytestmark = [pytest.mark.chromium, pytest.mark.processes]


def test_it_takes_what_is_pasted_and_keeps_what_is_not(page, site, sign_in):
    sign_in(page)
    page.goto(site.url)
    add_urls(page, FIRST_URL, SECOND_URL, "nonsense")
    expect(page.get_by_label("Links")).to_have_value("nonsense")
    expect(page.get_by_role("alert")).to_contain_text("nonsense")
    assert Video.objects.count() == 2
    add_urls(page, FIRST_URL)
    expect(page.get_by_role("alert").get_by_role("link", name="93.184.215.14/one.mp4")).to_be_visible()


def test_it_adds_as_audio_what_is_there_as_a_video(page, site, sign_in):
    sign_in(page)
    Video.objects.ingest(FIRST_URL, FIRST_URL)
    page.goto(site.url)
    add_urls(page, FIRST_URL)
    page.get_by_role("button", name="Add as audio too").click()
    expect(page.locator(".message.success")).to_contain_text("Added")
    expect(page.get_by_label("Links")).to_have_value("")
    assert sorted(Video.objects.values_list("quality", flat=True)) == ["audio", "best"]


def test_it_adds_a_thousand_links_at_once_and_stays_usable(page, site, sign_in):
    sign_in(page)
    page.goto(site.url)
    urls = "\n".join(f"http://93.184.215.14/films/{number}.mp4" for number in range(1_000))
    # As a paste does: Playwright's `fill` inserts line by line, which takes minutes.
    open_add_form(page).evaluate("(field, text) => { field.value = text; }", urls)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".message.success")).to_contain_text("Added 1,000 videos.", timeout=60_000)
    expect(page.get_by_label("Links")).to_have_value("")
    expect(page.get_by_role("button", name=re.compile("1,?000 waiting"))).to_be_visible()
    open_live_page(page, site, "/activity/")
    assert page.locator("[data-video-id]").count() < 50
    add_urls(page, "nonsense")
    expect(page.get_by_role("alert")).to_contain_text("nonsense")


@pytest.mark.soak
def test_it_takes_five_thousand_links_from_the_clipboard_and_stays_usable(page, site, sign_in):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    sign_in(page)
    page.goto(site.url)
    urls = "\n".join(f"http://93.184.215.14/films/{number}.mp4" for number in range(5_003))
    page.evaluate("text => navigator.clipboard.writeText(text)", urls)
    open_add_form(page).focus()
    began = time.monotonic()
    page.keyboard.press("Control+V")
    expect(page.get_by_label("Links")).to_have_value(urls)
    paste_seconds = time.monotonic() - began
    page.get_by_role("button", name="Add", exact=True).click()
    # While the server adds them, the page answers.
    expect(page.get_by_role("button", name="Add", exact=True)).to_be_disabled()
    began = time.monotonic()
    page.get_by_role("searchbox").fill("x")
    page.get_by_role("searchbox").fill("")
    answer_seconds = time.monotonic() - began
    expect(page.get_by_role("alert")).to_contain_text("5,000 added.", timeout=90_000)
    expect(page.get_by_label("Links")).to_have_value(re.compile(r"films/5000\.mp4\n.*\n.*films/5002\.mp4$"))
    expect(page.get_by_role("button", name=re.compile("5,?000 waiting"))).to_be_visible()
    open_live_page(page, site, "/activity/")
    assert page.locator("[data-video-id]").count() < 50
    assert max(paste_seconds, answer_seconds) < 5


def test_it_cancels_and_retries(page, site, sign_in):
    video = running_with_metadata("a")
    sign_in(page)
    open_live_page(page, site, "/activity/")
    card(page, video).get_by_role("button", name="Cancel a").click()
    expect(card(page, video)).to_have_attribute("data-status", "cancelled")
    card(page, video).get_by_role("button", name="Retry a").click()
    expect(card(page, video)).to_have_attribute("data-status", "queued")
    video.refresh_from_db()
    assert (video.status, video.attempt) == (Status.QUEUED, 2)


def test_it_works_without_javascript(browser, site, sign_in):
    video = running_with_metadata("a")
    video.renew_lease(percent=42.0, downloaded_bytes=412_000_000, total_bytes=603_000_000)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page)
    page.goto(f"{site.url}/activity/")
    expect_connection(page, "off")
    expect(progress_bar(page, video)).to_have_attribute("aria-valuenow", "42")
    add_urls(page, FIRST_URL, "nonsense")
    expect(page.get_by_label("Links")).to_have_value("nonsense")
    page.goto(f"{site.url}/activity/")
    card(page, video).get_by_role("button", name="Cancel a").click()
    expect(card(page, video)).to_have_attribute("data-status", "cancelled")
    sign_out(page)
    expect(page.locator(".account").get_by_role("link", name="Sign in", exact=True)).to_be_visible()
    context.close()


def test_it_says_in_the_search_box_what_is_searched(page, site):
    finish_video(running_with_metadata("a"))
    page.goto(site.url)
    expect_connection(page, "live")
    search = page.get_by_role("searchbox")
    for _ in range(2):
        expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)
        search.press_sequentially("zebra")
        expect(page.get_by_text("No results for “zebra”")).to_be_visible()
        expect(search).to_be_focused()
        expect(search).to_have_value("zebra")
        page.get_by_role("link", name="Clear search").click()
        expect(page.get_by_text("No results for")).to_have_count(0)
        expect(search).to_have_value("")


def test_it_clears_the_search_by_escape_and_shows_results_from_the_top(page, site):
    for number in range(24):
        finish_video(running_with_metadata(f"film-{number}"))
    open_live_page(page, site)
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.keyboard.press("/")
    page.keyboard.type("film")
    expect(page.get_by_role("heading", name="Results for")).to_be_in_viewport()
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Library")).to_be_visible()
    expect(page).to_have_url(f"{site.url}/")
    expect(page.get_by_role("searchbox")).not_to_be_focused()


def test_it_says_what_went_wrong(page, context, site, sign_in):
    video = running_with_metadata("a")
    sign_in(page)
    open_live_page(page, site, "/activity/")
    cancel = card(page, video).get_by_role("button", name="Cancel")
    context.set_offline(True)
    cancel.click()
    expect(page.get_by_text("Can’t reach the server. Nothing was changed")).to_be_visible()
    context.set_offline(False)
    broken = {"status": 500, "content_type": "text/html", "body": render_to_string("500.html")}
    page.route("**/cancel", lambda route: route.fulfill(**broken))
    cancel.click()
    expect(page.get_by_role("status").get_by_text("Something went wrong")).to_be_visible()
    expect(page.get_by_text("Can’t reach the server. Nothing was changed")).to_be_hidden()
    page.unroute("**/cancel")
    page.set_viewport_size({"width": 320, "height": 700})
    cancel.click()
    page.get_by_role("button", name="Undo").click()
    expect(card(page, video)).to_have_attribute("data-status", "queued")
    expect(page.get_by_text("Something went wrong")).to_be_hidden()
    page.errors.clear()  # Chromium logs failed requests


def test_it_turns_into_the_player_when_the_video_is_complete(page, site, long_clip):
    video = running_with_metadata("a")
    open_live_page(page, site, video.get_absolute_url())
    publish_percent(video, 50)
    expect(progress_bar(page, video)).to_have_attribute("aria-valuenow", "50")
    finish_video(video, long_clip)
    expect(card(page, video)).to_have_attribute("data-status", "complete")
    expect(page.locator("video")).to_be_visible()
    expect(page.get_by_role("group").filter(has_text="History")).to_contain_text("Saved")


def test_it_plays_and_seeks(page, site, long_clip):
    video = running_with_metadata("a")
    finish_video(video, long_clip)
    ranges: list[str] = []
    page.on("response", lambda answer: ranges.append(answer.headers.get("content-range", "")))
    open_live_page(page, site, video.get_absolute_url())
    player = page.locator("video")
    player.evaluate(
        """video => new Promise((done, broken) => {
          video.ontimeupdate = () => video.currentTime > 50.2 && done();
          video.muted = true;
          video.currentTime = 50;
          video.play().catch(broken);
        })"""
    )
    assert player.evaluate("video => video.error") is None
    assert [header for header in ranges if header]


def test_it_says_that_a_removed_video_is_gone(page, site):
    video = running_with_metadata("a")
    open_live_page(page, site, video.get_absolute_url())
    Video.objects.filter(pk=video.pk).delete()
    publisher.publish_progress(video.video_id, message.Progress(changed=True))
    expect(page.get_by_role("heading", name="Video not found")).to_be_visible()
    page.errors.clear()  # Chromium logs the 404
    page.get_by_role("link", name="Back to the library").click()
    expect(page.get_by_text("Your archive is empty.")).to_be_visible()


def test_the_page_of_a_playlist_follows_its_entries(page, site):
    listed = running_with_metadata("list")
    listed.complete_as_playlist("Many films", "Playlist: 2 videos added.")
    entries = [running_with_metadata(name) for name in ("one", "two")]
    Video.objects.exclude(pk=listed.pk).update(parent=listed)
    open_live_page(page, site, listed.get_absolute_url())
    expect(page.locator(".playlist-facts")).to_contain_text("2 downloading")
    entries[0].fail("The site says no.")
    finish_video(entries[1])
    expect(page.locator(".playlist-facts")).to_contain_text("1 failed")
    expect(page.locator(".playlist-facts")).not_to_contain_text("downloading")
    expect(page.locator(".playlist-rows")).to_contain_text("The site says no.")
    expect(page.get_by_role("link", name="Play all")).to_be_visible()


def test_the_page_of_what_waits_follows_the_queue(page, site):
    videos = [Video.objects.ingest(f"http://{name}.example/", f"http://{name}.example/")[0] for name in "ab"]
    open_live_page(page, site, videos[1].get_absolute_url())
    expect(page.get_by_text("1 ahead in the queue", exact=True)).to_be_visible()
    videos[0].cancel()
    expect(page.get_by_text("next in the queue", exact=True)).to_be_visible()
    Queue.pause("Queue paused by ada.")
    expect(page.get_by_text("Queue paused by ada.")).to_be_visible()
    Queue.resume()
    expect(page.get_by_text("Queue paused by ada.")).to_have_count(0)


def test_the_admin_keeps_the_selection_when_a_video_is_deleted(page, site, sign_in):
    videos = [running_with_metadata(name) for name in ("one", "two")]
    sign_in(page)
    open_live_page(page, site, "/admin/downloads/video/")
    expect(page.get_by_role("button", name="Pause queue")).to_be_visible()
    page.get_by_label("Select two", exact=True).check()
    page.locator("#searchbar").fill("half a wo")
    videos[0].remove()
    Queue.pause("Queue paused by ada.")
    expect(card(page, videos[0])).to_have_text("Deleted")
    expect(page.get_by_role("button", name="Resume queue")).to_be_visible()
    expect(page.get_by_text("Queue paused by ada.")).to_be_visible()
    expect(page.get_by_label("Select two", exact=True)).to_be_checked()
    expect(page.locator("#searchbar")).to_have_value("half a wo")


def test_it_moves_the_bars_of_the_admin(page, site, sign_in):
    video = running_with_metadata("a")
    sign_in(page)
    open_live_page(page, site, "/admin/downloads/video/")
    publish_percent(video, 61, downloaded_bytes=5, total_bytes=9)
    expect(progress_bar(page, video)).to_have_attribute("aria-valuenow", "61")
    finish_video(video)
    expect(card(page, video)).to_have_attribute("data-status", "complete")


def test_a_button_opens_the_filters_of_the_admin_on_phones(page, site, sign_in):
    running_with_metadata("a")
    sign_in(page)
    page.goto(f"{site.url}/admin/downloads/video/")
    filters = page.get_by_role("navigation", name="Filters")
    button = page.get_by_role("button", name="Filters")
    expect(filters).to_be_visible()
    expect(button).to_be_hidden()
    page.set_viewport_size({"width": 390, "height": 844})
    expect(filters).to_be_hidden()
    button.click()
    filters.get_by_role("button", name="Close").click()
    expect(filters).to_be_hidden()
    button.click()
    filters.get_by_role("link", name="Failed").click()
    expect(page.get_by_text("0 results")).to_be_visible()


def test_actions_of_the_admin_appear_with_a_selection(page, site, sign_in):
    video = running_with_metadata("a")
    sign_in(page)
    page.goto(f"{site.url}/admin/downloads/video/")
    action = page.get_by_label("Action:")
    expect(action).to_be_hidden()
    page.get_by_label("Select a", exact=True).check()
    action.select_option("cancel")
    page.get_by_role("button", name="Go", exact=True).click()
    expect(card(page, video)).to_have_attribute("data-status", "cancelled")


def test_it_polls_where_no_websocket_gets_through(page, site):
    video = running_with_metadata("a")
    page.add_init_script(
        """window.WebSocket = class {
          static CONNECTING = 0; static OPEN = 1;
          constructor() { setTimeout(() => this.onclose?.()); }
          close() {}
        };"""
    )
    page.goto(f"{site.url}/activity/")
    expect_connection(page, "polling")
    expect(page.get_by_role("status").get_by_text("Checking every 3 seconds instead.")).to_be_visible()
    expect(page.get_by_text("The live connection is blocked, perhaps by a proxy.")).to_be_visible()
    publish_percent(video, 29)
    expect(progress_bar(page, video)).to_have_attribute("aria-valuenow", "29")
    finish_video(video)
    expect(card(page, video)).to_have_count(0)
    expect(page.get_by_text("Nothing is downloading, and nothing waits.")).to_be_visible()


def test_it_pings(page_with_clock: Page, site):
    page = page_with_clock
    sockets: list = []
    page.on("websocket", lambda socket: sockets.append(socket))  # noqa: PLW0108 - Playwright marks the function
    open_live_page(page, site)
    with sockets[0].expect_event("framereceived", lambda frame: frame == "pong"):
        page.clock.fast_forward(31_000)


# The width and the colours of a page. In the short form, each page is shown in both, and read in one of them in turn.
FORMS = [(320, "dark"), (1280, "light"), (320, "light"), (1280, "dark")]


@pytest.mark.parametrize("forms", [FORMS[:2], *(pytest.param([form], marks=pytest.mark.soak) for form in FORMS)])
def test_it_is_open_to_everybody(browser, site, sign_in, forms):
    failed = running_with_metadata("failed")
    failed.fail("The site answered 404: nothing is at this address.")
    done = running_with_metadata("done")
    finish_video(done)
    running_with_metadata("half").renew_lease(percent=50.0)
    running_with_metadata("unknown")
    Video.objects.ingest(FIRST_URL, FIRST_URL)
    context = browser.new_context()
    page = context.new_page()
    videos = [done.get_absolute_url(), failed.get_absolute_url()]
    for visit, path in enumerate(("/accounts/login/", "/", "/activity/", "/channels/", *videos, "/videos/nope/")):
        if path == "/":
            sign_in(page)
        page.goto(site.url + path)
        for number, (width, scheme) in enumerate(forms):
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)
            wait_until_stable(page)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
            if visit % len(forms) == number:
                check_accessibility(page, path, [*WCAG_RULES, "best-practice"])
    context.close()
