"""The verbs that move a video."""

import pytest

from downloads.models import Facts, Filed, Status, Video

pytestmark = pytest.mark.django_db


@pytest.fixture
def video() -> Video:
    return Video.objects.ingest("http://example.org/a", "http://example.org/a")[0]


def test_it_takes_a_url_once(video):
    again, created = Video.objects.ingest("http://example.org/a#x", "http://example.org/a")
    assert (again, created) == (video, False)
    assert video.events.count() == 1


def test_it_gives_a_video_to_one_worker_only(video):
    assert Video.objects.claim("one") == video
    assert Video.objects.claim("two") is None
    assert not video._start("two")


def test_it_claims_in_the_order_of_the_queue(video):
    later, _ = Video.objects.ingest("http://example.org/b", "http://example.org/b")
    assert [Video.objects.claim("w"), Video.objects.claim("w")] == [video, later]


def test_it_finishes_with_its_files(video):
    claimed = Video.objects.claim("w")
    placed = []
    assert claimed.process("merging")
    assert claimed.finish(Filed("a/b.mp4", 5), lambda: placed.append(1))
    assert placed == [1]
    assert (claimed.status, claimed.percent, claimed.size) == (Status.COMPLETE, 100, 5)
    assert [event.status for event in claimed.events.all()] == ["queued", "downloading", "processing", "complete"]


def test_it_stays_as_it_was_when_its_files_cannot_be_placed(video):
    claimed = Video.objects.claim("w")

    def place():
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        claimed.finish(Filed("a/b.mp4", 5), place)
    claimed.refresh_from_db()
    assert claimed.status == Status.DOWNLOADING


@pytest.mark.parametrize(
    "write",
    [
        lambda v: v.renew(percent=3.0),
        lambda v: v.describe(Facts(title="x")),
        lambda v: v.process("merging"),
        lambda v: v.finish(Filed("a", 1), lambda: None),
        lambda v: v.fail("x"),
        lambda v: v.release("x"),
        lambda v: v.holds_lease(),
    ],
)
def test_it_fences_out_a_worker_that_lost_its_lease(video, write):
    zombie = Video.objects.claim("w")
    assert Video.objects.get(pk=video.pk).cancel()
    assert Video.objects.get(pk=video.pk).retry()
    assert not write(zombie)
    fresh = Video.objects.claim("w2")
    assert not write(zombie)
    assert fresh.holds_lease()


def test_it_rescues_only_what_nobody_renews(video, time_machine):
    time_machine.move_to("2026-01-01T12:00Z", tick=False)
    claimed = Video.objects.claim("w")
    assert Video.objects.rescue() == 0
    time_machine.shift(29)
    assert claimed.renew(percent=7.0)
    time_machine.shift(29)
    assert Video.objects.rescue() == 0
    time_machine.shift(2)
    assert Video.objects.rescue() == 1
    video.refresh_from_db()
    assert (video.status, video.attempt, video.percent, video.lease_token) == (Status.QUEUED, 2, None, "")


def test_it_retries_only_what_has_failed_or_was_cancelled(video):
    assert not video.retry()
    claimed = Video.objects.claim("w")
    assert claimed.fail("The site says no.")
    assert video.retry()
    assert not video.retry()
    assert (video.status, video.attempt, video.error) == (Status.QUEUED, 2, "")


def test_it_grows_rev_with_each_change_and_keeps_it_after_a_deletion(video):
    before = Video.objects.rev()
    video.cancel()
    after = Video.objects.rev()
    assert after > before
    video.delete()
    assert Video.objects.rev() == after


def test_it_cuts_facts_to_their_columns(video):
    claimed = Video.objects.claim("w")
    assert claimed.describe(Facts(title="x" * 900, uploader="a\x00b"))
    assert (len(claimed.title), claimed.uploader) == (500, "ab")


def test_it_publishes_each_change_once_after_commit(video, redis_server, django_capture_on_commit_callbacks):
    with redis_server.client().pubsub(ignore_subscribe_messages=True) as pubsub:
        pubsub.psubscribe("progress:*")
        pubsub.get_message(timeout=1)
        with django_capture_on_commit_callbacks(execute=True):
            Video.objects.claim("w")
        message = pubsub.get_message(timeout=2)
        assert message["channel"].decode() == f"progress:{video.video_id}"
        assert b'"status":"downloading","attempt":1,"percent":null' in message["data"]
        assert pubsub.get_message(timeout=0.1) is None
