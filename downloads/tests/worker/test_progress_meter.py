"""The meter: one percentage for an attempt with several streams and phases."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downloads.worker.progress_meter import MAX_UNFINISHED_PERCENT, Meter
from downloads.ytdlp.streams import Stream, StreamUpdate

BYTES_PER_MB = 1_000_000


def collect_percents(meter, steps):
    percents = []
    for second, step in enumerate(steps):
        meter.update(step, float(second))
        percents.append(meter.to_progress().percent)
    return percents


def test_it_knows_nothing_at_first():
    state = Meter(3).to_progress()
    assert (state.attempt, state.percent, state.total_bytes, state.phase) == (3, None, None, "looking up")


def test_it_counts_a_single_file_by_bytes():
    meter = Meter(1, [Stream()])
    assert collect_percents(meter, [StreamUpdate(0, n * BYTES_PER_MB, 4 * BYTES_PER_MB) for n in range(4)]) == [
        0,
        25,
        50,
        75,
    ]
    assert meter.to_progress().downloaded_bytes == 3 * BYTES_PER_MB
    assert meter.to_progress().total_bytes == 4 * BYTES_PER_MB


def test_it_is_never_full_before_the_file_is_filed():
    meter = Meter(1, [Stream()])
    assert collect_percents(meter, [StreamUpdate(0, BYTES_PER_MB, BYTES_PER_MB, is_finished=True)]) == [
        MAX_UNFINISHED_PERCENT
    ]
    meter.enter_phase("filing")
    assert meter.to_progress().percent == MAX_UNFINISHED_PERCENT
    assert meter.to_progress().phase == "filing"


def test_it_adds_picture_and_sound_up_by_their_bytes():
    meter = Meter(1, [Stream("video", 9 * BYTES_PER_MB), Stream("audio", BYTES_PER_MB)])
    steps = [
        StreamUpdate(0, 9 * BYTES_PER_MB, 9 * BYTES_PER_MB),
        StreamUpdate(0, 9 * BYTES_PER_MB, 9 * BYTES_PER_MB, is_finished=True),
        StreamUpdate(1, 0, BYTES_PER_MB),
        StreamUpdate(1, BYTES_PER_MB, BYTES_PER_MB),
    ]
    percents = collect_percents(meter, steps)
    assert percents == sorted(percents)
    assert percents[1] == pytest.approx(88.2)
    assert percents[-1] == pytest.approx(98)
    assert meter.to_progress().total_bytes == 10 * BYTES_PER_MB


def test_it_guesses_the_share_of_a_sound_stream_of_unknown_size():
    meter = Meter(1, [Stream("video"), Stream("audio")])
    assert collect_percents(meter, [StreamUpdate(0, BYTES_PER_MB, BYTES_PER_MB)])[0] == pytest.approx(98 / 1.1, abs=0.1)


def test_it_shows_bytes_alone_where_the_total_is_unknown():
    meter = Meter(1, [Stream()])
    assert collect_percents(meter, [StreamUpdate(0, BYTES_PER_MB), StreamUpdate(0, 2 * BYTES_PER_MB)]) == [None, None]
    state = meter.to_progress()
    assert (state.downloaded_bytes, state.total_bytes, state.eta) == (2 * BYTES_PER_MB, None, None)
    assert state.speed == pytest.approx(BYTES_PER_MB)


def test_it_counts_fragments_and_the_part_of_one():
    meter = Meter(1, [Stream()])
    steps = [
        StreamUpdate(0, 50, 400, fragment_index=0, fragment_count=4),
        StreamUpdate(0, 100, 400, fragment_index=1, fragment_count=4),
    ]
    assert collect_percents(meter, steps) == [12.5, 25]


def test_it_does_not_let_a_wrong_estimate_pass_the_next_fragment():
    meter = Meter(1, [Stream()])
    assert collect_percents(meter, [StreamUpdate(0, 300, 310, fragment_index=1, fragment_count=4)])[0] < 50


def test_it_stands_still_rather_than_go_back():
    meter = Meter(1, [Stream()])
    assert collect_percents(meter, [StreamUpdate(0, 50, 100), StreamUpdate(0, 60, 1000), StreamUpdate(0, 10, 100)]) == [
        50,
        50,
        50,
    ]
    assert meter.to_progress().downloaded_bytes == 60


def test_it_smooths_the_speed_and_says_how_long_it_takes():
    meter = Meter(1, [Stream()])
    collect_percents(meter, [StreamUpdate(0, n * BYTES_PER_MB, 100 * BYTES_PER_MB) for n in range(10)])
    steady = meter.to_progress()
    assert steady.speed == pytest.approx(BYTES_PER_MB)
    assert steady.eta == pytest.approx(91)
    meter.update(StreamUpdate(0, 9 * BYTES_PER_MB + 1, 100 * BYTES_PER_MB), 10.0)
    assert 0.6 * BYTES_PER_MB < meter.to_progress().speed < BYTES_PER_MB


def test_it_has_no_speed_in_a_phase_without_bytes():
    meter = Meter(1, [Stream()])
    collect_percents(meter, [StreamUpdate(0, n * BYTES_PER_MB, 10 * BYTES_PER_MB) for n in range(3)])
    meter.enter_phase("merging")
    assert (meter.to_progress().speed, meter.to_progress().eta) == (None, None)


def test_it_names_the_stream_that_arrives():
    meter = Meter(1, [Stream("video", 10.0), Stream("audio", 10.0)])
    meter.update(StreamUpdate(1, 5, 10), 0.0)
    assert meter.to_progress().phase == "audio"


stream_updates = st.builds(
    StreamUpdate,
    stream_index=st.integers(0, 1),
    downloaded_bytes=st.integers(0, 10**12),
    total_bytes=st.none() | st.floats(0, 1e13),
    is_finished=st.booleans(),
    fragment_index=st.none() | st.integers(0, 50),
    fragment_count=st.none() | st.integers(0, 50),
)


@given(st.lists(stream_updates, max_size=40), st.none() | st.floats(0, 1e12))
def test_it_never_runs_backwards_whatever_it_is_told(steps, planned):
    meter = Meter(1, [Stream("video", planned), Stream("audio")])
    percents = [percent for percent in collect_percents(meter, steps) if percent is not None]
    assert percents == sorted(percents)
    assert all(0 <= percent <= MAX_UNFINISHED_PERCENT for percent in percents)
    state = meter.to_progress()
    assert state.total_bytes is None or state.total_bytes >= state.downloaded_bytes
    assert state.eta is None or state.eta >= 0
