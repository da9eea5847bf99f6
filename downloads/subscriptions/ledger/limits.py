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
class Room:
    """What a check may still queue; the counts are kept at the subscription, since a check has several walks."""

    subscription: Subscription

    def left(self, *, is_old: bool) -> int:
        """Return how many more may be queued, of old videos or of new ones."""
        used = self.subscription.queued_in_check
        return (SLICE_LENGTH if is_old else self.subscription.max_new or 1) - used[is_old]

    def take(self, *, is_old: bool, now: dt.datetime) -> Verdict:
        """Return the verdict for one that is wanted: it is queued, or follows later."""
        if self.left(is_old=is_old) <= 0:
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


def note_tried_out(subscription: Subscription, identities: Iterable[str]) -> None:
    """Note what a dry run has judged, so that it is not counted twice: the ledger has forgotten it."""
    if subscription.is_dry_run:
        subscription.tried_out.update(identities)
