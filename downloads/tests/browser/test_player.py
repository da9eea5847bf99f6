"""The page of one video: subtitles of the site, a player that updates do not disturb, a folded description."""

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from downloads.files import ffmpeg
from downloads.models import Metadata, Status, Video
from downloads.network.proxy import EgressProxy
from downloads.tests.support.factories import finish_video, running_with_metadata
from downloads.tests.support.pages import card, open_live_page
from downloads.worker import attempt

pytestmark = [pytest.mark.chromium, pytest.mark.processes]

SHOW_TRACK_SCRIPT = """(video, language) => new Promise((done) => {
  const track = [...video.textTracks].find((track) => track.language === language);
  track.mode = "showing";
  const words = () => [track.label, ...[...track.cues].map(({ text }) => text)];
  const look = () => track.cues?.length ? done(words()) : requestAnimationFrame(look);
  look();
})"""
SHOWN_TRACKS_SCRIPT = "video => [...video.textTracks].filter(({ mode }) => mode === 'showing').length"
# The field shows what the player tells of the first while the bar is loaded for the second.
HIDE_AND_CHOOSE_SCRIPT = """(video, language) => {
  for (const track of video.textTracks) track.mode = "hidden";
  const field = document.querySelector("[data-set=subtitles]");
  field.value = language;
  field.dispatchEvent(new Event("change", { bubbles: true }));
}"""
PLAY_SCRIPT = """(video) => new Promise((done, broken) => {
  video.mine = video.muted = true;
  video.playbackRate = 0.1; // longer than the test
  video.ontimeupdate = () => video.currentTime > 1.05 && done();
  video.play().catch(broken);
})"""


@pytest.fixture
def subtitled_video(site, media_server, monkeypatch) -> Video:
    """A video that was downloaded by a real attempt, with subtitles in two languages."""
    monkeypatch.setattr(settings, "ALLOW_PRIVATE_HOSTS", True)
    monkeypatch.setenv("PATH", ffmpeg.build_search_path())
    url = media_server.url("/subtitled/index.m3u8?languages=en,de")
    Video.objects.ingest(url, url, subtitle_languages="en,de")
    video = Video.objects.claim("w")
    assert video
    with EgressProxy() as proxy:
        attempt.run_attempt(video, proxy_url=proxy.url, on_progress=lambda state: None)
    video.refresh_from_db()
    assert video.status == Status.COMPLETE
    return video


def test_it_shows_the_subtitles_of_the_site_and_plays_on_whatever_happens(page: Page, site, subtitled_video):
    open_live_page(page, site, f"{subtitled_video.get_absolute_url()}?t=1")
    player = page.locator("video")
    assert player.evaluate(SHOW_TRACK_SCRIPT, "de") == ["Deutsch", "Hello in de"]
    assert player.evaluate(SHOW_TRACK_SCRIPT, "en") == ["English", "Hello in en"]
    for track_count in (0, 1, 0, 1):
        page.keyboard.press("c")
        page.wait_for_function(f"() => ({SHOWN_TRACKS_SCRIPT})(document.querySelector('video')) === {track_count}")
    player.evaluate(HIDE_AND_CHOOSE_SCRIPT, "de")
    page.wait_for_function("() => localStorage['subtitle language'] === 'de'")
    page.reload()
    expect(page.get_by_label("Subtitles")).to_have_value("de")
    expect(page.locator("html[data-connection=live]")).to_be_attached()
    assert player.evaluate("video => [...video.textTracks].map(({ mode }) => mode)") == ["disabled", "showing"]
    page.keyboard.press("c")
    expect(page.get_by_label("Subtitles")).to_have_value("off")
    player.evaluate(PLAY_SCRIPT)
    assert subtitled_video.redownload()
    expect(card(page, subtitled_video)).to_have_attribute("data-status", "queued")
    claimed = Video.objects.claim("w")
    assert claimed
    expect(card(page, subtitled_video)).to_have_attribute("data-status", "downloading")
    assert player.evaluate("video => video.mine && !video.paused")
    page.get_by_text("History").click()
    page.get_by_text("1 earlier attempt").click()
    assert claimed.fail("The site has a problem.")
    expect(page.get_by_text("Your existing copy is unchanged.")).to_be_visible()
    expect(page.locator(".earlier")).to_be_visible()
    assert player.evaluate("video => video.mine && !video.paused")
    assert subtitled_video.redownload()
    again = Video.objects.claim("w")
    assert again
    assert again.save_metadata(Metadata(title="Its second name", duration=60))
    finish_video(again, subtitled_video.media_file)
    expect(page).to_have_title("Its second name · ytarchive")
    expect(card(page, subtitled_video)).to_have_attribute("data-status", "complete")
    assert player.evaluate("video => video.mine && !video.paused")
    player.evaluate("video => video.pause()")
    page.wait_for_function("() => !document.querySelector('video').mine")


def test_it_plays_where_nothing_may_be_kept_and_keeps_the_focus(page: Page, site, sign_in, long_clip):
    video = running_with_metadata("a")
    sign_in(page)
    page.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no') } })")
    open_live_page(page, site, video.get_absolute_url())
    page.get_by_role("button", name="Cancel").press("Enter")
    expect(card(page, video)).to_have_attribute("data-status", "cancelled")
    expect(page.locator(".now [data-title]")).to_be_focused()
    page.get_by_role("button", name="Undo").press("Enter")
    expect(card(page, video)).to_have_attribute("data-status", "queued")
    expect(page.locator("body")).not_to_be_focused()
    claimed = Video.objects.claim("w")
    assert claimed
    finish_video(claimed, long_clip)
    page.keyboard.press("k")
    expect(page.locator("video")).to_have_js_property("readyState", 4)
    page.keyboard.press("l")
    expect(page.locator("video")).not_to_have_js_property("currentTime", 0)


def test_it_unfolds_a_description_and_starts_at_its_times_without_javascript(browser, site, long_clip):
    video = running_with_metadata("a")
    assert video.save_metadata(Metadata(title="A", description="a line\n" * 40 + "0:30 the middle", duration=60))
    finish_video(video, long_clip)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site.url + video.get_absolute_url())
    text = page.locator(".description .text")
    folded_height = text.bounding_box()["height"]
    page.get_by_text("Show more").click()
    assert text.bounding_box()["height"] > 4 * folded_height
    page.get_by_role("link", name="0:30").click()
    page.wait_for_url("**/?t=30")
    expect(page.locator("video")).to_have_js_property("currentTime", 30)
    assert text.bounding_box()["height"] == folded_height
    page.get_by_role("checkbox", name="Show the whole description").press("Space")
    assert text.bounding_box()["height"] > 4 * folded_height
    context.close()


def test_it_obeys_keys_and_goes_on_where_one_stopped(page: Page, site, long_clip):
    video = running_with_metadata("a")
    finish_video(video, long_clip)
    open_live_page(page, site, video.get_absolute_url())
    player = page.locator("video")
    page.wait_for_function("() => document.querySelector('video').readyState > 0")
    for key, name, value in (
        ("l", "currentTime", 10),
        ("ArrowRight", "currentTime", 15),
        ("j", "currentTime", 5),
        ("m", "muted", True),
        ("k", "paused", False),
        (" ", "paused", True),
    ):
        page.keyboard.press(key)
        expect(player).to_have_js_property(name, value)
    page.keyboard.press("l")
    page.keyboard.press("/")
    page.keyboard.type("l")
    expect(page.get_by_role("searchbox")).to_have_value("l")
    page.wait_for_function("() => Object.values(localStorage).some((at) => at >= 15)")
    page.reload()
    page.wait_for_function("() => document.querySelector('video').currentTime >= 15")
    assert player.evaluate("video => video.currentTime < 20")
