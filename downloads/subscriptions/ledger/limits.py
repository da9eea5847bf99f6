"""Limits of one check: what goes beyond them is kept in the ledger, and follows with the next checks."""

import contextlib
import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db import transaction

from downloads.models import Subscription, SubscriptionItemState
from downloads.subscriptions.judgement import WANTED, Verdict
from downloads.subscriptions.walks import SLICE_LENGTH

OVERFLOW_REASON = "More were new at once than are added in one check. It follows with the next."
BACKLOG_REASON = "It was there before, and follows with one of the next checks."
POSTPONED_REASONS = (OVERFLOW_REASON, BACKLOG_REASON)


@dataclass(frozen=True)
class CheckQuota:
    """Quota of what one check may queue. The counts are kept at the subscription, since a check has several walks."""

    subscription: Subscription

    def remaining(self, *, is_old: bool) -> int:
        """Return how many more may be queued, of old videos or of new ones."""
        used = self.subscription.queued_in_check
        return (SLICE_LENGTH if is_old else self.subscription.max_new or 1) - used[is_old]

    def admit_or_postpone(self, *, is_old: bool, now: dt.datetime) -> Verdict:
        """Return the verdict for a wanted video: admit it within the quota, else postpone it to a later check."""
        if self.remaining(is_old=is_old) <= 0:
            return Verdict(SubscriptionItemState.WAITING, BACKLOG_REASON if is_old else OVERFLOW_REASON, now)
        self.subscription.queued_in_check[is_old] += 1
        return WANTED


@contextlib.contextmanager
def check_transaction(subscription: Subscription) -> Iterator[None]:
    """A transaction of a check; if it fails, its commit included, the caller may call again with the same object.

    A dry run takes back each by itself, so that it holds no lock for longer than a check does.
    """
    positions, queued = subscription.positions, dict(subscription.queued_in_check)
    try:
        with transaction.atomic():
            yield
            if subscription.is_dry_run:
                transaction.set_rollback(True)
    except BaseException:
        subscription.positions, subscription.queued_in_check = positions, queued
        raise
    subscription.written_groups += 1


def record_dry_run(subscription: Subscription, identities: Iterable[str]) -> None:
    """Record what a dry run has judged, so that it is not counted twice: its ledger entries are rolled back."""
    if subscription.is_dry_run:
        subscription.dry_run_identities.update(identities)
