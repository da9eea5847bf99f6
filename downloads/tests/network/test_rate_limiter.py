"""The rate limiter of the egress proxy."""

import time

import pytest

from downloads.network.rate_limiter import RateLimiter
from downloads.worker import supervisor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("child_environment")]


class TestRateLimiter:
    """Counting of bytes, and delays."""

    def test_it_counts(self):
        flow = RateLimiter()
        flow.throttle(5)
        flow.throttle(6)
        assert flow.transferred_bytes == 11

    @pytest.mark.alone
    def test_it_keeps_to_its_rate(self):
        durations = []
        for _ in range(3):
            flow = RateLimiter(1_000_000)
            began = time.monotonic()
            for _ in range(4):
                flow.throttle(100_000)
            durations.append(time.monotonic() - began)
        assert 0.35 < min(durations) < 0.8

    def test_it_divides_the_rate_among_downloads(self, settings):
        settings.BANDWIDTH = 1000
        assert [supervisor.Supervisor._rate_per_download(count) for count in (0, 1, 2, 3)] == [1000, 1000, 500, 334]
