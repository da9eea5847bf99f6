"""The video page while one watches: links to times seek in place, keys, and the next video at the end."""

import pytest
from playwright.sync_api import Page, expect

from downloads.models import Metadata, Video
from downloads.tests.support.factories import finish_video, running_with_metadata
from downloads.tests.support.pages import open_live_page

pytestmark = [pytest.mark.chromium, pytest.mark.processes]

MAX_MODULE_BYTES = 16 * 1024
MODULE_BYTES_SCRIPT = """() => performance.getEntriesByType("resource")
  .filter(({ name }) => name.includes("/static/js/"))
  .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0)"""
PRESS_STAY_HERE = """() => {
  const button = document.querySelector("[data-cancel-countdown]");
  if (!button?.checkVisibility()) return false;
  button.click();
  return true;
}"""
PLAY_SCRIPT = "(video) => { video.mine = video.muted = true; return video.play(); }"


def add_video(name: str, media_file: str, description: str = "") -> Video:
    video = running_with_metadata(name)
    assert video.save_metadata(Metadata(title=name, uploader="Ada", duration=60, description=description))
    finish_video(video, media_file)
    return video


def test_links_to_a_time_seek_in_place_and_playback_goes_on(page: Page, site, long_clip):
    video = add_video("a", long_clip, "0:00 Begin\n0:30 Middle\n1:02:03 beyond the end")
    open_live_page(page, site, f"{video.get_absolute_url()}?list=none")
    player = page.locator("video")
    expect(page.locator("[data-chapter][aria-current]")).to_contain_text("Begin")
    assert 0 < page.evaluate(MODULE_BYTES_SCRIPT) <= MAX_MODULE_BYTES
    player.evaluate(PLAY_SCRIPT)
    page.get_by_role("region", name="Chapters").get_by_role("link", name="Middle").click()
    page.wait_for_function("() => document.querySelector('video').currentTime >= 30")
    assert player.evaluate("video => video.mine && !video.paused && video.muted")
    assert page.url.endswith("?list=none&t=30")
    expect(page.locator("[data-chapter][aria-current]")).to_contain_text("Middle")
    page.evaluate("location.hash = '#t=0:45'")
    page.wait_for_function("() => document.querySelector('video').currentTime >= 45")
    player.evaluate("video => video.pause()")
    assert player.evaluate("video => video.mine")
    for key, name, value in ((">", "playbackRate", 1.25), ("<", "playbackRate", 1), ("5", "currentTime", 30)):
        page.keyboard.press(key)
        expect(player).to_have_js_property(name, value)
    page.get_by_role("slider", name="Seek").fill("10")
    expect(player).to_have_js_property("currentTime", 10)
    expect(page.locator("[data-chapter-title]")).to_have_text("Begin")
    page.keyboard.press("t")
    expect(page.locator("main[data-theatre]")).to_be_attached()
    expect(page.get_by_role("button", name="Theatre")).to_have_attribute("aria-pressed", "true")
    page.evaluate("() => { localStorage.speed = 1.5; localStorage.subtitles = 'on'; }")
    for address in ("?t=20", "#t=0m20s"):
        page.goto("about:blank")
        open_live_page(page, site, f"{video.get_absolute_url()}{address}")
        expect(player).to_have_js_property("currentTime", 20)
        expect(player).to_have_js_property("playbackRate", 1.5)
        assert 0 < page.evaluate(MODULE_BYTES_SCRIPT) <= MAX_MODULE_BYTES


@pytest.mark.parametrize("description", ["0:00 Begin\n0:30 Middle", ""])
def test_one_bar_seeks_in_the_player(page: Page, site, long_clip, description):
    video = add_video("a", long_clip, description)
    open_live_page(page, site, video.get_absolute_url())
    expect(page.locator("video")).to_have_js_property("readyState", 4)
    # The controls are in a shadow tree of the browser, which scripts cannot look into.
    session = page.context.new_cdp_session(page)
    for domain in ("DOM", "CSS"):
        session.send(f"{domain}.enable")
    nodes = session.send("DOM.getFlattenedDocument", {"depth": -1, "pierce": True})["nodes"]
    (timeline,) = [node for node in nodes if "-webkit-media-controls-timeline" in node.get("attributes", [])]
    style = session.send("CSS.getComputedStyleForNode", {"nodeId": timeline["nodeId"]})["computedStyle"]
    assert ({"name": "display", "value": "none"} in style) == bool(description)
    expect(page.get_by_role("slider", name="Seek")).to_have_count(1 if description else 0)


def test_the_bar_under_the_player_and_the_list_of_keys(page: Page, site, long_clip):
    video = add_video("a", long_clip)
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', {})")  # as over plain http
    open_live_page(page, site, video.get_absolute_url())
    page.get_by_label("Speed").select_option("1.5")
    expect(page.locator("video")).to_have_js_property("playbackRate", 1.5)
    page.reload()
    expect(page.locator("video")).to_have_js_property("playbackRate", 1.5)
    expect(page.get_by_label("Speed")).to_have_value("1.5")
    page.locator("video").evaluate("video => { video.currentTime = 12.5; }")
    copy_button = page.get_by_role("button", name="Copy link at this time")
    copy_button.click()
    expect(page.get_by_role("button", name="Copied link at 0:12")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.press("Control+v")
    expect(page.get_by_role("searchbox")).to_have_value(f"{site.url}{video.get_absolute_url()}?t=12")
    page.keyboard.press("Escape")
    expect(page.get_by_role("searchbox")).not_to_be_focused()
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(keys.get_by_text("Picture in picture")).to_be_visible()
    page.keyboard.press("l")  # is not the player's now
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    expect(page.locator("video")).to_have_js_property("currentTime", 12.5)
    page.get_by_role("group", name="Player").get_by_role("button", name="Keyboard shortcuts").click()
    expect(keys).to_be_visible()


def test_the_next_video_starts_after_a_countdown_that_can_be_stopped(page: Page, site, long_clip):
    first, second = add_video("a", long_clip), add_video("b", long_clip)
    open_live_page(page, site, second.get_absolute_url())
    expect(page.locator(".up-next .badge")).to_be_in_viewport()  # the length, on the picture
    page.get_by_role("switch", name="Autoplay").check()
    player = page.locator("video")
    player.evaluate(f"video => {{ ({PLAY_SCRIPT})(video); video.currentTime = 59.9; }}")
    # In the page, since the countdown of 5 s goes on while a click is prepared.
    page.wait_for_function(PRESS_STAY_HERE)
    expect(page.locator("[data-countdown]")).to_be_hidden()
    page.keyboard.press("Shift+N")
    page.wait_for_url(f"**{first.get_absolute_url()}")
    expect(page.get_by_role("switch", name="Autoplay")).to_be_checked()
    page.keyboard.press("Shift+P")
    page.wait_for_url(f"**{second.get_absolute_url()}")


def test_it_says_at_once_what_the_browser_cannot_decode(page: Page, site, settings):
    (settings.MEDIA_ROOT / "broken.mp4").write_bytes(b"no film at all" * 100)
    video = add_video("a", "broken.mp4")
    page.goto(site.url + video.get_absolute_url())
    expect(page.get_by_role("alert").get_by_text("This browser can’t play this file")).to_be_visible()
