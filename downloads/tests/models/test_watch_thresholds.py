"""Rules of positions: what counts as begun and as finished, in videos of every length."""

import math

from hypothesis import given
from hypothesis import strategies as st

from downloads.models.watching import thresholds
from downloads.models.watching.thresholds import WatchProgress, classify_position
from downloads.tests.support.cases import each_case

durations = st.none() | st.floats(0.01, thresholds.MAX_SECONDS)
known_durations = st.floats(0.01, thresholds.MAX_SECONDS)
any_number = st.floats(allow_nan=True, allow_infinity=True)


@each_case(
    ("seconds", "duration", "position", "is_finished"),
    [
        (9.9, 3600, 0, False),
        (10, 3600, 10, False),
        (3, 60, 3, False),  # 5 % of a short one
        (2.9, 60, 0, False),
        (53, 60, 53, False),
        (54, 60, 0, True),  # the last tenth of a short one
        (109, 120, 109, False),
        (110, 120, 0, True),  # the last 10 s
        (3419, 3600, 3419, False),
        (3420, 3600, 0, True),  # the last 5 %
        (35_600, 36_000, 35_600, False),
        (35_700, 36_000, 0, True),  # the last 5 min of a very long one
        (9.9, None, 0, False),
        (100_000, None, 100_000, False),  # without a length nothing is the end
        (0.5, 0.6, 0.5, False),
        (0.6, 0.6, 0, True),
    ],
)
def test_a_position_is_not_begun_or_a_place_to_resume_or_the_end(seconds, duration, position, is_finished):
    assert classify_position(seconds, duration) == WatchProgress(position, is_finished)


@given(known_durations)
def test_there_is_a_middle_in_a_video_of_every_length(duration):
    begun, finished = thresholds.begun_seconds(duration), thresholds.finished_seconds(duration)
    assert 0 < begun < finished < duration
    assert classify_position(begun, duration) == WatchProgress(begun, is_finished=False)
    assert (
        classify_position(finished, duration)
        == classify_position(duration, duration)
        == WatchProgress(0, is_finished=True)
    )
    assert classify_position(0, duration) == WatchProgress(0, is_finished=False)


@given(durations, st.lists(st.floats(0, thresholds.MAX_SECONDS), min_size=2))
def test_whoever_watches_on_never_goes_back_to_not_begun(duration, seconds):
    ranks = [classify_position(second, duration) for second in sorted(seconds)]
    order = [2 if rank.is_finished else 1 if rank.position else 0 for rank in ranks]
    assert order == sorted(order)


@given(any_number, durations | any_number)
def test_whatever_is_stored_can_be_resumed_and_drawn(position, duration):
    known = thresholds.known_duration(duration)
    second = thresholds.resume_seconds(position, known)
    assert isinstance(second, int)
    assert second >= 0
    assert known is None or second < known
    percent = thresholds.watched_percent(second, known)
    assert 0 <= percent <= 99
    assert bool(percent) == bool(second and known)


@given(any_number, durations)
def test_only_a_place_of_the_video_is_possible(seconds, duration):
    if thresholds.is_possible(seconds, duration):
        assert math.isfinite(seconds)
        assert seconds >= 0
        assert duration is None or seconds <= duration * 1.05 + thresholds.TOLERANCE_SECONDS
    elif duration is not None:
        assert not 0 <= seconds <= duration


def test_a_new_file_that_is_shorter_starts_from_the_start():
    assert thresholds.resume_seconds(247, 603) == 247
    assert thresholds.resume_seconds(247, 250) == 0
    assert thresholds.resume_seconds(247, 100) == 0
    assert thresholds.resume_seconds(247, None) == 247


def test_the_first_length_that_is_one_counts():
    assert thresholds.known_duration(None, 60) == 60
    assert thresholds.known_duration(724, 60) == 724
    assert thresholds.known_duration(0, -1, math.nan, math.inf, 1e300) is None
