"""Outcomes of a check: success and failure, the time of the next one, and the sentence for people."""

import datetime as dt
import enum
from collections.abc import Iterable

from django.db import transaction

from downloads.database.clock import read_clock
from downloads.models import HostPause, Subscription
from downloads.models.subscriptions.checks import NOT_FOUND_LIMIT
from downloads.pluralization import format_count
from downloads.subscriptions.ledger.outcome import Outcome
from downloads.subscriptions.schedule import Schedule, plan_after_failure

GONE_MESSAGE = "This list seems gone: the site has not found it {count} times in a row. It is asked once a day."


class Failure(enum.StrEnum):
    """Kind of a failure."""

    NOT_FOUND = "not found"  # 404, 410: three in a row, and the list seems gone
    REFUSED = "refused"  # 429, 403, "confirm you're not a bot": the site is paused
    EMPTY = "empty"  # nothing where there was something
    BROKEN_FILTER = "broken filter"
    SAME_LIST = "same list"  # as another subscription: it is paused
    OTHER = "other"


def succeed(subscription: Subscription, outcomes: Iterable[Outcome]) -> bool:
    """End a check whose walks have all succeeded; False if the lease is lost.

    The site has answered, so its pauses are counted from the start again.
    """
    now = read_clock()
    with transaction.atomic():
        current = subscription.leased_row().select_for_update().first()  # its schedule may be another one by now
        if current is None:
            return False
        queued = _count_finds(outcomes)
        current.finish_check(Schedule.of(current).next_after(now), is_find=queued > 0)
        _record_finds(current, queued)
        HostPause.objects.record_success(subscription.host)
    return True


def fail(
    subscription: Subscription,
    message: str,
    kind: Failure = Failure.OTHER,
    retry_after: dt.timedelta | None = None,
    finds: Iterable[Outcome] = (),
) -> bool:
    """End a check that met an error, a sentence for people; False if the lease is lost. No item is changed.

    `finds` are the outcomes of the walks that succeeded before. For REFUSED the site is paused, for `retry_after` if
    it says so; the check is repeated after the pause.
    """
    now = read_clock()
    with transaction.atomic():
        current = subscription.leased_row().select_for_update().first()
        if current is None:
            return False
        if queued := _count_finds(finds):
            current.leased_row().update(found_at=now)
            _record_finds(current, queued)
        next_check_at = plan_after_failure(current, now, is_not_found=kind == Failure.NOT_FOUND)
        if kind == Failure.NOT_FOUND and current.not_found_count + 1 >= NOT_FOUND_LIMIT:
            message = GONE_MESSAGE.format(count="three" if NOT_FOUND_LIMIT == 3 else NOT_FOUND_LIMIT)
        current.fail_check(message, next_check_at, is_not_found=kind == Failure.NOT_FOUND)
        if kind == Failure.REFUSED:
            HostPause.objects.pause(subscription.host, message, retry_after)
        if kind == Failure.SAME_LIST:
            subscription.pause(message)
    return True


def _count_finds(outcomes: Iterable[Outcome]) -> int:
    return sum(outcome.queued for outcome in outcomes)


def _record_finds(subscription: Subscription, queued: int) -> None:
    if queued:
        subscription.record_event(f"Added {format_count(queued, 'video')}")
