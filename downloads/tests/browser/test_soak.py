"""Soak test of a page with 100 bars that change five times a second: no long tasks, memory growth or layout shifts."""

import os
import sys
import time

import pytest
from playwright.sync_api import CDPSession, Page, expect

from downloads.models import Video
from downloads.tests.support.factories import publish_percent, running_beyond_limits
from downloads.tests.support.pages import open_live_page

pytestmark = [pytest.mark.chromium, pytest.mark.processes, pytest.mark.soak, pytest.mark.timeout(0)]
BAR_COUNT = 100
UPDATES_PER_SECOND = 5
DURATION_SECONDS = float(os.environ.get("SOAK_SECONDS", "600"))
MAX_HEAP_GROWTH = 1.1

OBSERVER_SCRIPT = """
window.tasks = [];
window.shift = 0;
new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((entry) => entry.duration)))
  .observe({ type: "longtask" });
new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.shift += entry.value; })
  .observe({ type: "layout-shift" });
"""


def heap_bytes(client: CDPSession) -> int:
    """Return the bytes in use after a garbage collection."""
    client.send("HeapProfiler.collectGarbage")
    return int(client.send("Runtime.getHeapUsage")["usedSize"])


def move_bars(videos: list[Video], seconds: float) -> int:
    """Move each bar five times a second; return the number of messages."""
    began, sent = time.monotonic(), 0
    while (passed := time.monotonic() - began) < seconds:
        for number, video in enumerate(videos):
            percent = (passed * 100 / seconds + number) % 100
            publish_percent(
                video, percent, downloaded_bytes=int(percent * 1e7), total_bytes=10**9, speed=5e6, eta=100 - percent
            )
            sent += 1
        time.sleep(max(0.0, began + sent / BAR_COUNT / UPDATES_PER_SECOND - time.monotonic()))
    return sent


def test_heap_and_layout_stay_stable(page: Page, site):
    videos = running_beyond_limits(BAR_COUNT)
    open_live_page(page, site)
    expect(page.locator("[data-bar]")).to_have_count(BAR_COUNT)
    client = page.context.new_cdp_session(page)
    move_bars(videos, 10)
    page.evaluate(OBSERVER_SCRIPT)
    before = heap_bytes(client)
    page.evaluate("window.tasks.length = 0")
    sent = move_bars(videos, DURATION_SECONDS)
    for video in videos:
        publish_percent(video, 99.9)
    expect(page.locator("[aria-valuenow='99.9']")).to_have_count(BAR_COUNT)
    tasks, shift = page.evaluate("[window.tasks, window.shift]")
    after = heap_bytes(client)
    sys.stderr.write(
        f"\n{sent} messages in {DURATION_SECONDS:.0f} s; long tasks {tasks}; shift {shift}; "
        f"heap {before} → {after} bytes\n"
    )
    assert tasks == []
    assert shift == 0
    assert after < before * MAX_HEAP_GROWTH
