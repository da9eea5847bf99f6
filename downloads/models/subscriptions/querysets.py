"""Queryset and manager of subscriptions: which are due, and the claim of a check."""

import datetime as dt
import secrets
from collections.abc import Collection
from typing import Self, TypeVar

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q

from downloads.database import advisory_lock
from downloads.database.clock import CLOCK_TOLERANCE, current_moment, read_clock
from downloads.models.leases.lease import lease_in_force
from downloads.models.subscriptions.checks import MAX_CLOCK_STEP, Checks
from downloads.models.subscriptions.host_pause import HostPause

T = TypeVar("T", bound=Checks)
LOCK_NAME = "checks of subscriptions"


class SubscriptionQuerySet(models.QuerySet[T]):
    """Selections of subscriptions, and the claim of a check: the rows are the queue of their own checks."""

    def due(self) -> Self:
        """Filter the active ones whose next check is due, or was planned before the clock was set back."""
        now = current_moment()
        planned_in_future = Q(scheduled_at__gt=now + MAX_CLOCK_STEP)
        due_condition = Q(next_check_at__lte=now) | (Q(next_check_at__isnull=False) & planned_in_future)
        return self.filter(due_condition, active=True)

    def running(self) -> Self:
        """Filter those that are being checked; a lease longer than any was set before the clock was set back."""
        return self.filter(lease_in_force(current_moment()))

    def resting(self) -> Self:
        """Filter the active ones that have failed for so long that they are no longer checked by themselves."""
        return self.filter(active=True, next_check_at=None, failing_since__isnull=False)

    def claimable(self, *, is_asked_for: bool = False) -> Self:
        """Filter those that may be checked now, the longest due first: one per site, after a gap, without a pause.

        With `is_asked_for` those as well that are not due.
        """
        now = current_moment()
        running = type(self)(self.model).running()
        busy = running.exclude(host="").values("host")
        # A time in the future was written before the clock was set back.
        just_asked = Q(asked_at__gt=now - dt.timedelta(seconds=settings.HOST_GAP), asked_at__lte=now + CLOCK_TOLERANCE)
        recent = self.model._default_manager.filter(just_asked).exclude(host="").values("host")
        candidates = self.filter(active=True) if is_asked_for else self.due()
        return (
            candidates.exclude(pk__in=running.values("pk"))
            .exclude(host__in=busy)
            .exclude(host__in=recent)
            .exclude(host__in=HostPause.objects.in_force().values("host"))
            .order_by("next_check_at", "pk")
        )

    def claim_check(self, worker: str, keys: Collection[str] | None = None) -> T | None:
        """Claim the check of the next due subscription, with a lease; None if there is none, or YTARCHIVE_CHECKS run.

        With `keys`, one of these alone, whether it is due or not: a person asked for it.
        """
        is_asked_for = keys is not None
        candidates = self if keys is None else self.filter(key__in=keys)
        if not candidates.claimable(is_asked_for=is_asked_for).exists():  # read first: a claim locks SQLite
            return None
        with transaction.atomic():
            # One lock for all claims, since they look at one another's sites.
            advisory_lock(LOCK_NAME)
            if type(self)(self.model).running().count() >= settings.CHECKS:
                return None
            subscription = candidates.claimable(is_asked_for=is_asked_for).first()
            return subscription if subscription and subscription.start_check(worker, secrets.token_hex(16)) else None

    def release_worker(self, worker: str) -> int:
        """Give up the checks of a worker that has died: they are due again. Return how many."""
        now = read_clock()
        return self.filter(worker=worker).exclude(lease_token="").update(worker="", lease_token="", lease_until=now)
