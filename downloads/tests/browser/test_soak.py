"""A page with 100 bars that move five times a second, for a long time: no long task, no growth, nothing moves."""

import os
import sys
import time

import pytest
from playwright.sync_api import CDPSession, Page, expect

from downloads.models import Video
from downloads.tests.support.pages import downloading, move, opened

pytestmark = [pytest.mark.chromium, pytest.mark.processes, pytest.mark.soak, pytest.mark.timeout(0)]
BARS = 100
PER_SECOND = 5
SECONDS = float(os.environ.get("SOAK_SECONDS", "600"))
GROWN_AT_MOST = 1.1

WATCH = """
window.tasks = [];
window.shift = 0;
new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((entry) => entry.duration)))
  .observe({ type: "longtask" });
new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.shift += entry.value; })
  .observe({ type: "layout-shift" });
"""


def heap(client: CDPSession) -> int:
    """Return the bytes that are in use after everything unused was thrown away."""
    client.send("HeapProfiler.collectGarbage")
    return int(client.send("Runtime.getHeapUsage")["usedSize"])


def run(videos: list[Video], seconds: float) -> int:
    """Move each bar five times a second; return how many messages that were."""
    began, sent = time.monotonic(), 0
    while (passed := time.monotonic() - began) < seconds:
        for number, video in enumerate(videos):
            percent = (passed * 100 / seconds + number) % 100
            move(video, percent, downloaded_bytes=int(percent * 1e7), total_bytes=10**9, speed=5e6, eta=100 - percent)
            sent += 1
        time.sleep(max(0.0, began + sent / BARS / PER_SECOND - time.monotonic()))
    return sent


def test_it_stays_as_light_as_it_was(page: Page, site):
    videos = downloading(BARS)
    opened(page, site)
    expect(page.locator("[data-bar]")).to_have_count(BARS)
    client = page.context.new_cdp_session(page)
    run(videos, 10)
    page.evaluate(WATCH)
    before = heap(client)
    page.evaluate("window.tasks.length = 0")
    sent = run(videos, SECONDS)
    for video in videos:
        move(video, 99.9)
    expect(page.locator("[aria-valuenow='99.9']")).to_have_count(BARS)
    tasks, shift = page.evaluate("[window.tasks, window.shift]")
    after = heap(client)
    sys.stderr.write(
        f"\n{sent} messages in {SECONDS:.0f} s; long tasks {tasks}; shift {shift}; heap {before} → {after} bytes\n"
    )
    assert tasks == []
    assert shift == 0
    assert after < before * GROWN_AT_MOST
