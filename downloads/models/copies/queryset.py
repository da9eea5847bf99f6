"""Queryset of playable copies: what is shown, what may start, and what dead workers had."""

from typing import Any, Self

from django.db import models
from django.db.models import Q

from downloads.database.clock import current_moment
from downloads.models.choices import Status
from downloads.models.copies.shown import SHOWN_STATUSES, UNFINISHED_STATUSES
from downloads.models.leases.lease import LEASE_DURATION
from downloads.models.queue import Queue

MAX_SHOWN = 50


class PlayableCopyQuerySet(models.QuerySet[Any]):
    """Selections of playable copies."""

    def unfinished(self) -> Self:
        """Filter those that wait or are being made."""
        return self.filter(status__in=UNFINISHED_STATUSES)

    def to_show(self) -> list[Any]:
        """Return those that wait, are being made or have failed, MAX_SHOWN at most, with their videos."""
        shown = self.filter(status__in=SHOWN_STATUSES).select_related("video")
        # "processing" comes before "queued"; what has failed is last.
        order = models.Case(models.When(status=Status.FAILED, then=1), default=0)
        return list(shown.order_by(order, "status", "requested_at", "pk")[:MAX_SHOWN])

    def claimable(self) -> Self:
        """Filter those that may be made now, in the order of their requests."""
        if not Queue.get_or_default().is_open:
            return self.none()
        return self.filter(status=Status.QUEUED, video__status=Status.COMPLETE).order_by("requested_at", "pk")

    def lease_expired(self) -> Self:
        """Filter those whose lease nobody has renewed, or is longer than any: the clock was set back."""
        now = current_moment()
        expired_condition = Q(lease_until=None) | Q(lease_until__lt=now) | Q(lease_until__gt=now + 2 * LEASE_DURATION)
        return self.filter(expired_condition, status=Status.PROCESSING)

    def requeue_worker(self, worker: str) -> int:
        """Requeue those of a worker that has died; return how many."""
        return sum(copy.release() for copy in self.filter(status=Status.PROCESSING, worker=worker))

    def requeue_expired(self) -> int:
        """Requeue those whose worker no longer renews the lease; return how many.

        One whose clock was set forward loses its copy, which is made again.
        """
        return sum(copy.release() for copy in self.lease_expired())
