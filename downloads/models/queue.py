"""Queue state: paused by a person, or held by a worker while a folder cannot be used."""

import datetime as dt
from functools import cached_property
from typing import Any

from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from downloads.database.clock import current_moment, read_clock
from downloads.database.stored_values import TolerantRow
from downloads.models.audit.entry import AuditAction, record_entry
from downloads.models.bulk.bulk_action import any_bulk_action_shown_condition
from downloads.models.copies.shown import any_copy_shown_condition
from downloads.models.event import record_queue_event
from downloads.models.subscriptions.host_pause import HostPause, any_paused_condition
from downloads.network.sites import site_of

MAX_HOLD = dt.timedelta(minutes=5)  # one that would last longer was set before the clock was set back
NO_HOLD: dict[str, Any] = {"held_until": None, "held_by": "", "held_because": ""}


def _held_condition() -> Q:
    now = current_moment()
    return Q(held_until__gt=now, held_until__lte=now + MAX_HOLD)


class Queue(TolerantRow):
    """The single row that decides whether waiting videos may start.

    A pause is set by a person and lasts until a person resumes. A hold is set by a worker, which renews it while
    the cause lasts; a hold that is not renewed expires.
    """

    paused = models.BooleanField(default=False)
    reason = models.CharField("reason of the pause", max_length=500, blank=True)
    held_until = models.DateTimeField(null=True, blank=True)
    held_by = models.CharField(max_length=255, blank=True)
    held_because = models.CharField("reason of the hold", max_length=500, blank=True)

    read_at: dt.datetime | None = None  # by the database's clock; None: by that of this process, now
    has_bulk_actions = False  # True if there are bulk actions to show; read with the row
    has_copies = True  # False if no playable copy waits, is being made or has failed; read with the row
    has_site_pauses = True  # False if no site has asked for a pause; read with the row

    class Meta:
        permissions = (("manage_archive", "Can manage the whole queue, yt-dlp and the audit log"),)

    def __str__(self) -> str:
        return self.blocked_reason or "The queue is running"

    @property
    def is_held(self) -> bool:
        """True while a worker holds the queue, as of the time when this was read."""
        now = self.read_at or timezone.now()
        return self.held_until is not None and now < self.held_until <= now + MAX_HOLD

    @property
    def is_open(self) -> bool:
        """True if waiting videos may start."""
        return not self.paused and not self.is_held

    @property
    def blocked_reason(self) -> str:
        """The reason that nothing starts, a sentence; "" while the queue runs."""
        if self.is_held:
            return self.held_because
        return (self.reason or "Queue paused.") if self.paused else ""

    @cached_property
    def site_pauses(self) -> list[HostPause]:
        """The pauses that sites have asked for, by their names."""
        return list(HostPause.objects.in_force().order_by("host")) if self.has_site_pauses else []

    def find_site_pause(self, host: str) -> HostPause | None:
        """Return the pause of the site of this host name, if any."""
        return next((pause for pause in self.site_pauses if pause.host == site_of(host)), None)

    @property
    def block_token(self) -> str:
        """Key of all that keeps videos from starting, which differs when that does; "" for nothing."""
        parts = ["queue"] if self.blocked_reason else []
        return " ".join(parts + [f"{pause.host}:{pause.until:%H%M}" for pause in self.site_pauses])

    @classmethod
    def get_or_default(cls) -> "Queue":
        """Return the row with what it is annotated with, or an unsaved one with the defaults: reading never writes."""
        annotated = cls.objects.annotate(
            has_bulk_actions=any_bulk_action_shown_condition(),
            has_copies=any_copy_shown_condition(),
            has_site_pauses=any_paused_condition(),
        )
        queue = annotated.filter(pk=1).first()
        if queue is None:
            return cls(pk=1)
        if queue.held_until is not None:
            queue.read_at = read_clock()
        return queue

    @classmethod
    def pause(cls, reason: str = "Queue paused.") -> bool:
        """Pause the queue until somebody resumes; running downloads go on. False if it was paused already."""
        with transaction.atomic():
            is_changed = cls._update_row(reason, Q(paused=False), paused=True, reason=reason)
            if is_changed:
                record_entry(AuditAction.QUEUE_PAUSED)
        return is_changed

    @classmethod
    def resume(cls, reason: str = "Queue resumed") -> bool:
        """End a pause and a hold; False if there was neither. A worker holds the queue again if its cause lasts."""
        with transaction.atomic():
            is_changed = cls._update_row(reason, Q(paused=True) | _held_condition(), paused=False, reason="", **NO_HOLD)
            if is_changed:
                record_entry(AuditAction.QUEUE_RESUMED)
        return is_changed

    @classmethod
    def hold(cls, worker: str, reason: str, seconds: float) -> bool:
        """Hold the queue for `seconds` (MAX_HOLD at most), or renew the hold; False if it was held already."""
        until = current_moment() + min(dt.timedelta(seconds=seconds), MAX_HOLD)
        hold = {"held_until": until, "held_by": worker, "held_because": reason}
        if cls.objects.filter(_held_condition(), pk=1).update(**hold):
            return False
        return cls._update_row(reason, Q(held_until=None) | ~_held_condition(), **hold)

    @classmethod
    def release_hold(cls, worker: str, reason: str) -> bool:
        """End the hold of `worker`, or one that has expired; False if there is none."""
        return cls._update_row(
            reason, Q(held_until__isnull=False) & (Q(held_by=worker) | ~_held_condition()), **NO_HOLD
        )

    @classmethod
    def _update_row(cls, event_reason: str, condition: Q, **changes: Any) -> bool:
        with transaction.atomic():
            cls.objects.get_or_create(pk=1)
            if not cls.objects.filter(condition, pk=1).update(**changes):
                return False
            record_queue_event(event_reason)
        return True
