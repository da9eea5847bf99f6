"""Pacing: batches in their ticks, one ahead for a status, and messages read together where there are many."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from downloads.bridge.batches.pacing import MAX_MESSAGES_PER_TICK, MAX_PROMPT_MESSAGES, BatchPacing
from downloads.tests.support.bridge import claim_video

TICK = 0.2


@pytest.fixture
def pacing():
    pacing = BatchPacing(TICK, 0.0)
    pacing.mark_sent(100.0)
    return pacing


def test_numbers_wait_for_their_tick(pacing):
    assert pacing.next_batch_at(has_pending=True, is_urgent=False) == pytest.approx(100.2)
    assert pacing.next_batch_at(has_pending=False, is_urgent=False) == pytest.approx(101.5)


def test_a_status_goes_ahead_of_its_tick_once(pacing):
    assert pacing.next_batch_at(has_pending=True, is_urgent=True) <= 100.0
    pacing.mark_sent(100.05)
    assert pacing.next_batch_at(has_pending=True, is_urgent=True) == pytest.approx(100.2)
    assert pacing.next_batch_at(has_pending=True, is_urgent=False) == pytest.approx(100.4)


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 0.3)), max_size=60))
def test_there_is_one_batch_more_than_ticks_at_most(changes):
    pacing, now, sent = BatchPacing(TICK, 0.0), 0.0, []
    for is_urgent, pause in changes:
        now = max(now + pause, pacing.next_batch_at(has_pending=True, is_urgent=is_urgent))
        pacing.mark_sent(now)
        sent.append(now)
    for first, start in enumerate(sent):
        for count, end in enumerate(sent[first:], 1):
            assert count <= (end - start) / TICK + 2 + 1e-6


def test_a_few_messages_are_read_as_they_come_and_many_together(pacing):
    pauses = [pacing.count_message(100.05, is_urgent=False) for _ in range(MAX_PROMPT_MESSAGES + 2)]
    assert pauses == [0.0] * MAX_PROMPT_MESSAGES + [pytest.approx(0.14), 0.0]
    pacing.mark_sent(100.2)
    assert pacing.count_message(100.25, is_urgent=False) == pytest.approx(0.14)
    pacing.mark_sent(100.4)
    assert pacing.count_message(100.45, is_urgent=False) == 0.0


def test_many_messages_are_read_for_an_urgent_batch_that_comes_ahead(pacing):
    """Without it, a batch went out each tick with the one message that was read before the pause."""
    for _ in range(MAX_PROMPT_MESSAGES):
        pacing.count_message(100.05, is_urgent=True)
    assert pacing.count_message(100.05, is_urgent=True) == 0.0
    pacing.mark_sent(100.05)
    batch_at = pacing.next_batch_at(has_pending=True, is_urgent=True)
    assert 100.06 + pacing.count_message(100.06, is_urgent=True) <= batch_at
    assert pacing.count_message(100.2, is_urgent=True) == 0.0


def test_more_messages_than_the_buffers_hold_are_read_at_once(pacing):
    for _ in range(MAX_MESSAGES_PER_TICK + 1):
        pacing.count_message(100.05, is_urgent=False)
    pacing.mark_sent(100.2)
    assert pacing.count_message(100.25, is_urgent=False) == 0.0


@pytest.mark.alone
@pytest.mark.django_db(transaction=True)
async def test_a_change_of_status_does_not_wait_for_a_tick(bridge_harness):
    await bridge_harness.start_bridge(tick=3.0)
    await bridge_harness.listener.wait_for_batch(lambda batch: True)
    began = time.monotonic()
    video = await claim_video()
    await bridge_harness.listener.wait_for_batch(
        lambda batch: any(message[0] == video.video_id for message in batch["messages"])
    )
    assert time.monotonic() - began < 2
