"""Status transitions of a video."""

import pytest

from downloads.database.clock import read_clock
from downloads.library import status_phrase
from downloads.models import Metadata, Status, StoredFiles, Video
from downloads.tests.support.clock import let_time_pass

pytestmark = pytest.mark.django_db


def test_it_takes_a_url_once(waiting_video):
    again, created = Video.objects.ingest("http://example.org/a#x", "http://example.org/a")
    assert (again, created) == (waiting_video, False)
    assert waiting_video.events.count() == 1


def test_it_gives_a_video_to_one_worker_only(waiting_video):
    assert Video.objects.claim("one") == waiting_video
    assert Video.objects.claim("two") is None
    assert not waiting_video._claim("two")


def test_it_claims_in_the_order_of_the_queue(waiting_video):
    later, _ = Video.objects.ingest("http://example.org/b", "http://example.org/b")
    assert [Video.objects.claim("w"), Video.objects.claim("w")] == [waiting_video, later]


def test_it_finishes_with_its_files(waiting_video):
    claimed = Video.objects.claim("w")
    placed = []
    assert claimed.start_processing("merging")
    assert claimed.finish(StoredFiles("a/b.mp4", 5), lambda: placed.append(1))
    assert placed == [1]
    assert (claimed.status, claimed.percent, claimed.size) == (Status.COMPLETE, 100, 5)
    assert [event.status for event in claimed.events.all()] == ["queued", "downloading", "processing", "complete"]


def test_it_stays_as_it_was_when_its_files_cannot_be_placed(waiting_video):
    claimed = Video.objects.claim("w")

    def place():
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        claimed.finish(StoredFiles("a/b.mp4", 5), place)
    claimed.refresh_from_db()
    assert claimed.status == Status.DOWNLOADING


@pytest.mark.parametrize(
    "write",
    [
        lambda v: v.renew_lease(percent=3.0),
        lambda v: v.save_metadata(Metadata(title="x")),
        lambda v: v.start_processing("merging"),
        lambda v: v.finish(StoredFiles("a", 1), lambda: None),
        lambda v: v.fail("x"),
        lambda v: v.release("x"),
        lambda v: v.holds_lease(),
    ],
)
def test_it_fences_out_a_worker_that_lost_its_lease(waiting_video, write):
    zombie = Video.objects.claim("w")
    assert Video.objects.get(pk=waiting_video.pk).cancel()
    assert Video.objects.get(pk=waiting_video.pk).retry()
    assert not write(zombie)
    fresh = Video.objects.claim("w2")
    assert not write(zombie)
    assert fresh.holds_lease()


def test_it_requeues_expired_leases_only(waiting_video):
    claimed = Video.objects.claim("w")
    assert Video.objects.requeue_expired() == 0
    let_time_pass(29)
    assert claimed.renew_lease(percent=7.0)
    let_time_pass(29)
    assert Video.objects.requeue_expired() == 0
    let_time_pass(2)
    assert Video.objects.requeue_expired() == 1
    waiting_video.refresh_from_db()
    assert (waiting_video.status, waiting_video.attempt, waiting_video.percent, waiting_video.lease_token) == (
        Status.QUEUED,
        2,
        None,
        "",
    )


def test_it_retries_only_what_has_failed_or_was_cancelled(waiting_video):
    assert not waiting_video.retry()
    claimed = Video.objects.claim("w")
    assert claimed.fail("The site says no.")
    assert waiting_video.retry()
    assert not waiting_video.retry()
    assert (waiting_video.status, waiting_video.attempt, waiting_video.error) == (Status.QUEUED, 2, "")


def test_it_grows_rev_with_each_change_a_deletion_too(waiting_video):
    before = Video.objects.latest_rev()
    waiting_video.cancel()
    after = Video.objects.latest_rev()
    assert after > before
    waiting_video.delete()
    assert Video.objects.latest_rev() > after


def test_metadata_is_truncated_to_its_columns(waiting_video):
    claimed = Video.objects.claim("w")
    assert claimed.save_metadata(Metadata(title="x" * 900, uploader="a\x00b"))
    assert (len(claimed.title), claimed.uploader) == (500, "ab")


def test_bidirectional_control_characters_are_removed(waiting_video):
    claimed = Video.objects.claim("w")
    assert claimed.save_metadata(Metadata(title="\u202e4pm\u2066.exe ", uploader=" \t"))
    assert (claimed.title, claimed.uploader) == ("4pm.exe", "")


def test_it_publishes_each_change_once_after_commit(waiting_video, redis_server, django_capture_on_commit_callbacks):
    with redis_server.client().pubsub(ignore_subscribe_messages=True) as pubsub:
        pubsub.psubscribe("progress:*")
        pubsub.get_message(timeout=5)
        with django_capture_on_commit_callbacks(execute=True):
            Video.objects.claim("w")
        message = pubsub.get_message(timeout=5)
        assert message["channel"].decode() == f"progress:{waiting_video.video_id}"
        assert b'"status":"downloading","attempt":1,"percent":null' in message["data"]
        assert pubsub.get_message(timeout=0.1) is None


def test_it_retries_with_growing_delays(waiting_video, settings):
    settings.RETRY_SECONDS = 10
    waits = []
    for number in range(1, 4):
        claimed = Video.objects.claim("w")
        assert claimed.retry_later("The site didn’t answer in time.")
        assert (claimed.status, claimed.retry_count, claimed.attempt) == (Status.QUEUED, number, number + 1)
        waits.append((claimed.not_before - read_clock()).total_seconds())
        assert f"({number} of 3)" in status_phrase.retry_phrase(claimed)
        assert f"({number} of 3). The site didn’t" in claimed.events.last().reason
        assert Video.objects.claim("w") is None
        let_time_pass(waits[-1] + 1)
    assert 7 <= waits[0] <= 12.5
    assert 29 <= waits[1] <= 50
    assert 119 <= waits[2] <= 200
    claimed = Video.objects.claim("w")
    assert claimed.retry_later("The site didn’t answer in time.")
    assert claimed.status == Status.FAILED


def test_progress_resets_the_retry_count(waiting_video, settings):
    settings.RETRY_SECONDS = 0
    for advanced, tries in [(False, 1), (False, 2), (False, 3), (True, 1), (False, 2), (False, 3)]:
        claimed = Video.objects.claim("w")
        assert claimed.retry_later("The connection ended.", made_progress=advanced)
        assert (claimed.status, claimed.retry_count) == (Status.QUEUED, tries)
        assert f"({tries} of 3). The connection" in claimed.events.last().reason
    claimed = Video.objects.claim("w")
    assert claimed.retry_later("The connection ended.")
    assert claimed.status == Status.FAILED


def test_a_manual_retry_resets_the_retry_count(waiting_video):
    claimed = Video.objects.claim("w")
    claimed.retry_later("x")
    assert Video.objects.get().cancel()
    assert waiting_video.retry()
    assert (waiting_video.retry_count, waiting_video.not_before, status_phrase.retry_phrase(waiting_video)) == (
        0,
        None,
        "",
    )


def test_a_requeued_video_keeps_its_queue_position(waiting_video):
    claimed = Video.objects.claim("w")
    Video.objects.ingest("http://example.org/b", "http://example.org/b")
    assert claimed.release("The worker was stopped")
    assert Video.objects.claim("w") == waiting_video


def test_it_moves_to_the_front(waiting_video):
    others = [Video.objects.ingest(f"http://{n}/", f"http://{n}/")[0] for n in "abc"]
    assert others[1].move_to_front()
    assert others[2].move_to_front()
    order = [Video.objects.claim("w") for _ in range(4)]
    assert order == [others[2], others[1], waiting_video, others[0]]
    assert not others[2].move_to_front()


def test_it_takes_no_more_from_one_host_than_it_may(waiting_video, settings):
    settings.PER_HOST = 2
    for n in range(3):
        Video.objects.ingest(f"http://example.org/{n}", f"http://example.org/{n}")
    other, _ = Video.objects.ingest("http://example.net/", "http://example.net/")
    assert [Video.objects.claim("w") for _ in range(4)][2:] == [other, None]
    waiting_video.refresh_from_db()
    waiting_video.cancel()
    assert Video.objects.claim("w").host == "example.org"


def test_it_cancels_and_retries_all(waiting_video):
    Video.objects.ingest("http://example.org/b", "http://example.org/b")
    claimed = Video.objects.claim("w")
    claimed.fail("no")
    assert len(Video.objects.cancel_all()) == 1
    assert Video.objects.cancel_all() == []
    assert len(Video.objects.retry_failed()) == 1
    assert Video.objects.retry_failed() == []
    assert [v.status for v in Video.objects.order_by("pk")] == [Status.QUEUED, Status.CANCELLED]


def test_only_a_complete_video_is_redownloaded(waiting_video):
    assert not waiting_video.redownload()
    claimed = Video.objects.claim("w")
    assert claimed.finish(StoredFiles("a/b.mp4", 5), lambda: None)
    assert waiting_video.redownload()
    assert (waiting_video.status, waiting_video.media_file) == (Status.QUEUED, "a/b.mp4")
    assert not waiting_video.redownload()
    assert Video.objects.claim("w").fail("The site says no.")
    waiting_video.refresh_from_db()
    assert (waiting_video.status, waiting_video.error) == (Status.COMPLETE, "The site says no.")
    assert waiting_video.redownload()
    assert waiting_video.cancel()
    assert waiting_video.status == Status.COMPLETE
