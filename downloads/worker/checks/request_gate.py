"""Gate before each request of a check: it keeps the distance to the one before, and looks after the lease."""

import time
from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings

from downloads.database import retry_while_database_is_down
from downloads.models import Subscription
from downloads.network.sites import site_of
from downloads.worker.leased_video import LeaseLost

WAIT_SLICE_SECONDS = 1.0  # shorter than any stall


class RequestGate:
    """`wait(url)`, called before each request, blocks for YTARCHIVE_HOST_GAP between two to one site.

    The time of each is kept in the row, so that the next check of this site, by whatever process, waits as well. Raise
    LeaseLost once the check does not count any more. `passed` grows while something is waited for.
    """

    def __init__(
        self,
        subscription: Subscription,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._subscription = subscription
        self._clock = clock
        self._sleep = sleep
        self._asked_at: dict[str, float] = {}  # by site, on the monotonic clock
        self.passed = 0

    def wait(self, url: str) -> None:
        """Wait until the site of a URL may be asked again."""
        site = site_of(urlsplit(url).hostname or "")
        while (left := self._seconds_left(site)) > 0:
            self._sleep(min(left, WAIT_SLICE_SECONDS))
            self.passed += 1
        if not retry_while_database_is_down(self._subscription.record_request):
            raise LeaseLost
        self._asked_at[site] = self._clock()

    def _seconds_left(self, site: str) -> float:
        asked_at = self._asked_at.get(site)
        return 0.0 if asked_at is None else asked_at + settings.HOST_GAP - self._clock()
