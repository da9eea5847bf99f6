"""Words of a wait for a release."""

import datetime as dt

import pytest

from downloads.intake.release_wait import format_moment


@pytest.mark.parametrize(("zone", "text"), [
    ("UTC", "3 Dec 2026 at 18:00 UTC"),
    ("Europe/Berlin", "3 Dec 2026 at 19:00 CET"),
    ("Pacific/Auckland", "4 Dec 2026 at 07:00 NZDT"),
])  # fmt: skip
def test_a_moment_is_in_the_zone_that_it_names(settings, zone, text):
    settings.TIME_ZONE = zone

    assert format_moment(dt.datetime(2026, 12, 3, 18, tzinfo=dt.UTC)) == text
