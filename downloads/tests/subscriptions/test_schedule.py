"""Times of checks: intervals, cron lines on the days the clock changes, failures, and what is refused."""

import datetime as dt
import zoneinfo
from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downloads.subscriptions.schedule import InvalidSchedule, Schedule, plan_after_failure
from downloads.tests.support.cases import each_case

NOW = dt.datetime(2026, 11, 29, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")


def lowest(least: float, most: float) -> float:
    return least


def middle(least: float, most: float) -> float:
    return (least + most) / 2


@each_case(
    ("schedule", "field", "words"),
    [
        (Schedule(dt.timedelta(seconds=899)), "check_interval", "between 15 minutes and 366 days"),
        (Schedule(dt.timedelta(seconds=-1)), "check_interval", "between 15 minutes"),
        (Schedule(dt.timedelta(days=367)), "check_interval", "366 days"),
        (Schedule(HOUR, "0 0 30 2 *"), "cron", "never comes"),
        (Schedule(HOUR, "0 0 31 4 *"), "cron", "never comes"),
        (Schedule(HOUR, "every day"), "cron", "is no cron line"),
        (Schedule(HOUR, "@daily"), "cron", "is no cron line"),
        (Schedule(HOUR, "0 0 3 * * *"), "cron", "it has five parts"),
        (Schedule(HOUR, "0 0 1 13 *"), "cron", "“13” is no month .1 to 12."),
        (Schedule(HOUR, "0 0 * 13 *"), "cron", "“13” is no month"),
        (Schedule(HOUR, "99 * * * *"), "cron", "“99” is no minute .0 to 59."),
        (Schedule(HOUR, "0 24 * * *"), "cron", "“24” is no hour"),
        (Schedule(HOUR, "0 0 32 * *"), "cron", "“32” is no day of the month"),
        (Schedule(HOUR, "0 0 * * FOO"), "cron", "“FOO” is no day of the week"),
        (Schedule(HOUR, "* * * * *"), "cron", "closer than 15 minutes"),
        (Schedule(HOUR, "0,10 3 * * *"), "cron", "closer than 15 minutes"),
        (Schedule(HOUR, "0 3 * * *", "Europe/Atlantis"), "time_zone", "There is no time zone “Europe/Atlantis”"),
        (Schedule(HOUR, "0 3 * * *", "../../etc/passwd"), "time_zone", "There is no time zone"),
        (Schedule(HOUR, "0 3 * * *", "a\x00b"), "time_zone", "There is no time zone"),
    ],
)
def test_it_refuses_what_is_no_schedule(schedule, field, words):
    with pytest.raises(InvalidSchedule, match=words) as refusal:
        schedule.check(NOW)
    assert refusal.value.field == field


@pytest.mark.parametrize("cron", ["30 2 * * *", "*/15 * * * *", "0 0 29 2 *", "0 9 * * MON-FRI"])
def test_it_takes_cron_lines(cron):
    Schedule(HOUR, cron, "Europe/Berlin").check(NOW)


def test_an_interval_has_jitter_to_both_sides():
    schedule = Schedule(6 * HOUR)
    assert schedule.next_after(NOW, lowest) == NOW + 6 * HOUR * 0.9
    assert schedule.next_after(NOW, middle) == NOW + 6 * HOUR


@pytest.mark.parametrize(
    ("day", "expected_hours"),
    [
        # The hour from 2 to 3 exists twice: the line comes once.
        (dt.datetime(2026, 10, 24, 12, tzinfo=BERLIN), ["02:30", "02:30", "02:30"]),
        # The hour from 2 to 3 is left out: the line comes when it is over.
        (dt.datetime(2026, 3, 28, 12, tzinfo=BERLIN), ["03:00", "02:30", "02:30"]),
    ],
)
def test_a_cron_line_comes_once_a_day_when_the_clock_changes(day, expected_hours):
    schedule, times = Schedule(HOUR, "30 2 * * *", "Europe/Berlin"), [day]
    for _ in expected_hours:
        times.append(schedule.next_after(times[-1], lowest))
    local = [moment.astimezone(BERLIN) for moment in times[1:]]
    assert [f"{moment:%H:%M}" for moment in local] == expected_hours
    assert len({moment.date() for moment in local}) == len(local)


def test_failures_double_the_wait_up_to_a_day():
    schedule = Schedule(HOUR)
    waits = [schedule.after_failure(NOW, failures, middle) - NOW for failures in (1, 2, 3, 4, 5, 500)]
    assert waits == [2 * HOUR, 4 * HOUR, 8 * HOUR, 16 * HOUR, 24 * HOUR, 24 * HOUR]


def test_failures_never_shorten_a_long_interval():
    assert Schedule(72 * HOUR).after_failure(NOW, 3, middle) == NOW + 72 * HOUR


def test_failures_skip_times_of_a_cron_line():
    schedule = Schedule(HOUR, "0 * * * *")
    assert schedule.after_failure(NOW, 2, lowest) == NOW + 4 * HOUR
    assert Schedule(HOUR, "0 3 * * 0").after_failure(NOW, 9, lowest) == dt.datetime(2026, 12, 6, 3, tzinfo=dt.UTC)


@pytest.mark.parametrize("broken", [Schedule(HOUR, "nonsense"), Schedule(HOUR, "0 3 * * *", "No/Where")])
def test_a_broken_line_in_a_row_is_as_none(broken):
    """Whoever writes past the form must not stop the checks."""
    assert broken.next_after(NOW, middle) == NOW + HOUR


def failing(**state) -> SimpleNamespace:
    row = {"failing_since": None, "not_found_count": 0, "failure_count": 0, "interval": HOUR, "cron": ""}
    return SimpleNamespace(**{**row, "time_zone": "", **state})


@pytest.mark.parametrize(
    ("state", "is_not_found", "hours"),
    [
        ({}, False, (1.8, 2.2)),
        ({"not_found_count": 1, "failure_count": 1}, True, (3.6, 4.4)),
        ({"not_found_count": 2, "failure_count": 2}, True, (24, 24)),
        ({"failing_since": NOW - dt.timedelta(days=29), "failure_count": 40}, False, (21.6, 26.4)),
    ],
)
def test_a_list_that_seems_gone_is_asked_once_a_day(state, is_not_found, hours):
    wait = plan_after_failure(failing(**state), NOW, is_not_found=is_not_found) - NOW
    assert hours[0] * HOUR <= wait <= hours[1] * HOUR


def test_after_30_days_of_failures_it_rests():
    row = failing(failing_since=NOW - dt.timedelta(days=30), failure_count=40)
    assert plan_after_failure(row, NOW, is_not_found=False) is None


CRON = st.sampled_from(["", "30 2 * * *", "0 */2 * * *", "15,45 1-3 * * *", "0 0 1 * *"])
ZONE = st.sampled_from(["", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])
MOMENT = st.datetimes(dt.datetime(2020, 1, 1), dt.datetime(2035, 1, 1), timezones=st.just(dt.UTC))


@settings(max_examples=60, deadline=None)
@given(now=MOMENT, cron=CRON, zone=ZONE, failures=st.integers(1, 30), seconds=st.integers(900, 10**6))
def test_the_next_check_is_later_and_after_a_failure_not_earlier(now, cron, zone, failures, seconds):
    schedule = Schedule(dt.timedelta(seconds=seconds), cron, zone)
    moment = schedule.next_after(now, middle)
    assert moment > now
    assert schedule.after_failure(now, failures, middle) >= moment


@settings(max_examples=30, deadline=None)
@given(now=MOMENT, cron=CRON.filter(bool), zone=ZONE)
def test_times_of_a_cron_line_are_15_minutes_apart(now, cron, zone):
    schedule, times = Schedule(HOUR, cron, zone), [now]
    for _ in range(6):
        times.append(schedule.next_after(times[-1], lowest))
    assert all(later - earlier >= dt.timedelta(minutes=15) for earlier, later in pairwise(times[1:]))
