"""Check of a subscription: its lease, its outcome, and the columns that hold both."""

import datetime as dt
import functools
from typing import Any, Self

from django.db import models, transaction
from django.db.models import F

from downloads.database.clock import current_moment, read_clock
from downloads.database.stored_values import TolerantJSONField, TolerantRow
from downloads.models.choices import Status
from downloads.models.event import VideoEvent
from downloads.models.leases.lease import CLEARED_LEASE, LEASE_DURATION, leased_row
from downloads.progress import message, publisher

MAX_CLOCK_STEP = dt.timedelta(hours=1)  # by which the clock may go back before all plans are void
MAX_ERROR_LENGTH = 500
RESTING_AFTER = dt.timedelta(days=30)
NOT_FOUND_LIMIT = 3  # answers "not found" in a row, after which a list seems gone
EVENT_PREFIX = "subscription-"
# Reasons of events, which the history shows with an icon.
FAILED_PREFIX = "The check failed: "
RECOVERED_REASON = "Checked without an error again"


class Checks(TolerantRow):
    """The state columns of checks, and the conditional UPDATEs of a check: each applies only while it has the lease."""

    key: "models.CharField[Any, str]"
    name: "models.CharField[Any, str]"

    # None: not by itself, as of one that rests.
    next_check_at = models.DateTimeField(null=True, blank=True, db_index=True)
    scheduled_at = models.DateTimeField(null=True, editable=False)  # when `next_check_at` was planned
    checked_at = models.DateTimeField("last check", null=True, editable=False)  # its end, whatever the outcome
    asked_at = models.DateTimeField("last request to the site", null=True, editable=False)
    succeeded_at = models.DateTimeField("last successful check", null=True, editable=False)
    found_at = models.DateTimeField("last find", null=True, editable=False)
    error = models.CharField(max_length=MAX_ERROR_LENGTH, blank=True, editable=False)
    failure_count = models.PositiveIntegerField("failures in a row", default=0, editable=False)
    not_found_count = models.PositiveIntegerField("answers “not found” in a row", default=0, editable=False)
    failing_since = models.DateTimeField(null=True, editable=False)
    # Where the walk through the older videos of each tab goes on; see subscriptions/walks.py.
    positions = TolerantJSONField(content_type=dict, default=dict, blank=True, editable=False)

    worker = models.CharField(max_length=255, blank=True, editable=False)
    lease_token = models.CharField(max_length=32, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)

    # Videos that the running check has queued, by whether they were in the list before the subscription.
    queued_in_check: dict[bool, int]
    known_length: int  # of the list, as the running check has learnt; 0 for unknown
    written_groups: int  # transactions of the running check: while it grows, the check does not stand still
    is_dry_run: bool  # the running check takes back what it writes
    dry_run_identities: set[str]  # of the items that the dry run has judged: their rows are taken back

    class Meta:
        abstract = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.queued_in_check = {False: 0, True: 0}
        self.known_length = self.written_groups = 0
        self.is_dry_run, self.dry_run_identities = False, set()

    def leased_row(self) -> "models.QuerySet[Self]":
        """Return the row while this check has its lease, else nothing."""
        return leased_row(self, self.lease_token)

    def start_check(self, worker: str, lease_token: str) -> bool:
        """Take the lease, for SubscriptionQuerySet.claim_check, which has made sure that nobody else has one."""
        lease = {"worker": worker, "lease_token": lease_token, "lease_until": current_moment() + LEASE_DURATION}
        if not type(self)._default_manager.filter(pk=self.pk, lease_token=self.lease_token).update(**lease):
            return False
        self.refresh_from_db()
        return True

    def renew_lease(self, **_: Any) -> bool:
        """Renew the lease; False if it is lost."""
        return self.leased_row().update(lease_until=current_moment() + LEASE_DURATION) == 1

    def record_request(self) -> bool:
        """Note that the site is about to be asked; False if the lease is lost, and it must not be asked."""
        return self.leased_row().update(asked_at=current_moment()) == 1

    def is_wanted(self) -> bool:
        """Tell whether the outcome of this check would still be written."""
        return self.holds_lease()

    def holds_lease(self) -> bool:
        """Tell whether this check still counts: the subscription is there, not paused, and checked by nobody else."""
        return self.leased_row().exists()

    def abandon_check(self, seconds: float = 0) -> bool:
        """Give the check up without an outcome, to be repeated after `seconds`; False if the lease is lost."""
        next_check_at = read_clock() + dt.timedelta(seconds=seconds)
        return self.release_check(next_check_at)

    def release_check(self, next_check_at: dt.datetime | None) -> bool:
        """Give the check up without an outcome, to be repeated at this time; False if the lease is lost."""
        plan = {"next_check_at": next_check_at, "scheduled_at": current_moment()}
        return self.leased_row().update(**plan, **CLEARED_LEASE) == 1

    def finish_check(self, next_check_at: dt.datetime, *, is_find: bool = False) -> bool:
        """End a check that succeeded: all failures are forgotten. False if the lease is lost."""
        had_error = self.error
        changes: dict[str, Any] = {
            "succeeded_at": current_moment(),
            "error": "",
            "failure_count": 0,
            "not_found_count": 0,
            "failing_since": None,
        }
        if is_find:
            changes["found_at"] = current_moment()
        with transaction.atomic():
            if not self._end(next_check_at, changes):
                return False
            if had_error:
                self.record_event(RECOVERED_REASON)
        return True

    def fail_check(self, error: str, next_check_at: dt.datetime | None, *, is_not_found: bool = False) -> bool:
        """End a check that met an error, which changes no item; None rests it. False if the lease is lost.

        The failures are counted, and an event is written only where the error began or is another one.
        """
        error = error[:MAX_ERROR_LENGTH]
        changes: dict[str, Any] = {
            "error": error,
            "failure_count": F("failure_count") + 1,
            "not_found_count": F("not_found_count") + 1 if is_not_found else 0,
            "failing_since": self.failing_since or current_moment(),
        }
        with transaction.atomic():
            if not self._end(next_check_at, changes):
                return False
            if error != self.error:
                self.record_event(f"{FAILED_PREFIX}{error}")
        return True

    def _end(self, next_check_at: dt.datetime | None, changes: dict[str, Any]) -> bool:
        times = {"next_check_at": next_check_at, "scheduled_at": current_moment(), "checked_at": current_moment()}
        return self.leased_row().update(**times, **changes, **CLEARED_LEASE) == 1

    @property
    def is_resting(self) -> bool:
        """True for one that has failed for 30 days, and is checked again only at a person's request."""
        return self.next_check_at is None and self.failing_since is not None

    @property
    def event_id(self) -> str:
        """The public id of this subscription's own events: its timeline."""
        return EVENT_PREFIX + self.key

    def events(self) -> "models.QuerySet[VideoEvent]":
        """Return the events of this subscription, the newest first."""
        return VideoEvent.objects.filter(public_id=self.event_id).order_by("-pk")

    def build_event(self, reason: str) -> VideoEvent:
        """Return an event of this subscription, not yet inserted."""
        return VideoEvent(at=current_moment(), public_id=self.event_id, status=Status.QUEUED, reason=reason[:2000])

    def record_event(self, reason: str) -> None:
        """Insert an event, and have open pages show this subscription anew once the transaction commits."""
        event = self.build_event(reason)
        event.save(force_insert=True)
        # An id of its own: a page does not ask again for an id that it has learnt is no video.
        changed = message.Progress(status=Status.QUEUED, changed=True)
        transaction.on_commit(functools.partial(publisher.publish_progress, f"{self.event_id}:{event.pk}", changed))
