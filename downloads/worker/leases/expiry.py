"""Expired leases of other workers, confirmed by this process' monotonic clock before their videos are requeued."""

import datetime as dt
import time
from collections.abc import Callable

from downloads.models import LEASE_DURATION, Video

LEASE_RENEWAL_INTERVAL_SECONDS = LEASE_DURATION.total_seconds() / 6
CONFIRMATION_SECONDS = LEASE_RENEWAL_INTERVAL_SECONDS * 1.2


class ExpiryWatch:
    """Requeues videos whose lease has expired, and was not renewed while this process looked.

    When the database's clock is set forward, all leases expire at once: those of the living are renewed before they
    are confirmed. A dead worker's lease is watched before it expires, so this costs no time otherwise.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._unrenewed_since: dict[tuple[str, dt.datetime | None], float] = {}

    def requeue_expired(self) -> int:
        """Requeue what is confirmed; return how many. Call it at least every LEASE_RENEWAL_INTERVAL_SECONDS."""
        now = self._clock()
        leases = Video.objects.lease_unrenewed().values_list("lease_token", "lease_until")
        self._unrenewed_since = {lease: self._unrenewed_since.get(lease, now) for lease in leases}
        confirmed = [
            token for (token, _), since in self._unrenewed_since.items() if now - since >= CONFIRMATION_SECONDS
        ]
        return Video.objects.requeue_expired(confirmed) if confirmed else 0
