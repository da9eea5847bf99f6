"""The state of the queue."""

import pytest

from downloads.models import Queue, Video

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

    def test_it_goes_on_when_nobody_renews_a_hold(self, waiting_video, time_machine):
        time_machine.move_to("2026-01-01T12:00Z", tick=False)
        Queue.hold("gone", "The disk is nearly full.", 60)
        time_machine.shift(61)
        assert Video.objects.claim("w") == waiting_video
        assert Queue.release_hold("another", "There is room again")

    def test_it_stays_paused_through_a_hold(self, waiting_video):
        Queue.pause()
        Queue.hold("one", "The disk is nearly full.", 60)
        Queue.release_hold("one", "There is room again")
        assert Video.objects.claim("w") is None
