"""Deletion and undo in a browser, with a second tab open."""

import pytest
from playwright.sync_api import expect

from downloads.models import Status, Video
from downloads.tests.support.factories import finish_video, running_with_metadata
from downloads.tests.support.pages import card, card_menu, open_activity, open_live_page

pytestmark = [pytest.mark.chromium, pytest.mark.processes]


def test_it_deletes_and_undoes_in_every_tab(page, context, site, sign_in):
    video, other = running_with_metadata("a"), running_with_metadata("b")
    finish_video(video)
    sign_in(page)
    open_live_page(page, site)
    other_tab = open_live_page(context.new_page(), site)
    activity, other_activity = (open_activity(context.new_page(), site) for _ in range(2))

    card(activity, other).get_by_role("button", name="Cancel b", exact=True).click()
    expect(card(other_activity, other)).to_have_attribute("data-status", "cancelled")
    activity.locator(".message").get_by_role("button", name="Undo").click()
    expect(activity.locator(".message")).to_contain_text("b is back in the queue.")
    expect(card(other_activity, other)).to_have_attribute("data-status", Status.QUEUED)

    card_menu(page, video).get_by_role("button", name="Delete").click()
    expect(page.get_by_role("dialog")).to_contain_text(
        "This permanently deletes the video file (603 MB) and its history"
    )
    expect(page.get_by_role("button", name="Keep")).to_be_focused()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator(".message")).to_contain_text("Deleted a.")
    expect(card(page, video)).to_have_count(0)
    expect(card(other_tab, video)).to_have_count(0)
    assert not Video.objects.filter(pk=video.pk).exists()


def test_it_deletes_from_the_page_of_a_video(page, site, sign_in):
    video = running_with_metadata("a")
    finish_video(video)
    sign_in(page)
    open_live_page(page, site, video.get_absolute_url())
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.wait_for_url(f"{site.url}/")
    expect(page.locator(".message")).to_contain_text("Deleted a.")
    expect(card(page, video)).to_have_count(0)
