"""Watched videos: they follow a person from browser to browser, and nobody else."""

import pytest
from django.contrib.auth import get_user_model
from playwright.sync_api import Browser, Page, expect

from downloads.models import WatchState
from downloads.tests.support.factories import finish_video, running_with_metadata
from downloads.tests.support.pages import open_live_page, set_session
from downloads.tests.support.waiting import wait_until

pytestmark = [pytest.mark.chromium, pytest.mark.processes]

PLAY_SCRIPT = "(video, second) => { video.muted = true; video.currentTime = second; return video.play() }"


def open_as(browser: Browser, site, name: str) -> Page:
    page = browser.new_context().new_page()
    set_session(page.context, site.url, get_user_model().objects.get(username=name))
    page.goto(site.url)
    return page


def stored_position() -> float:
    return WatchState.objects.values_list("position", flat=True).first() or 0


def test_a_position_follows_its_person_and_nobody_else(page: Page, browser, site, sign_in, long_clip):
    get_user_model().objects.create_user("bob")
    video = running_with_metadata("a")
    finish_video(video, long_clip)
    url = video.get_absolute_url()
    sign_in(page)
    open_live_page(page, site, url)
    page.locator("video").evaluate(PLAY_SCRIPT, 20)
    page.locator("video").evaluate("(video) => video.pause()")
    wait_until(lambda: 20 <= stored_position() < 30, "the position is stored on pause")
    assert page.evaluate("() => Object.keys(localStorage).length") == 0

    elsewhere = open_as(browser, site, "ada")
    row = elsewhere.get_by_role("region", name="Continue watching")
    expect(row.get_by_role("link", name="a", exact=True)).to_be_visible()
    # Over the picture, in a disc that any picture leaves readable.
    remove_button = row.get_by_role("button", name="Remove a from Continue watching")
    remove_button.hover()
    expect(remove_button).to_have_css("background-color", "rgba(10, 11, 13, 0.82)")
    expect(remove_button).to_have_css("color", "rgb(255, 255, 255)")
    meters = elsewhere.locator("meter.watched-line")
    expect(meters).to_have_count(2)
    assert 33 <= int(meters.first.get_attribute("value")) < 50
    elsewhere.goto(site.url + url)
    expect(elsewhere.get_by_text("Resumed at 0:2")).to_be_visible()
    assert elsewhere.locator("video").evaluate("(video) => video.currentTime") >= 20
    elsewhere.get_by_role("button", name="Start over").click()
    expect(elsewhere.get_by_text("Resumed at")).to_be_hidden()
    elsewhere.locator("video").evaluate(PLAY_SCRIPT, 40)
    elsewhere.wait_for_function("() => document.querySelector('video').currentTime > 42")
    elsewhere.goto(site.url)  # leaving stores it
    wait_until(lambda: stored_position() >= 42, "the position is stored by whoever leaves")
    elsewhere.context.close()

    stranger = open_as(browser, site, "bob")
    expect(stranger.get_by_role("region", name="Continue watching")).to_be_hidden()
    expect(stranger.locator("meter.watched-line")).to_have_count(0)
    stranger.goto(site.url + url)
    stranger.wait_for_function("() => document.querySelector('video').readyState > 0")
    assert stranger.locator("video").evaluate("(video) => video.currentTime") == 0
    stranger.context.close()
