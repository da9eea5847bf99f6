"""The stall watchdog of a download."""

import pytest

from downloads.tests.support.waiting import wait_until
from downloads.worker.stall_watchdog import StallWatchdog

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("child_environment")]


class TestStallWatchdog:
    """Nothing arrives any more."""

    def test_it_fires_once(self):
        heard = []
        with StallWatchdog(lambda: 7, 0.2, lambda: heard.append(1)):
            wait_until(lambda: heard, 5, "it is noticed")
        assert heard == [1]

    def test_it_does_not_fire_while_bytes_arrive(self):
        count = iter(range(1000))
        heard = []
        with StallWatchdog(lambda: next(count), 0.1, lambda: heard.append(1)) as silence:
            wait_until(lambda: next(count) > 40, 5, "time passes")
            assert heard == []
            silence.stop_watching()

    def test_it_does_not_fire_after_its_end(self):
        heard = []
        with StallWatchdog(lambda: 7, 0.2, lambda: heard.append(1)) as silence:
            silence.stop_watching()
            silence._thread.join(5)
        assert heard == []
