"""Filters and facts of a video: the verdict, its reason, and what always holds."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downloads.subscriptions.judgement import Facts, Filters, Start, judge, judge_start
from downloads.tests.support.cases import each_case

NOW = dt.datetime(2026, 11, 29, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


def published(days_ago: float, **facts) -> Facts:
    return Facts(published=NOW - days_ago * DAY, **facts)


@each_case(
    ("facts", "filters", "state", "reason"),
    [
        (Facts("Ada live"), Filters(title_includes="grace"), "filtered", "The title does not contain “grace”."),
        (Facts("Ada #shorts"), Filters(title_excludes="#short"), "filtered", "The title contains “#short”."),
        (Facts(duration=45), Filters(min_duration=120), "filtered", "It is 0:45, under 2:00."),
        (Facts(duration=3661), Filters(max_duration=3600), "filtered", "It is 1:01:01, over 1:00:00."),
        (Facts(duration=120), Filters(min_duration=120, max_duration=120), "queued", ""),
        (published(3), Filters(published_since=(NOW - 2 * DAY).date()), "filtered", "Published before 27 Nov 2026."),
        (published(2), Filters(published_since=(NOW - 2 * DAY).date()), "queued", ""),
        (Facts(availability="subscriber_only"), Filters(), "members", "For members of the channel only."),
        (Facts(availability="private"), Filters(), "gone", "Private on the site."),
        (Facts("[Deleted video]"), Filters(title_includes="x"), "gone", "Deleted on the site."),
        (Facts(live_status="is_live"), Filters(), "waiting", "Live now: it is fetched when the recording is up."),
        (Facts(live_status="was_live", availability="public"), Filters(), "queued", ""),
        (
            Facts("Ada", live_status="is_upcoming"),
            Filters(title_excludes="ada"),
            "filtered",
            "The title contains “ada”.",
        ),
        (Facts(), Filters("x", "y", 1, 2, dt.date(2030, 1, 1)), "queued", ""),
    ],
)
def test_a_video_gets_a_state_with_its_reason(facts, filters, state, reason):
    verdict = judge(facts, filters, NOW)
    assert (verdict.state, verdict.reason) == (state, reason)


@pytest.mark.parametrize(
    ("days_ago", "is_rough", "is_wanted"),
    [(16, True, True), (18, True, False), (11, False, False), (9, False, True)],
)
def test_a_rough_date_has_a_margin_of_a_week(days_ago, is_rough, is_wanted):
    filters = Filters(published_since=(NOW - 10 * DAY).date())
    assert judge(published(days_ago, is_date_rough=is_rough), filters, NOW).is_wanted is is_wanted


def test_a_rough_date_beyond_a_year_has_a_margin_of_a_month():
    filters = Filters(published_since=(NOW - 700 * DAY).date())
    assert judge(published(730, is_date_rough=True), filters, NOW).is_wanted
    assert not judge(published(732, is_date_rough=True), filters, NOW).is_wanted


@pytest.mark.parametrize(
    ("release_at", "retry_at"),
    [
        (NOW + 3 * DAY, NOW + 3 * DAY + dt.timedelta(hours=1)),
        (NOW - dt.timedelta(minutes=30), NOW + dt.timedelta(minutes=30)),
        (NOW - DAY, NOW + dt.timedelta(hours=6)),
        (NOW + 4000 * DAY, NOW + dt.timedelta(hours=6)),
        (None, NOW + dt.timedelta(hours=6)),
    ],
)
def test_a_premiere_is_looked_at_again_an_hour_after_its_start_then_every_six_hours(release_at, retry_at):
    verdict = judge(Facts(live_status="is_upcoming", release_at=release_at), Filters(), NOW)
    assert (verdict.state, verdict.retry_at) == ("waiting", retry_at)


def test_what_members_see_is_looked_at_again_after_a_week():
    assert judge(Facts(availability="premium_only"), Filters(), NOW).retry_at == NOW + 7 * DAY


@each_case(
    ("start", "rank", "is_wanted"),
    [
        (Start("new"), 1, False),
        (Start("newest", 3), 3, True),
        (Start("newest", 3), 4, False),
        (Start("since", date=(NOW - 5 * DAY).date()), 999, True),
        (Start("since", date=(NOW - 4 * DAY).date()), 1, False),
        (Start("all"), 10**6, True),
        (Start("nonsense"), 1, False),
    ],
)
def test_the_start_decides_what_is_fetched_of_what_was_there(start, rank, is_wanted):
    verdict = judge_start(published(5), start, rank, NOW)
    assert verdict.is_wanted is is_wanted
    assert is_wanted or (verdict.state == "before" and verdict.reason.endswith("."))


FACTS = st.builds(
    Facts,
    title=st.text(max_size=30),
    duration=st.none() | st.floats(0, 10**6),
    published=st.none() | st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2040, 1, 1), timezones=st.just(dt.UTC)),
    is_date_rough=st.booleans(),
    availability=st.sampled_from(["", "public", "subscriber_only", "private", "odd"]),
    live_status=st.sampled_from(["", "not_live", "is_upcoming", "is_live", "post_live", "was_live"]),
)
FILTERS = st.builds(
    Filters,
    title_includes=st.sampled_from(["", "a", "^b"]),
    title_excludes=st.sampled_from(["", "a", "[0-9]"]),
    min_duration=st.none() | st.integers(0, 10**6),
    max_duration=st.none() | st.integers(0, 10**6),
    published_since=st.none() | st.dates(dt.date(1990, 1, 1), dt.date(2040, 1, 1)),
)


@settings(max_examples=60, deadline=None)
@given(facts=FACTS, filters=FILTERS)
def test_the_filters_only_ever_take_away(facts, filters):
    """What no filter lets in, filters do not let in; each rejection has a reason, each wait a later time."""
    verdict, unfiltered = judge(facts, filters, NOW), judge(facts, Filters(), NOW)
    assert verdict == judge(facts, filters, NOW)
    assert not verdict.is_wanted or unfiltered.is_wanted
    assert verdict.is_wanted is (verdict.reason == "")
    assert verdict.retry_at is None or verdict.retry_at > NOW
    assert verdict.state != "waiting" or verdict.retry_at is not None


@settings(max_examples=40, deadline=None)
@given(facts=FACTS, filters=FILTERS, days=st.integers(0, 400))
def test_an_earlier_day_lets_in_more(facts, filters, days):
    earlier = Filters(published_since=filters.published_since and filters.published_since - days * DAY)
    later = Filters(published_since=filters.published_since)
    assert judge(facts, earlier, NOW).is_wanted or not judge(facts, later, NOW).is_wanted
