"""The library in a browser: search, filters, pages, keys, selection, deletion, notifications."""

import datetime as dt
import re

import pytest
from playwright.sync_api import Page, Response, expect

from downloads.library.listing import PAGE_SIZE
from downloads.models import Status, Video
from downloads.tests.support.factories import finish_video, publish_percent, running_with_metadata
from downloads.tests.support.pages import (
    card,
    card_menu,
    expect_connection,
    open_add_form,
    open_live_page,
    progress_bar,
    wait_until_stable,
)
from downloads.tests.support.waiting import wait_until

pytestmark = [pytest.mark.chromium, pytest.mark.processes]


def complete(name: str) -> Video:
    video = running_with_metadata(name)
    finish_video(video)
    return video


def waiting(name: str) -> Video:
    return Video.objects.ingest(f"http://{name}.example.org/", f"http://{name}.example.org/")[0]


def selection_text(page: Page) -> str:
    """Return the text of the selection bar, whose number a CSS counter generates."""
    wait_until_stable(page)
    client = page.context.new_cdp_session(page)
    nodes = client.send("Accessibility.getFullAXTree")["nodes"]
    texts = [node["name"]["value"] for node in nodes if node.get("role", {}).get("value") == "StaticText"]
    at = next(place for place, text in enumerate(texts) if text.endswith(" selected"))
    return texts[at] if texts[at].startswith("All") else texts[at - 1] + texts[at]


@pytest.mark.parametrize("scripts", [True, False])
def test_enter_on_a_checkbox_submits_nothing(browser, site, sign_in, scripts):
    videos = [waiting(name) for name in ("a", "b")]
    context = browser.new_context(java_script_enabled=scripts)
    page = context.new_page()
    sign_in(page)
    page.goto(f"{site.url}/activity/")
    posted: list[str] = []
    page.on("request", lambda request: posted.append(request.url) if request.method == "POST" else None)
    boxes = page.get_by_role("checkbox", name=re.compile("^Select"))
    for number in range(len(videos)):
        boxes.nth(number).press("Space")
        expect(boxes.nth(number)).to_be_checked()
        boxes.nth(number).press("Enter")
    page.goto(site.url)
    assert posted == []
    assert Video.objects.waiting().count() == len(videos)
    context.close()


def test_it_finds_filters_and_turns_pages_in_place(page, site):
    for number in range(PAGE_SIZE + 1):
        complete(f"film-{number}")
    active = running_with_metadata("active")
    open_live_page(page, site)
    page.evaluate("window.same = true")
    cards = page.locator(".grid > li")
    expect(cards).to_have_count(PAGE_SIZE)

    page.get_by_role("link", name="2", exact=True).click()
    expect(cards).to_have_count(1)
    expect(page).to_have_url(re.compile(r"\?page=2$"))
    expect(page.get_by_role("heading", name="Library")).to_be_focused()
    publish_percent(active, 12)
    expect(page).to_have_title(re.compile("^12 % · "))

    page.keyboard.press("/")
    search = page.get_by_role("searchbox")
    expect(search).to_be_focused()
    search.press_sequentially("film-20")
    expect(cards).to_have_count(1)
    expect(search).to_be_focused()
    expect(page).to_have_url(f"{site.url}/?q=film-20")
    assert page.title().startswith("12 % · ")
    search.press_sequentially("00")
    expect(page.get_by_text("No results for “film-2000”")).to_be_visible()
    search.fill("")
    expect(cards).to_have_count(PAGE_SIZE)
    expect(page).to_have_url(f"{site.url}/")

    page.locator("select[name=length]").select_option("long")
    expect(cards).to_have_count(0)
    expect(page.get_by_text("No videos match these filters.")).to_be_visible()
    # Only then has htmx processed the new filter bar.
    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added")).to_have_count(0)
    page.locator("select[name=sort]").select_option("title")
    expect(page).to_have_url(re.compile(r"/\?(?=.*length=long)(?=.*sort=title)"))
    finish_video(active)
    expect(page).not_to_have_title(re.compile("^12 % · "))
    expect(cards).to_have_count(0)
    assert page.evaluate("window.same")
    page.go_back()
    # Going back reloads the page; going forward before the load has begun would abort it.
    page.wait_for_function("() => !window.same && document.readyState === 'complete'")
    expect_connection(page, "live")
    page.go_back()
    expect(cards).to_have_count(PAGE_SIZE)
    expect_connection(page, "live")
    expect(card(page, active)).to_have_attribute("data-status", "complete")


def test_it_fills_a_page_from_the_next(page, site, sign_in):
    videos = [complete(f"film-{number}") for number in range(PAGE_SIZE)]
    sign_in(page)
    open_live_page(page, site)
    pages = page.get_by_role("navigation", name="Pages")
    expect(page.locator(".grid > li")).to_have_count(PAGE_SIZE)
    expect(pages).to_have_count(0)
    newest = complete("one-more")
    expect(pages).to_be_visible()
    expect(page.locator(".grid > li")).to_have_count(PAGE_SIZE)
    expect(card(page, videos[0])).to_have_count(0)
    card_menu(page, newest).get_by_role("button", name="Delete one-more").press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(card(page, videos[0])).to_be_visible()
    expect(pages).to_have_count(0)


def test_it_goes_from_card_to_card_by_keys(page, site, sign_in):
    for name in "abcd":
        complete(name)
    sign_in(page)
    page.set_viewport_size({"width": 800, "height": 900})
    open_live_page(page, site)
    titles = page.locator("[data-title]")
    columns = page.evaluate(
        """() => { const tops = [...document.querySelectorAll(".grid > li")].map((li) => li.offsetTop);
        return tops.filter((top) => top === tops[0]).length; }"""
    )
    assert 1 < columns < 4
    for key, at in (("ArrowDown", 0), ("Escape", None), ("ArrowUp", 3)):
        page.keyboard.press(key)
        expect(titles.nth(at) if at is not None else page.locator("body")).to_be_focused()
    for key, at in (
        ("Home", 0),
        ("ArrowRight", 1),
        ("ArrowLeft", 0),
        ("ArrowDown", columns),
        ("ArrowUp", 0),
        ("End", 3),
        ("Home", 0),
    ):
        page.keyboard.press(key)
        expect(titles.nth(at)).to_be_focused()
    for at in (1, 2):
        page.keyboard.press("Tab")
        expect(titles.nth(at)).to_be_focused()
    page.keyboard.press("x")
    expect(page.locator(".card .pick").nth(2)).to_be_checked()
    page.keyboard.press("x")
    page.keyboard.press("m")
    expect(page.get_by_role("link", name="Play", exact=True)).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("button", name="Delete b")).to_be_focused()
    page.keyboard.press("Escape")
    expect(titles.nth(2)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("body")).to_be_focused()
    page.keyboard.press("n")
    expect(page.get_by_label("Links")).to_be_focused()
    page.keyboard.type("/n")
    expect(page.get_by_label("Links")).to_have_value("/n")


@pytest.mark.parametrize("path", ["/", "/videos/{}/"])
def test_an_open_menu_outlasts_what_changes_its_video(page, site, sign_in, path):
    video = complete("film")
    sign_in(page)
    open_live_page(page, site, path.format(video.video_id))
    more = page.get_by_role("button", name=re.compile("^More (for|actions)"))
    more.press("Enter")
    again = page.get_by_role("button", name="Download again").last
    again.focus()
    video.protect()
    expect(page.get_by_role("button", name="Stop protecting")).to_be_visible()
    expect(again).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Stop protecting")).to_be_hidden()
    expect(more).to_be_focused()


def expect_one_tab_stop_per_row(page) -> None:
    """Go through the rows of a list by keys, and its buttons by the arrows."""
    titles, first = page.locator(".row [data-title]"), page.locator(".row").first
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    expect(titles.nth(1)).to_be_focused()
    page.keyboard.press("ArrowUp")
    for key, control in (
        ("ArrowRight", first.get_by_role("button", name="Start next")),
        ("ArrowRight", first.get_by_role("button", name="Cancel")),
        ("ArrowRight", first.get_by_role("button", name="Cancel")),
        ("ArrowLeft", first.get_by_role("button", name="Start next")),
        ("ArrowDown", titles.nth(1)),
    ):
        page.keyboard.press(key)
        expect(control).to_be_focused()
    page.keyboard.press("x")
    expect(page.locator(".row .pick").nth(1)).to_be_checked()
    page.keyboard.press("x")


def test_it_does_one_thing_with_all_that_are_selected(page, site, sign_in):
    videos = [waiting(name) for name in "abc"]
    sign_in(page)
    open_live_page(page, site, "/activity/")
    page.evaluate("window.same = true")
    expect_one_tab_stop_per_row(page)
    for video in videos[:2]:
        card(page, video).get_by_role("checkbox").check()
    assert selection_text(page) == "2 selected"
    videos[1].move_to_front()
    expect(page.locator("[data-video-id]").first).to_have_attribute("data-video-id", videos[1].video_id)
    expect(card(page, videos[1]).get_by_role("checkbox")).to_be_checked()
    bar_ = page.get_by_role("form", name="Selected videos")
    bar_.get_by_role("button", name="Cancel", exact=True).click()
    for video in videos[:2]:
        expect(card(page, video)).to_have_attribute("data-status", "cancelled")
    expect(bar_).to_be_hidden()
    expect(page.locator(".messages")).to_contain_text("Cancelled 2 videos.")
    page.get_by_role("button", name="Undo").press("Enter")
    expect(page.get_by_role("heading", name="Activity")).to_be_focused()
    for video in videos:
        expect(card(page, video)).to_have_attribute("data-status", "queued")
    card(page, videos[0]).get_by_role("checkbox").check()
    bar_.get_by_role("checkbox", name="Select all").check(force=True)
    assert selection_text(page) == "All 3 selected"
    bar_.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("dialog", name="Delete 3 videos?")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator("[data-video-id]")).to_have_count(0)
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("heading", name="Activity")).to_be_focused()
    open_add_form(page).fill("http://d.example.org/")
    page.get_by_role("button", name="Add").press("Enter")
    expect(page.locator("[data-video-id]")).to_have_count(1)
    expect(page.get_by_role("link", name="Add", exact=True)).to_be_focused()
    assert page.evaluate("window.same")
    assert Video.objects.count() == 1


def test_it_says_what_was_done_even_if_the_card_knows_it_sooner(page, site, sign_in):
    video = waiting("a")
    sign_in(page)
    open_live_page(page, site, "/activity/")
    held_responses = []
    page.route("**/cancel", lambda route: held_responses.append((route, route.fetch())))

    def is_later_card(response: Response) -> bool:
        return bool(held_responses) and re.search(r"/(videos/cards|activity/list)\?", response.url) is not None

    with page.expect_response(is_later_card):
        card(page, video).get_by_role("button", name="Cancel").click()
    [(route, answer)] = held_responses
    route.fulfill(response=answer)
    expect(page.locator(".messages")).to_contain_text("Cancelled ")
    expect(card(page, video)).to_have_attribute("data-status", "cancelled")


def test_it_asks_before_it_deletes_and_keeps_the_focus(page, site, sign_in):
    old, new = complete("old"), complete("new")
    sign_in(page)
    open_live_page(page, site)
    more = card(page, new).get_by_role("button", name="More for new")
    card_menu(page, new).get_by_role("button", name="Delete new").press("Enter")
    dialog = page.get_by_role("dialog", name="Delete “new”?")
    expect(dialog.get_by_role("button", name="Keep")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(more).to_be_focused()
    card_menu(page, new).get_by_role("button", name="Delete new").press("Enter")
    expect(dialog.get_by_role("button", name="Keep")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(card(page, new)).to_have_count(0)
    expect(card(page, old).locator("[data-title]")).to_be_focused()


def test_a_row_that_is_replaced_behind_the_question_gets_the_focus(page, site, sign_in):
    video = running_with_metadata("a")
    video.fail("The site refused.")
    sign_in(page)
    open_live_page(page, site, "/activity/")
    card(page, video).get_by_role("button", name="Delete").press("Enter")
    dialog = page.get_by_role("dialog", name="Delete “a”?")
    expect(dialog.get_by_role("button", name="Keep")).to_be_focused()
    video.retry()
    expect(card(page, video)).to_have_attribute("data-status", "queued")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(card(page, video).locator("[data-title]")).to_be_focused()


# The notifications that the browser would show, and the user's answer to the permission request.
NOTIFICATION_STUB = """
window.shown = [];
window.Notification = class {
  static permission = "default";
  static async requestPermission() { return (Notification.permission = "granted"); }
  constructor(title, { body, tag }) { window.shown.push([title, body, tag]); }
};
Object.defineProperty(document, "hidden", { get: () => window.away ?? false });
"""


def test_it_notifies_hidden_tabs_of_ended_downloads(page, site):
    done, broken = running_with_metadata("done"), running_with_metadata("broken")
    # Else the page fetches its list: it would not know the title of what ends meanwhile.
    wait_until(site.has_announced_all, "the rev of the snapshot")
    page.add_init_script(NOTIFICATION_STUB)
    open_live_page(page, site, "/activity/")
    page.get_by_role("button", name="Notify me").click()
    expect(page.get_by_role("button", name="Notify me")).to_have_attribute("aria-pressed", "true")
    publish_percent(done, 50)
    expect(progress_bar(page, done)).to_have_attribute("aria-valuenow", "50")
    page.evaluate("window.away = true")
    finish_video(done)
    page.wait_for_function("() => window.shown.length === 1")
    broken.fail("The site answered 404: nothing is at this address.")
    page.wait_for_function("() => window.shown.length === 2")
    shown = page.evaluate("window.shown")
    page.add_init_script("Notification.permission = 'granted';")
    open_live_page(page, site)
    later = running_with_metadata("later")
    publish_percent(later, 50)
    expect(page.locator("html")).to_have_attribute("data-tracked", "1")
    page.evaluate("window.away = true")
    finish_video(later)
    page.wait_for_function("() => window.shown.length === 1")
    # The library has no cards of what is downloading: the title is known if the card comes before the news.
    last = page.evaluate("window.shown")
    assert last in (
        [["1 download finished", "A video finished", "A video finished"]],
        [["1 download finished", "later: complete", "later: complete"]],
    )
    assert shown == [
        ["1 download finished", "done: complete", "done: complete"],
        ["1 download failed", "broken: failed", "broken: failed"],
    ]


def test_it_counts_down_to_the_next_retry(page_with_clock: Page, site):
    page = page_with_clock
    video = running_with_metadata("a")
    assert video.retry_later("The site didn’t answer in time.")
    Video.objects.filter(pk=video.pk).update(not_before=video.added_at + dt.timedelta(days=365))
    open_live_page(page, site, "/activity/")
    countdown = page.locator("[data-retries-at]")
    expect(countdown).to_be_visible()
    before = countdown.inner_text()
    page.clock.fast_forward("02:00:00")
    expect(countdown).not_to_have_text(before)
    expect(countdown).to_contain_text(
        re.compile(r"^Retrying in \d+ h \d+ min: the site didn’t answer in time \(1 of 3\)$")
    )


def test_it_is_all_there_without_javascript(browser, site, sign_in):
    for number in range(PAGE_SIZE + 1):
        complete(f"film-{number}")
    video, *others = [waiting(name) for name in "abc"]
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page)
    page.goto(site.url)
    expect(page.locator(".grid > li")).to_have_count(PAGE_SIZE)
    for words in ("Connecting…", "Live", "Reconnecting…"):
        expect(page.get_by_text(words, exact=True)).to_be_hidden()
    page.get_by_role("link", name="2", exact=True).click()
    expect(page.locator(".grid > li")).to_have_count(1)
    page.get_by_role("searchbox").fill("film-0")
    page.keyboard.press("Enter")
    expect(page.locator(".grid > li")).to_have_count(1)
    page.locator(".grid > li").get_by_role("button", name="More for film-0").click()
    page.locator(".grid > li").get_by_role("button", name="Delete film-0").click()
    expect(page.get_by_role("heading", name="Delete “film-0”?")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Deleted film-0.")).to_be_visible()
    page.goto(f"{site.url}/activity/")
    card(page, video).get_by_role("button", name="Cancel").click()
    expect(card(page, video)).to_have_attribute("data-status", "cancelled")
    for other in others:
        card(page, other).get_by_role("checkbox").check()
    page.get_by_role("form", name="Selected videos").get_by_role("button", name="Cancel", exact=True).click()
    expect(page.get_by_text("Cancelled 2 videos.")).to_be_visible()
    assert Video.objects.filter(status=Status.CANCELLED).count() == 3
    context.close()
