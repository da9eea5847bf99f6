"""Times of checks: an interval or a cron line with its zone, jitter, and longer waits after failures."""

import datetime as dt
import random
import zoneinfo
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

from cronsim import CronSim, CronSimError

from downloads.models import Subscription
from downloads.models.subscriptions.checks import NOT_FOUND_LIMIT, RESTING_AFTER
from downloads.models.subscriptions.subscription import MAX_CHECK_INTERVAL_SECONDS, MIN_CHECK_INTERVAL_SECONDS

MIN_INTERVAL = dt.timedelta(seconds=MIN_CHECK_INTERVAL_SECONDS)
MAX_INTERVAL = dt.timedelta(seconds=MAX_CHECK_INTERVAL_SECONDS)
MAX_BACK_OFF = dt.timedelta(hours=24)
GONE_INTERVAL = dt.timedelta(days=1)  # of a list that the site does not find any more
JITTER = 0.1  # of the interval, to both sides
MAX_CRON_DELAY_SECONDS = 120.0  # after the time of a cron line, so that not all archives ask at the full hour
CHECKED_CRON_TIMES = 100  # of a new line, for how close they are
CRON_FIELD_RANGES = (
    "minute (0 to 59)",
    "hour (0 to 23)",
    "day of the month (1 to 31)",
    "month (1 to 12)",
    "day of the week (0 to 7, or SUN to SAT)",
)
CRON_FIELD_COUNT = len(CRON_FIELD_RANGES)
NEVER_MESSAGE = "“{}” never comes: no day of the calendar fits it."
MAX_DOUBLINGS = 16
Uniform = Callable[[float, float], float]


class InvalidSchedule(ValueError):
    """These are no times of checks; the message tells the user why, `field` the name of the column."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Schedule:
    """An interval or, if there is one, a cron line; times are those of the zone, "" is UTC."""

    interval: dt.timedelta
    cron: str = ""
    time_zone: str = ""

    @classmethod
    def of(cls, subscription: Subscription) -> Self:
        """Return the schedule of a subscription, as it was read."""
        return cls(subscription.interval, subscription.cron, subscription.time_zone)

    def check(self, now: dt.datetime) -> None:
        """Raise InvalidSchedule unless checks can follow this schedule."""
        if not self.cron:
            if not MIN_INTERVAL <= self.interval <= MAX_INTERVAL:
                raise InvalidSchedule("check_interval", "Choose a time between 15 minutes and 366 days.")
            return
        times = []
        for moment in self._cron_times(now):
            times.append(moment)
            if len(times) > 1 and times[-1] - times[-2] < MIN_INTERVAL:
                raise InvalidSchedule("cron", "These times are closer than 15 minutes to each other.")
            if len(times) == CHECKED_CRON_TIMES:
                return
        if not times:
            raise InvalidSchedule("cron", NEVER_MESSAGE.format(self.cron))

    def next_after(self, now: dt.datetime, uniform: Uniform = random.uniform) -> dt.datetime:
        """Return the time of the next check; a cron line or zone that cannot be used is as if there was none."""
        if self.cron and (moment := self._next_cron_time(now)):
            return moment + dt.timedelta(seconds=uniform(0, MAX_CRON_DELAY_SECONDS))
        return now + max(self.interval, MIN_INTERVAL) * uniform(1 - JITTER, 1 + JITTER)

    def after_failure(self, now: dt.datetime, failures: int, uniform: Uniform = random.uniform) -> dt.datetime:
        """Return the time of the next check after `failures` in a row: interval × 2ⁿ up to 24 h, and never earlier."""
        interval = self._gap(now)
        wait = max(interval, min(interval * 2 ** min(failures, MAX_DOUBLINGS), MAX_BACK_OFF))
        if self.cron and (moment := self._next_cron_time(now + wait - interval)):
            return moment + dt.timedelta(seconds=uniform(0, MAX_CRON_DELAY_SECONDS))
        return now + wait * uniform(1 - JITTER, 1 + JITTER)

    def _gap(self, now: dt.datetime) -> dt.timedelta:
        """Return the interval; of a cron line, the time between its next two."""
        if self.cron and (first := self._next_cron_time(now)) and (second := self._next_cron_time(first)):
            return second - first
        return max(self.interval, MIN_INTERVAL)

    def _next_cron_time(self, now: dt.datetime) -> dt.datetime | None:
        try:
            return next(self._cron_times(now), None)
        except InvalidSchedule:
            return None

    def _cron_times(self, now: dt.datetime) -> Iterator[dt.datetime]:
        """Yield the times after `now`, in UTC; raise InvalidSchedule."""
        zone = load_zone(self.time_zone)
        if len(self.cron.split()) != CRON_FIELD_COUNT:  # cronsim takes a sixth for seconds, others for years
            raise InvalidSchedule("cron", f"“{self.cron}” is no cron line: it has five parts, such as “30 2 * * *”.")
        try:
            simulation = CronSim(self.cron, now.astimezone(zone))
        except CronSimError as error:
            raise InvalidSchedule("cron", _explain_cron_error(self.cron)) from error
        yield from (moment.astimezone(dt.UTC) for moment in simulation)


def _explain_cron_error(cron: str) -> str:
    """Return why a cron line cannot be used: a part that is wrong by itself, or a day that no month of it has."""
    for number, (part, values) in enumerate(zip(cron.split(), CRON_FIELD_RANGES, strict=True)):
        line = ["*"] * CRON_FIELD_COUNT
        line[number] = part
        try:
            CronSim(" ".join(line), dt.datetime(2000, 1, 1, tzinfo=dt.UTC))
        except CronSimError:
            return f"“{cron}” is no cron line: “{part}” is no {values}. “30 2 * * *” means every day at 2:30."
    return NEVER_MESSAGE.format(cron)


def load_zone(name: str) -> dt.tzinfo:
    """Return a time zone by its name, UTC for ""; raise InvalidSchedule for one that does not exist."""
    if not name:
        return dt.UTC
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = f"There is no time zone “{name}”. Write its name as in “Europe/Berlin”."
        raise InvalidSchedule("time_zone", message) from error


def plan_after_failure(subscription: Subscription, now: dt.datetime, *, is_not_found: bool) -> dt.datetime | None:
    """Return the time of the next check after another failure; None to rest, after 30 days of failures."""
    if subscription.failing_since and now - subscription.failing_since >= RESTING_AFTER:
        return None
    if is_not_found and subscription.not_found_count + 1 >= NOT_FOUND_LIMIT:
        return now + max(GONE_INTERVAL, subscription.interval)
    return Schedule.of(subscription).after_failure(now, subscription.failure_count + 1)
