"""Times and words of a wait for a release."""

import datetime as dt

import pytest
import time_machine

from downloads.intake.release_wait import GIVE_UP_AFTER, WaitTooLong, format_moment_with_zone, plan_wait
from downloads.ytdlp.results import NotYetAvailable, Stage


@pytest.mark.parametrize(("zone", "text"), [
    ("UTC", "3 Dec 2026 at 18:00 UTC"),
    ("Europe/Berlin", "3 Dec 2026 at 19:00 CET"),
    ("Pacific/Auckland", "4 Dec 2026 at 07:00 NZDT"),
])  # fmt: skip
def test_a_moment_is_in_the_zone_that_it_names(settings, zone, text):
    settings.TIME_ZONE = zone

    assert format_moment_with_zone(dt.datetime(2026, 12, 3, 18, tzinfo=dt.UTC)) == text


@pytest.mark.parametrize("stage", [Stage.LIVE, Stage.PROCESSING])
def test_the_looks_come_less_and_less_often_until_it_gives_up(stage):
    first_look = moment = dt.datetime(2026, 11, 28, 12, tzinfo=dt.UTC)
    intervals = []
    while moment - first_look <= GIVE_UP_AFTER:
        with time_machine.travel(moment, tick=False):
            wait = plan_wait(NotYetAvailable(stage), first_look)
        intervals.append(wait.until - moment)
        moment = wait.until
    with time_machine.travel(moment, tick=False), pytest.raises(WaitTooLong, match="7 days"):
        plan_wait(NotYetAvailable(stage), first_look)
    assert intervals == sorted(intervals)
    assert (intervals[0], intervals[-1]) == (dt.timedelta(minutes=15), dt.timedelta(hours=2))
