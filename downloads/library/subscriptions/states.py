"""State of a subscription in words: paused, resting, failing, held by a pause of its site, checking, new or active."""

import dataclasses
import datetime as dt
from collections.abc import Collection

from django.utils import timezone

from downloads.formatting import format_timespan
from downloads.models import ChannelTab, HostPause, Subscription
from downloads.models.leases.lease import has_lease_in_force
from downloads.models.subscriptions.subscription import MAX_PLAYLIST_LENGTH
from downloads.network.sites import site_of
from downloads.network.url_secrets import hide_secrets

MAX_ERROR_LENGTH = 300
EMPTY_SENTENCE = "Nothing is in this list yet. New videos appear here."
DUE_SOON = dt.timedelta(seconds=30)


@dataclasses.dataclass(frozen=True)
class StateWords:
    """A state: `name` chooses icon and colour, `label` is one or two words, `sentence` says why and what comes next.

    `reason` is the part of the sentence that says why, for lists with a column of what comes next; "" if there is none.
    `is_changing` is true while the next seconds may change it: an open page asks again then.
    """

    name: str
    label: str
    sentence: str = ""
    icon: str = "queued"
    is_changing: bool = False
    reason: str = ""

    @property
    def is_checking(self) -> bool:
        """Return whether a check runs."""
        return self.name == "checking"


def describe_state(
    subscription: Subscription, pause: HostPause | None = None, now: dt.datetime | None = None
) -> StateWords:
    """Return the state of a subscription; `pause` is the one in force of its site, if any."""
    now = now or timezone.now()
    if not subscription.active:
        return StateWords("paused", "Paused", "Not checked until resumed.", "pause")
    if has_lease_in_force(subscription.lease_token, subscription.lease_until):
        return StateWords("checking", "Checking…", "", "retry", is_changing=True)
    if subscription.is_resting:
        since = f" It has failed since {_day(subscription.failing_since)}." if subscription.failing_since else ""
        return StateWords(
            "resting", "Resting", f"{_error(subscription)}{since} It is no longer checked by itself.", "stalled"
        )
    if pause and not subscription.error:
        return StateWords("held", "Site paused", _pause_sentence(pause), "stalled")
    if subscription.error:
        error, outlook = _error(subscription), _next_sentence(subscription, now, pause)
        sentence = f"{error} {outlook}"
        return StateWords("failing", "Failing", sentence, "failed", reason=sentence if pause else error)
    if subscription.checked_at is None:
        return StateWords("new", "New", _next_sentence(subscription, now, pause), "queued", _is_due(subscription, now))
    sentence = (
        f"{describe_missing_tabs(subscription)}{_cut_sentence(subscription)}{_next_sentence(subscription, now, pause)}"
    )
    return StateWords("active", "Active", sentence, "complete", _is_due(subscription, now))


def pauses_by_host(subscriptions: Collection[Subscription]) -> dict[str, HostPause]:
    """Return the pauses in force of these subscriptions' sites, by one query."""
    sites = {site_of(subscription.host) for subscription in subscriptions if subscription.host}
    return {pause.host: pause for pause in HostPause.objects.in_force().filter(host__in=sites)} if sites else {}


def describe_interval(subscription: Subscription) -> str:
    """Return how often it is checked, such as "every 6 h" or "at 30 2 * * * (Europe/Berlin)"."""
    if subscription.cron:
        return f"at {subscription.cron} ({subscription.time_zone or 'UTC'})"
    return f"every {format_interval(round(subscription.interval.total_seconds()))}"


def format_interval(seconds: int) -> str:
    """Return an interval in its largest whole unit, such as "15 min", "6 h", "day" or "2 days"."""
    for unit, unit_seconds in (("day", 86_400), ("h", 3_600)):
        if seconds % unit_seconds == 0 and seconds:
            count = seconds // unit_seconds
            if unit == "day":
                return f"{count} days" if count > 1 else "day"
            return f"{count} {unit}"
    return format_timespan(seconds) if seconds % 60 else f"{seconds // 60} min"


def _is_due(subscription: Subscription, now: dt.datetime) -> bool:
    return subscription.next_check_at is not None and subscription.next_check_at <= now + DUE_SOON


def _next_sentence(subscription: Subscription, now: dt.datetime, pause: HostPause | None) -> str:
    if pause:
        return _pause_sentence(pause)
    if subscription.next_check_at is None:
        return "No check is planned."
    remaining = (subscription.next_check_at - now).total_seconds()
    return f"Next check in {format_timespan(remaining)}." if remaining >= 1 else "Next check soon."


def describe_missing_tabs(subscription: Subscription) -> str:
    """Return which of the chosen tabs the channel does not have, with a space after it; "" if it has all."""
    labels = dict(ChannelTab.choices)
    missing = " or ".join(f"“{labels[tab]}”" for tab in subscription.missing_tabs)
    return f"The channel has no {missing} at the moment. " if missing else ""


def _cut_sentence(subscription: Subscription) -> str:
    place = subscription.cut_at
    if not place:
        return ""
    if place < MAX_PLAYLIST_LENGTH:
        return f"The first {place:,} of this list were looked at: the next check goes on to its end. "
    return f"Only the first {place:,} of this list are looked at: what comes after them is not seen. "


def _pause_sentence(pause: HostPause) -> str:
    remaining = max(60.0, (pause.until - timezone.now()).total_seconds())
    reason = f" {pause.reason}" if pause.reason else ""
    return f"{pause.host} is left alone for {format_timespan(remaining)}.{reason}"


def _error(subscription: Subscription) -> str:
    return hide_secrets(subscription.error.strip().partition("\n")[0])[:MAX_ERROR_LENGTH]


def _day(moment: dt.datetime) -> str:
    local = timezone.localtime(moment)
    return f"{local.day} {local:%B}"
