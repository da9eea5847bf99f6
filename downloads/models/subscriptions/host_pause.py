"""HostPause model: a site that asks to be left alone, by checks and downloads alike."""

import datetime as dt
from typing import ClassVar, Self

from django.db import models, transaction
from django.db.models import Exists
from django.utils import timezone

from downloads.database import advisory_lock
from downloads.database.clock import CLOCK_TOLERANCE, current_moment, read_clock
from downloads.database.stored_values import TolerantRow
from downloads.models.audit.entry import AuditAction, record_entry
from downloads.models.event import record_queue_event
from downloads.network.sites import site_of

FIRST_PAUSE = dt.timedelta(minutes=15)
MAX_PAUSE = dt.timedelta(hours=24)
MAX_COUNTED_PAUSES = 8  # in a row; from this one on a pause lasts MAX_PAUSE
# Shortest pause if the site names a length (× 4ⁿ): one that always answers "Retry-After: 0" is still given a rest.
MIN_PAUSE = dt.timedelta(seconds=1)
MIN_ANNOUNCED_EXTENSION = dt.timedelta(minutes=1)  # a pause that is prolonged by less does not update open pages


class HostPauseQuerySet(models.QuerySet["HostPause"]):
    """Pauses; each site has one row at most, which stays after the pause to count it."""

    def in_force(self) -> Self:
        """Filter the pauses that last; one that is longer than any was set before the clock was set back."""
        now = current_moment()
        return self.filter(until__gt=now, until__lte=now + MAX_PAUSE + CLOCK_TOLERANCE)

    def find(self, host: str) -> "HostPause | None":
        """Return the pause in force of the site of this host name, if any."""
        return self.in_force().filter(host=site_of(host)).first()

    def pause(self, host: str, reason: str, retry_after: dt.timedelta | None = None) -> "HostPause":
        """Pause the site of `host` for `retry_after`, else for 15 minutes × 2ⁿ; 24 hours at most, and never for less.

        A pause that lasts is prolonged, not counted again: several downloads may meet the same refusal.
        """
        site = site_of(host)
        with transaction.atomic():
            advisory_lock(f"pause {site}")
            now = read_clock()
            pause = self.filter(host=site).first() or self.model(host=site, until=now)
            if pause.until <= now or pause.until > now + MAX_PAUSE + CLOCK_TOLERANCE:
                pause.count, pause.until = min(pause.count + 1, MAX_COUNTED_PAUSES), now
            former_until = pause.until
            pause.until = max(former_until, now + min(_pause_length(pause.count, retry_after), MAX_PAUSE))
            pause.reason, pause.paused_at = reason[:500], now
            pause.save()
            if pause.until - former_until > MIN_ANNOUNCED_EXTENSION or former_until <= now:
                record_queue_event(f"{site} asked for a pause")
        return pause

    def record_success(self, host: str) -> bool:
        """Start the count of a site again, since it has answered; a pause that lasts stays. False without a count."""
        over = self.filter(host=site_of(host), until__lte=current_moment())
        return over.exists() and bool(over.delete()[0])  # read first: most sites have no row

    def resume(self, host: str) -> bool:
        """End the pause of a site at a person's request, for downloads and checks; False if there is none."""
        with transaction.atomic():
            pause = self.in_force().filter(host=site_of(host)).first()
            if pause is None:
                return False
            pause.delete()
            record_entry(AuditAction.QUEUE_RESUMED, details=f"Pause of {pause.host} ended")
            record_queue_event(f"The pause of {pause.host} was ended")
        return True


def _pause_length(pause_count: int, retry_after: dt.timedelta | None) -> dt.timedelta:
    """Return how long a pause lasts that is number `pause_count` in a row."""
    if retry_after is None:
        return FIRST_PAUSE * 2 ** max(0, pause_count - 1)
    return max(retry_after, MIN_PAUSE * 4 ** max(0, pause_count - 1))


def any_paused_condition() -> Exists:
    """Return the condition that a site has asked for a pause."""
    return Exists(HostPause.objects.in_force())


class HostPause(TolerantRow):
    """The pause of one site (network/sites.py), and how many it has had in a row."""

    host = models.CharField("site", max_length=255, unique=True)
    until = models.DateTimeField()
    reason = models.CharField(max_length=500, blank=True)
    count = models.PositiveIntegerField("pauses in a row", default=0)
    paused_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[HostPauseQuerySet] = HostPauseQuerySet.as_manager()  # type: ignore[assignment]

    STORED_LIMITS = {"count": (0, 2**31 - 1)}

    def __str__(self) -> str:
        return f"{self.host} until {self.until}: {self.reason}"
