"""Outages of Redis, bridge and web server at random under an open page: in the end each bar equals its row."""

import contextlib
import random
import re
import time

import pytest
from playwright.sync_api import Page, expect

from downloads.models import Status, Video
from downloads.templatetags.video_format import percent_attribute
from downloads.tests.support.factories import finish_video, publish_percent, running_with_metadata
from downloads.tests.support.pages import card, open_activity, progress_bar
from downloads.tests.support.redis_server import RedisServer
from downloads.tests.support.site import ServerUnderTest

pytestmark = [pytest.mark.chromium, pytest.mark.processes]
KILLED_SERVER_ERROR = re.compile(
    r"net::ERR_(CONNECTION_\w+|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING|CONTENT_LENGTH_MISMATCH)"
)


class OutageSimulation:
    """A simulated worker that goes on while the processes that it needs are killed."""

    def __init__(self, site: ServerUnderTest, server: RedisServer, seed: int) -> None:
        self.site = site
        self.server = server
        self.chance = random.Random(seed)
        self.videos = [running_with_metadata(f"film {number}") for number in range(6)]
        self.percent = dict.fromkeys((video.pk for video in self.videos), 0.0)
        self.killed = 0

    def work(self) -> None:
        """Advance, end or restart one video."""
        video = self.chance.choice(self.videos)
        event = self.chance.random()
        if video.status in (Status.FAILED, Status.CANCELLED):
            video.retry()
        elif video.status == Status.QUEUED:
            claimed = Video.objects.claim("w")
            assert claimed
            self.videos[[other.pk for other in self.videos].index(claimed.pk)] = claimed
            self.percent[claimed.pk] = 0.0
        elif video.is_active and event < 0.03:
            finish_video(video)
        elif video.is_active and event < 0.06:
            video.fail("The site says no.")
        elif video.is_active and event < 0.08:
            video.cancel()
        elif video.is_active:
            self.percent[video.pk] = min(99.0, self.percent[video.pk] + self.chance.random())
            self.publish_progress(video)

    def publish_progress(self, video: Video) -> None:
        video.renew_lease(percent=self.percent[video.pk])
        publish_percent_if_redis_up(video, self.percent[video.pk])

    def kill(self) -> None:
        """Kill one process, and restart it after a while in which the others go on."""
        part = self.chance.choice(("redis", "bridge", "web"))
        self.killed += 1
        {"redis": self.server.kill, "bridge": self.site.kill_bridge, "web": self.site.kill_web}[part]()
        until = time.monotonic() + self.chance.uniform(0, 3)
        while time.monotonic() < until:
            self.work()
        {"redis": self.server.start, "bridge": self.site.start_bridge, "web": self.site.start_web}[part]()

    def run(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until or self.killed < seconds / 10:
            next_kill = time.monotonic() + self.chance.uniform(0.2, 4)
            while time.monotonic() < next_kill:
                self.work()
            self.kill()

    def end(self) -> None:
        """Publish the progress of all running videos, as workers do five times a second."""
        for video in self.videos:
            if video.is_active:
                self.publish_progress(video)


def publish_percent_if_redis_up(video: Video, percent: float) -> None:
    """Publish one message; while Redis is down it is lost, as for a real worker."""
    with contextlib.suppress(AssertionError):
        publish_percent(video, percent)


def run_outages(page: Page, site: ServerUnderTest, server: RedisServer, *, seconds: float, seed: int) -> None:
    simulation = OutageSimulation(site, server, seed)
    open_activity(page, site)
    page.evaluate("window.neverReloaded = true")
    page.errors.clear()  # type: ignore[attr-defined]
    simulation.run(seconds)
    expect(page.locator("html[data-connection=live]")).to_be_attached()
    simulation.end()
    for video in simulation.videos:
        video.refresh_from_db()
        if video.status == Status.COMPLETE:
            expect(card(page, video)).to_have_count(0, timeout=40_000)
            continue
        expect(card(page, video)).to_have_attribute("data-status", video.status, timeout=40_000)
        if video.is_active:
            expect(progress_bar(page, video)).to_have_attribute(
                "aria-valuenow", percent_attribute(simulation.percent[video.pk])
            )
        else:
            expect(progress_bar(page, video)).to_have_count(0)
    assert page.evaluate("window.neverReloaded")
    assert simulation.killed >= seconds / 10
    # The browser itself logs that the server is down, or was killed while it answered; nothing else may be logged.
    errors = page.errors  # type: ignore[attr-defined]
    assert not [
        text
        for text in errors
        if not KILLED_SERVER_ERROR.search(text) and "WebSocket connection" not in text and "503" not in text
    ]
    errors.clear()


@pytest.mark.timeout(180)
def test_every_bar_equals_its_row_after_random_outages(page, site, redis_server):
    run_outages(page, site, redis_server, seconds=20, seed=1)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(3))
def test_every_bar_equals_its_row_after_two_minutes_of_outages(page, site, redis_server, seed):
    run_outages(page, site, redis_server, seconds=120, seed=seed)
