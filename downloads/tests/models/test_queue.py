"""The state of the queue."""

import pytest

from downloads.models import Queue, Video
from downloads.tests.support.clock import let_time_pass, set_clock_back

pytestmark = pytest.mark.django_db


class TestQueue:
    """Pausing, resuming and holding of the queue."""

    def test_it_starts_nothing_while_it_is_paused(self, waiting_video):
        before = Video.objects.latest_rev()
        assert Queue.pause("Paused by ann")
        assert not Queue.pause("Paused by bob")
        assert Queue.get_or_default().blocked_reason == "Paused by ann"
        assert Video.objects.claim("w") is None
        assert Video.objects.latest_rev() == before + 1
        assert Queue.resume()
        assert not Queue.resume()
        assert Queue.get_or_default().blocked_reason == ""
        assert Video.objects.claim("w") == waiting_video

    def test_it_is_held_until_let_go(self, waiting_video):
        assert Queue.hold("one", "The disk is nearly full.", 60)
        assert not Queue.hold("one", "The disk is nearly full.", 60)
        assert not Queue.release_hold("two", "There is room again")
        assert Video.objects.claim("w") is None
        assert Queue.release_hold("one", "There is room again")
        assert Video.objects.claim("w") == waiting_video

    def test_it_goes_on_when_nobody_renews_a_hold(self, waiting_video):
        Queue.hold("gone", "The disk is nearly full.", 60)
        let_time_pass(61)
        assert Video.objects.claim("w") == waiting_video
        assert Queue.release_hold("another", "There is room again")

    def test_it_stays_paused_through_a_hold(self, waiting_video):
        Queue.pause()
        Queue.hold("one", "The disk is nearly full.", 60)
        Queue.release_hold("one", "There is room again")
        assert Video.objects.claim("w") is None

    def test_a_person_ends_a_hold_and_its_cause_holds_again(self, waiting_video):
        Queue.hold("one", "The disk is nearly full.", 60)
        assert Queue.resume("Resumed by ann")
        assert not Queue.resume("Resumed by ann")
        assert Queue.get_or_default().is_open
        assert Queue.hold("one", "The disk is nearly full.", 60)
        assert Queue.get_or_default().blocked_reason == "The disk is nearly full."

    @pytest.mark.parametrize("distance", [{"minutes": 10}, {"days": 1}, {"days": 4000}])
    def test_a_hold_that_lasts_too_long_is_none(self, waiting_video, distance):
        Queue.hold("gone", "The disk is nearly full.", 60)
        set_clock_back(**distance)
        assert Queue.get_or_default().is_open
        assert Video.objects.claim("w") == waiting_video
        assert Queue.hold("one", "It is full again.", 60)
        assert Queue.get_or_default().blocked_reason == "It is full again."

    def test_no_hold_is_longer_than_the_longest(self):
        Queue.hold("one", "The disk is nearly full.", 10**6)
        assert Queue.get_or_default().is_held
