"""The sheet that adds videos, on any page: its button, key, pastes and drops, and what it keeps."""

import re

import pytest
from playwright.sync_api import Page, expect

from downloads.models import Video
from downloads.tests.support.factories import complete, failed, waiting
from downloads.tests.support.pages import add_urls, expect_connection, open_live_page
from downloads.tests.support.waiting import wait_until

pytestmark = [pytest.mark.chromium, pytest.mark.processes]

FIRST, SECOND, THIRD = (f"http://93.184.215.14/{name}.mp4" for name in ("one", "two", "three"))
PASTE = """([text, selector]) => {
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/plain", text);
  const target = selector ? document.querySelector(selector) : document.body;
  target.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
}"""
DRAG_IN = "() => document.body.dispatchEvent(new DragEvent('dragenter', { bubbles: true }))"
DROP = """(uri) => {
  const dataTransfer = new DataTransfer();
  dataTransfer.setData("text/uri-list", uri);
  const drop = (type) => new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true });
  const isTaken = !document.body.dispatchEvent(drop("dragover"));
  document.body.dispatchEvent(drop("drop"));
  return isTaken;
}"""


def count_videos(page: Page, number: int) -> None:
    """Wait for the message that ends an addition, then count."""
    expect(page.locator("#sheet:modal")).to_have_count(0)
    expect(page.locator(".message.success").last).to_be_visible()
    assert Video.objects.count() == number


@pytest.mark.parametrize("make", [complete, failed, waiting])
def test_it_leaves_the_page_of_a_video_as_it_is(page: Page, site, sign_in, make):
    """Only this video is fetched anew, not the added ones, whose parts have the same names."""
    video = make()
    Video.objects.filter(pk=video.pk).update(title="The first one", uploader="Ada")
    sign_in(page)
    open_live_page(page, site, video.get_absolute_url())
    with page.expect_response(re.compile("as=detail")) as response:
        add_urls(page, FIRST, SECOND)
    # “parts” comes with it where the page has learnt of a change of the queue meanwhile.
    assert set(re.findall("[&?]id=([^&]+)", response.value.url)) - {"parts"} == {video.video_id}
    count_videos(page, 3)
    expect(page.get_by_role("heading", level=1)).to_have_text("The first one")
    expect(page.locator("main [data-video-id]")).to_have_attribute("data-video-id", video.video_id)


def test_it_adds_from_any_page_without_leaving_it(page: Page, site, sign_in):
    sign_in(page)
    page.goto(site.url)
    field, sheet = page.get_by_label("Links"), page.locator("#sheet:modal")
    expect(page.get_by_role("heading", name="Your archive is empty")).to_be_visible()
    expect(field).to_be_focused()
    page.goto(f"{site.url}/audit/")
    expect(field).to_be_hidden()
    # The key, lines and the count; what was typed is kept while the sheet is closed.
    page.keyboard.press("n")
    expect(field).to_be_focused()
    page.keyboard.type(FIRST)
    expect(page.locator("output")).to_have_text("1 link")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type(SECOND)
    expect(page.locator("output")).to_have_text("2 links")
    page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)
    page.get_by_role("link", name="Add").click()
    expect(field).to_have_value(f"{FIRST}\n{SECOND}")
    page.locator("label").filter(has_text="German").click()
    field.press("Enter")
    count_videos(page, 2)
    expect(page).to_have_url(f"{site.url}/audit/")
    page.get_by_role("button", name="Dismiss").last.click()
    expect(page.locator(".message")).to_have_count(0)
    assert Video.objects.filter(subtitle_languages="de").count() == 2
    # What is pasted into a field stays there; what is pasted or dropped elsewhere opens the sheet.
    page.evaluate(PASTE, [THIRD, "#audit_q"])
    page.evaluate(PASTE, ["no link", ""])
    expect(sheet).to_have_count(0)
    page.evaluate(PASTE, [THIRD, ""])
    expect(sheet).to_be_visible()
    expect(field).to_have_value(THIRD)
    expect(page.get_by_role("checkbox", name="German")).to_be_checked()
    page.keyboard.press("Escape")
    with page.expect_response("**/sheet_drops*.js"):
        page.evaluate(DRAG_IN)
    wait_until(lambda: page.evaluate(DROP, FIRST), "links can be dropped")
    expect(field).to_have_value(f"{THIRD}\n{FIRST}")
    # Refusals are told in one block, and the rest is added.
    page.keyboard.press("Control+Enter")
    refusals = page.get_by_role("alert")
    expect(refusals).to_contain_text("1 added. 1 was not:")
    expect(refusals).to_contain_text("already in the archive")
    expect(sheet.locator(".message")).to_have_count(0)
    expect(field).to_have_value(FIRST)
    expect(field).to_be_focused()
    refusals.get_by_role("link", name="Clear the form").click()
    expect(refusals).to_have_count(0)
    expect(field).to_have_value("")
    sheet.get_by_role("button", name="Close").click()
    # The address of a bookmark fills it in.
    page.goto(f"{site.url}/?urls={FIRST}")
    expect(sheet).to_be_visible()
    expect(field).to_have_value(FIRST)
    expect(page.locator("output")).to_have_text("1 link")
    page.goto(f"{site.url}/videos/add/")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("n")
    expect(field).to_be_focused()
    expect(page).to_have_url(re.compile("/videos/add/$"))


def test_it_catches_up_after_an_outage(page: Page, site, sign_in):
    """The message about the server leaves when it is back, and what was typed meanwhile is searched."""
    sign_in(page)
    open_live_page(page, site)
    site.kill_web()
    expect_connection(page, "reconnecting")
    expect(page.get_by_role("status").filter(has_text="Can’t reach the server.").first).to_be_visible()
    page.get_by_role("searchbox").fill("soldering")
    unsent = page.get_by_text("Can’t reach the server. Nothing was changed")
    expect(unsent).to_be_visible()
    site.start_web()
    expect_connection(page, "live", timeout=30_000)
    expect(unsent).to_be_hidden()
    expect(page).to_have_url(re.compile("q=soldering"))
    page.errors.clear()  # type: ignore[attr-defined]  # Chromium logs each request that failed


OVERLAPS = """() => {
  const parts = [...document.querySelectorAll(".wordmark, .sections a, #q, .tools > *, .tools > * > :is(a, form)")]
    .filter((part) => part.checkVisibility());
  const boxes = parts.map((part) => part.getBoundingClientRect());
  const found = document.documentElement.scrollWidth > innerWidth ? ["the page is wider than the window"] : [];
  boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b, j) => {
    const isInside = parts[i].contains(parts[i + 1 + j]);
    const overlap = Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
      && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
    if (overlap && !isInside) found.push(`${parts[i].outerHTML} over ${parts[i + 1 + j].outerHTML}`);
  }));
  boxes.forEach((a, i) => { if (a.left < 0 || a.right > innerWidth + 1) found.push(`${parts[i].outerHTML} is cut`); });
  return found;
}"""


def test_the_header_fits_at_every_width(page: Page, site, sign_in):
    sign_in(page)
    page.goto(site.url)
    for text_size in ("100%", "200%"):
        page.evaluate("size => { document.documentElement.style.fontSize = size; }", text_size)
        for width in (320, 360, 390, 480, 640, 641, 700, 768, 860, 861, 900, 960, 1024, 1100, 1280, 1440, 1920, 3840):
            page.set_viewport_size({"width": width, "height": 800})
            for state in ("off", "live", "reconnecting", "paused", "polling"):
                page.evaluate("state => { document.documentElement.dataset.connection = state; }", state)
                assert page.evaluate(OVERLAPS) == [], (width, text_size, state)
