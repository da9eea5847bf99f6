"""A video that waits for its release, on the pages."""

import pytest
from playwright.sync_api import expect

from downloads.models import ReleaseWait, Video
from downloads.tests.support.factories import running_with_metadata
from downloads.tests.support.pages import card, open_activity

pytestmark = [pytest.mark.chromium, pytest.mark.processes]
REASON = f"This premiere on {'films.' * 30}example starts on 3 Dec 2026 at 18:00 UTC and will be downloaded then."


def test_it_shows_live_why_a_video_waits(page, site, sign_in):
    video = running_with_metadata("a")
    sign_in(page)
    open_activity(page, site)
    claimed = Video.objects.get(pk=video.pk)
    assert claimed.wait_for_release(ReleaseWait(REASON, claimed.queued_at.replace(year=2036)))
    sentence = card(page, video).get_by_text(REASON)
    expect(sentence).to_be_visible()
    expect(card(page, video).get_by_text("Finding video")).to_be_hidden()
    page.set_viewport_size({"width": 320, "height": 640})
    expect(sentence).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.goto(f"{site.url}{video.get_absolute_url()}")
    expect(page.get_by_text(REASON).first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
