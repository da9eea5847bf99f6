"""A file that no browser plays: said at once, copied by a worker at a click with a moving bar, and then played."""

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from downloads.tests.support.copies import long_video, stored_video
from downloads.tests.support.pages import WCAG_RULES, check_accessibility, open_activity, open_live_page

pytestmark = [pytest.mark.chromium, pytest.mark.processes]

# The values that a bar shows from now on, until it is gone.
WATCH_BAR_SCRIPT = """() => {
  window.shownValues = new Set();
  const look = () => {
    const value = document.querySelector("[data-copy] [data-bar]")?.getAttribute("aria-valuenow");
    if (value) window.shownValues.add(value);
    requestAnimationFrame(look);
  };
  look();
}"""
PLAY_SCRIPT = """(video) => new Promise((done, broken) => {
  video.muted = true;
  video.ontimeupdate = () => video.currentTime > 0.2 && done([video.videoWidth, video.videoHeight]);
  video.onerror = () => broken(video.error.message);
  video.play().catch(broken);
})"""


def count_shown(page: Page) -> int:
    return int(page.evaluate("() => window.shownValues.size"))


def test_it_is_made_with_a_moving_bar_and_played(page: Page, context: BrowserContext, site, run_manage, sign_in):
    video = long_video(seconds=180)
    sign_in(page)
    open_live_page(page, site, video.get_absolute_url())
    expect(page.get_by_text("Browsers can’t play this kind of file")).to_be_visible()
    expect(page.locator("video")).to_have_count(0)
    activity = open_activity(context.new_page(), site)
    for tab in (page, activity):
        tab.evaluate(WATCH_BAR_SCRIPT)
    page.get_by_role("button", name="Make a playable copy").click()
    expect(page.get_by_text("Waiting to be converted")).to_be_visible()
    for tab in (page, activity):
        check_accessibility(tab, tab.url, WCAG_RULES)
    page.evaluate("() => { window.isSamePage = true; }")
    run_manage("work", "--workers", "1")
    player = page.locator("video")
    expect(player).to_be_visible(timeout=90_000)
    assert player.evaluate(PLAY_SCRIPT) == [320, 240]
    assert [count_shown(tab) > 2 for tab in (page, activity)] == [True, True]
    assert page.evaluate("() => window.isSamePage")
    expect(activity.locator("[data-part=copies]")).to_be_hidden()
    expect(page.get_by_text("Browsers can’t play this kind of file")).to_have_count(0)


def test_a_codec_that_this_browser_lacks_is_said(page: Page, site, sign_in):
    video = stored_video("ac3.mp4")
    sign_in(page)
    open_live_page(page, site, video.get_absolute_url())
    is_known = page.evaluate("""() => document.createElement("video").canPlayType('audio/mp4; codecs="ac-3"')""")
    note = page.get_by_role("alert").filter(has_text="This browser can’t play this file")
    expect(note).to_be_visible(visible=not is_known)
    expect(note.get_by_role("button", name="Make a playable copy", include_hidden=True)).to_have_count(1)
