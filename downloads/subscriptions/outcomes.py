"""Outcomes of a check: success and failure, the time of the next one, and the sentence for people."""

import datetime as dt
import enum
from collections.abc import Iterable

from downloads.models import Subscription
from downloads.subscriptions.ledger import Outcome


class Failure(enum.StrEnum):
    """Kind of a failure."""

    NOT_FOUND = "not found"  # 404, 410: three in a row, and the list seems gone
    REFUSED = "refused"  # 429, 403, "confirm you're not a bot": the site is paused
    EMPTY = "empty"  # nothing where there was something
    BROKEN_FILTER = "broken filter"
    SAME_LIST = "same list"  # as another subscription: it is paused
    OTHER = "other"


def succeed(subscription: Subscription, outcomes: Iterable[Outcome]) -> bool:
    """End a check whose walks have all succeeded; False if the lease is lost."""
    raise NotImplementedError


def fail(
    subscription: Subscription,
    message: str,
    kind: Failure = Failure.OTHER,
    retry_after: dt.timedelta | None = None,
) -> bool:
    """End a check that met an error, a sentence for people; False if the lease is lost. No item is changed.

    For REFUSED the site is paused, for `retry_after` if it says so.
    """
    raise NotImplementedError
