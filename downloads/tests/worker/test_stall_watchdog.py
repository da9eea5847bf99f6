"""The stall watchdog of a download."""

import pytest

from downloads.tests.support.waiting import wait_until
from downloads.worker.stall_watchdog import StallWatchdog

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("child_environment")]


class TestStallWatchdog:
    """Calls for a download whose byte count no longer changes."""

    def test_it_fires_once(self):
        stalls = []
        with StallWatchdog(lambda: 7, 0.2, lambda: stalls.append(1)):
            wait_until(lambda: stalls, "it is noticed")
        assert stalls == [1]

    def test_it_does_not_fire_while_bytes_arrive(self):
        count = iter(range(1000))
        stalls = []
        with StallWatchdog(lambda: next(count), 0.1, lambda: stalls.append(1)) as watchdog:
            wait_until(lambda: next(count) > 40, "time passes")
            assert stalls == []
            watchdog.stop_watching()

    def test_it_does_not_fire_after_its_end(self):
        stalls = []
        with StallWatchdog(lambda: 7, 0.2, lambda: stalls.append(1)) as watchdog:
            watchdog.stop_watching()
            watchdog._thread.join(5)
        assert stalls == []
