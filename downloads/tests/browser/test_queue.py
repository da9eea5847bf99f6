"""The state of the queue, updated live in every tab."""

import time

import pytest
from playwright.sync_api import expect

from downloads.models import Queue, Video
from downloads.monitoring.standstill import START_GRACE_SECONDS
from downloads.progress.keys import WORKER_SEEN_KEY
from downloads.tests.support.factories import running_with_metadata
from downloads.tests.support.pages import card, open_activity
from downloads.tests.support.waiting import wait_until

pytestmark = [pytest.mark.chromium, pytest.mark.processes]


def test_it_says_in_every_tab_that_the_queue_is_paused(page, context, site, sign_in):
    running_with_metadata("a")
    sign_in(page)
    open_activity(page, site)
    other = open_activity(context.new_page(), site)
    for _ in range(2):
        page.get_by_role("button", name="Pause queue").press("Enter")
        expect(page.locator(".banner p")).to_have_text("Queue paused by ada.")
        expect(other.locator(".banner p")).to_have_text("Queue paused by ada.")
        expect(page.get_by_role("button", name="Resume queue")).to_be_focused()
        page.keyboard.press("Enter")
        expect(other.locator(".banner")).to_have_count(0)
        expect(page.get_by_role("button", name="Pause queue")).to_be_focused()
    Queue.hold("here", "The disk is nearly full.", 60)
    expect(other.locator(".banner p")).to_have_text("The disk is nearly full.")
    other.get_by_role("link", name="Failed").click()
    expect(other.get_by_text("Nothing here.")).to_be_visible()
    expect(other.locator(".banner p")).to_have_text("The disk is nearly full.")


def test_it_shows_a_retry_live(page, site, sign_in):
    video = running_with_metadata("a")
    sign_in(page)
    open_activity(page, site)
    claimed = Video.objects.get(pk=video.pk)
    assert claimed.retry_later("The site didn’t answer in time.")
    expect(card(page, video)).to_contain_text("(1 of 3)")


@pytest.mark.soak  # it waits until the server has run for a while; the bridge's part is in test_leader.py
def test_it_says_live_that_no_worker_runs_and_that_one_is_back(page, site, sign_in, redis_server):
    Video.objects.ingest("http://a.example/", "http://a.example/")
    sign_in(page)
    open_activity(page, site)
    expect(page.locator("#standstill")).to_have_count(0)
    with redis_server.client() as client:
        wait_until(
            lambda: time.monotonic() - site.web_started_at > START_GRACE_SECONDS + 2, "the server runs for a while"
        )
        client.delete(WORKER_SEEN_KEY)
        expect(page.locator("#standstill")).to_contain_text("no worker is running", timeout=40_000)
        client.set(WORKER_SEEN_KEY, 1)
        expect(page.locator("#standstill")).to_have_count(0)
