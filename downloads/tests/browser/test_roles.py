"""A role that is taken while its user has a page open, and pages of those who may press fewer buttons."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from downloads.models import Video
from downloads.tests.support.factories import finish_video, running_with_metadata
from downloads.tests.support.pages import card, card_menu, expect_connection, open_add_form, open_live_page
from downloads.tests.support.users import role_group

pytestmark = [pytest.mark.chromium, pytest.mark.processes]


def test_it_is_told_in_place_and_its_buttons_go(page, site, sign_in):
    video = running_with_metadata("a")
    finish_video(video)
    sign_in(page)
    open_live_page(page, site)
    card_menu(page, video).get_by_role("button", name="Delete").click()
    expect(page.get_by_role("dialog").get_by_role("button", name="Delete")).to_be_visible()
    User.objects.update(is_superuser=False, is_staff=False)
    User.objects.get().groups.set([role_group("editor")])

    page.get_by_role("dialog").get_by_role("button", name="Delete").click()

    expect(page.locator(".message")).to_contain_text("needs the role “manager”, which your account does not have")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(card_menu(page, video).get_by_role("button", name="Copy link")).to_be_visible()
    expect(card(page, video).get_by_role("button", name="Delete")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Pause queue")).to_have_count(0)
    open_add_form(page).fill("http://93.184.215.14/<one>")
    User.objects.get().groups.clear()
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".message")).to_contain_text("needs the role “editor”")
    expect(page.get_by_label("Links")).to_have_value("http://93.184.215.14/<one>")
    expect_connection(page, "live")
    assert Video.objects.get() == video
    # The browser and htmx log each refusal.
    assert all("403" in error for error in page.errors)
    page.errors.clear()


def test_without_buttons_to_press_nothing_covers_the_name_in_the_admin(page, site, sign_in):
    video = running_with_metadata("a")
    finish_video(video)
    Video.objects.update(title="Bridges, ships and the people of the harbour " * 2)
    sign_in(page)
    User.objects.update(is_superuser=False)
    page.set_viewport_size({"width": 800, "height": 700})

    page.goto(f"{site.url}/admin/downloads/video/{video.pk}/change/")

    expect(page.get_by_role("button", name="Download again")).to_have_count(0)
    heading = page.get_by_role("heading", level=1).bounding_box()
    link = page.get_by_role("link", name="Open in the library").bounding_box()
    form = page.locator("#video_form").bounding_box()
    assert heading["y"] + heading["height"] <= link["y"]
    assert link["y"] + link["height"] <= form["y"]
