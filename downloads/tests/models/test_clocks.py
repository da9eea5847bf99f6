"""Leases and waits when clocks differ or are set; also run on PostgreSQL, which has a clock of its own."""

import datetime as dt

import pytest
import time_machine
from django.db import connection

from downloads.database.clock import measure_offset, read_clock
from downloads.models import ReleaseWait, Status, Video
from downloads.tests.support.clock import let_time_pass, set_clock_back

pytestmark = pytest.mark.django_db


@pytest.fixture
def claimed(waiting_video) -> Video:
    return Video.objects.claim("w")


@pytest.mark.parametrize("distance", [{"seconds": 40}, {"days": 1}, {"days": 4000}])
def test_a_lease_longer_than_any_has_expired(claimed, distance):
    set_clock_back(**distance)
    assert Video.objects.requeue_expired() == 1
    assert Video.objects.get().status == Status.QUEUED


def test_a_running_video_without_a_lease_is_requeued(claimed):
    Video.objects.update(lease_until=None)
    assert Video.objects.requeue_expired() == 1


def test_a_renewed_lease_is_valid_after_the_clock_was_set(claimed):
    for seconds in (86400, -86400):
        let_time_pass(seconds)
        assert claimed.renew_lease()
        assert Video.objects.requeue_expired() == 0


def test_a_lease_that_was_renewed_meanwhile_is_kept(claimed):
    let_time_pass(60)
    expired = Video.objects.lease_expired().get()
    assert claimed.renew_lease()
    assert not expired.release("It stopped answering", only_if_expired=True)


def test_a_retry_is_due_when_it_is_farther_ahead_than_any(claimed):
    assert claimed.retry_later("The site did not answer.")
    assert Video.objects.claim("w") is None
    set_clock_back(days=1)
    assert Video.objects.claim("w") == claimed


@pytest.mark.parametrize(
    ("release_in_days", "until_in_days", "is_due"),
    [
        (-1, 0.05, False),
        (-1, 1, True),
        (10, 10, False),
        (10, 10.05, False),
        (10, 11, True),
        (364, 364, False),
        (None, 800, True),
    ],
)
def test_a_wait_for_a_release_is_due_when_it_is_longer_than_any(claimed, release_in_days, until_in_days, is_due):
    now = read_clock()
    release_at = None if release_in_days is None else now + dt.timedelta(days=release_in_days)
    assert claimed.wait_for_release(ReleaseWait("It will be up.", now + dt.timedelta(days=until_in_days), release_at))
    assert (Video.objects.claim("w") is not None) == is_due


@pytest.mark.parametrize("seconds", [60, -60, 86400])
def test_machines_whose_clocks_differ_do_not_rob_each_other(waiting_video, seconds):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one machine, and its clock")
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds), tick=True):
        theirs = Video.objects.claim("another machine")
        assert abs(measure_offset().total_seconds() - seconds) < 5
        assert abs((read_clock() - theirs.started_at).total_seconds()) < 5
    assert Video.objects.requeue_expired() == 0
    assert theirs.renew_lease()
    with time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds), tick=True):
        assert Video.objects.requeue_expired() == 0
        assert theirs.retry_later("The site did not answer.")
    wait = Video.objects.get().not_before - read_clock()
    assert dt.timedelta() < wait < dt.timedelta(minutes=1)


def test_the_clock_of_this_machine_agrees_with_itself():
    assert abs(measure_offset()) < dt.timedelta(seconds=5)
