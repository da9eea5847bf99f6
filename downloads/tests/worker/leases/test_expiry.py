"""Expired leases, confirmed by a clock that nobody sets."""

import pytest

from downloads.models import Status, Video
from downloads.tests.support.clock import let_time_pass
from downloads.tests.support.factories import waiting
from downloads.worker.leases.expiry import CONFIRMATION_SECONDS, LEASE_RENEWAL_INTERVAL_SECONDS, ExpiryWatch

pytestmark = pytest.mark.django_db


class Clock:
    """A monotonic clock that the test advances."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watch(clock) -> ExpiryWatch:
    return ExpiryWatch(clock)


@pytest.fixture
def claimed() -> Video:
    waiting("a")
    return Video.objects.claim("w")


@pytest.mark.parametrize("jump_seconds", [86400, -86400, 60, -60])
def test_a_clock_that_was_set_takes_nothing_from_the_living(watch, clock, claimed, jump_seconds):
    assert watch.requeue_expired() == 0
    let_time_pass(jump_seconds)
    assert watch.requeue_expired() == 0
    clock.now += LEASE_RENEWAL_INTERVAL_SECONDS
    assert watch.requeue_expired() == 0
    assert claimed.renew_lease()
    clock.now += LEASE_RENEWAL_INTERVAL_SECONDS
    assert watch.requeue_expired() == 0
    assert Video.objects.get().status == Status.DOWNLOADING


@pytest.mark.parametrize("jump_seconds", [86400, -86400])
def test_a_clock_that_was_set_frees_the_dead(watch, clock, claimed, jump_seconds):
    let_time_pass(jump_seconds)
    assert watch.requeue_expired() == 0
    clock.now += CONFIRMATION_SECONDS
    assert watch.requeue_expired() == 1
    assert Video.objects.get().status == Status.QUEUED


def test_a_dead_worker_s_video_is_requeued_as_soon_as_its_lease_ends(watch, clock, claimed, time_machine):
    time_machine.move_to(claimed.started_at, tick=False)
    for _ in range(29):
        assert watch.requeue_expired() == 0
        time_machine.shift(1)
        clock.now += 1
    time_machine.shift(1.1)
    clock.now += 1.1
    assert watch.requeue_expired() == 1
