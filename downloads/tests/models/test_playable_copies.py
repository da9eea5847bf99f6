"""Playable copies: who may have one, which is next, who may write, and what becomes of its file and size."""

import datetime as dt
from pathlib import Path

import pytest
from django.utils import timezone

from downloads.models import AuditEntry, PlayableCopy, Queue, Status, StoredFiles, Video, VideoEvent
from downloads.models.audit.actor import Actor, acting_as
from downloads.models.copies.playable_copy import MAX_RUNS
from downloads.tests.support.copies import claimed_copy
from downloads.tests.support.factories import complete, create_videos, failed, reload_video, running, waiting
from downloads.worker.leased_video import LeasedVideo

pytestmark = pytest.mark.django_db
LONG_AGO = dt.timedelta(hours=1)


@pytest.fixture(autouse=True)
def media_root(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def finish(copy: PlayableCopy, media_root: Path, size: int = 1000) -> None:
    (media_root / "copy.mp4").write_bytes(b"x" * size)
    assert copy.finish("copy.mp4", size, lambda: None, "mp4, h264/aac, 1 kB")


def reload(copy: PlayableCopy) -> PlayableCopy:
    return PlayableCopy.objects.get(pk=copy.pk)


def test_only_what_is_complete_and_has_a_file_is_copied():
    playlist = create_videos(1, is_list=True, media_file="")[0]
    for video in (waiting("w"), running("r"), failed("f"), playlist):
        assert not PlayableCopy.request(video)
    assert not PlayableCopy.objects.exists()


def test_a_second_request_changes_nothing():
    video = complete()
    assert PlayableCopy.request(video)
    assert not PlayableCopy.request(video)
    assert PlayableCopy.claim_next("w")
    assert not PlayableCopy.request(video)


def test_they_are_made_in_the_order_of_their_requests():
    first, second = complete("a"), complete("b")
    PlayableCopy.request(second)
    PlayableCopy.request(first)
    copies = [PlayableCopy.claim_next("w"), PlayableCopy.claim_next("w"), PlayableCopy.claim_next("w")]
    assert [copy and copy.video for copy in copies] == [second, first, None]


def test_nothing_starts_while_the_queue_is_paused_or_held():
    PlayableCopy.request(complete())
    Queue.pause()
    assert PlayableCopy.claim_next("w") is None
    Queue.resume()
    Queue.hold("host", "The disk is full.", 30)
    assert PlayableCopy.claim_next("w") is None


def test_it_waits_while_its_video_is_downloaded_again():
    video = complete()
    PlayableCopy.request(video)
    video.redownload()
    assert PlayableCopy.claim_next("w") is None
    video.cancel()
    assert PlayableCopy.claim_next("w")


def test_the_status_of_the_video_never_changes(media_root):
    video = complete()
    copy = claimed_copy(video)
    assert reload_video(video).status == Status.COMPLETE
    finish(copy, media_root)
    assert reload_video(video).status == Status.COMPLETE
    reasons = VideoEvent.objects.filter(video=video).values_list("reason", flat=True)
    assert list(reasons)[-3:] == [
        "Playable copy requested",
        "Playable copy started",
        "Playable copy made (mp4, h264/aac, 1 kB)",
    ]


def test_its_size_counts_and_goes_with_it(media_root, django_capture_on_commit_callbacks):
    video = complete()
    copy = claimed_copy(video)
    finish(copy, media_root)
    assert reload_video(video).size == video.size + 1000
    with django_capture_on_commit_callbacks(execute=True):
        assert reload(copy).remove()
        assert (media_root / "copy.mp4").exists()
    assert reload_video(video).size == video.size
    assert not (media_root / "copy.mp4").exists()
    assert (reload(copy).file, reload(copy).size) == ("", None)
    assert not reload(copy).remove()
    assert reload_video(video).size == video.size


def test_one_whose_file_is_gone_can_be_made_again(media_root):
    video = complete()
    finish(claimed_copy(video), media_root)
    assert not PlayableCopy.request(video)
    (media_root / "copy.mp4").unlink()
    assert PlayableCopy.request(video)
    assert reload_video(video).size == video.size


@pytest.mark.parametrize("verb", ["cancel", "fail", "release"])
def test_a_run_that_has_lost_its_lease_writes_nothing(media_root, verb):
    video = complete()
    copy = claimed_copy(video)
    getattr(reload(copy), verb)(*["No."] * (verb == "fail"))
    before = PlayableCopy.objects.values().get()
    assert not copy.renew_lease(percent=50.0)
    assert not copy.is_wanted()
    assert not copy.fail("Late.")
    assert not copy.release()
    assert not copy.finish("late.mp4", 5, lambda: pytest.fail("installed"), "")
    assert PlayableCopy.objects.values().get() == before
    assert reload_video(video).size == video.size


def test_an_installation_that_fails_leaves_all_as_it_was():
    copy = claimed_copy(complete())
    before = PlayableCopy.objects.values().get(), reload_video(copy.video).size

    def install() -> None:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        copy.finish("copy.mp4", 5, install, "")
    assert (PlayableCopy.objects.values().get(), reload_video(copy.video).size) == before


def test_cancel_and_request_again_is_another_attempt():
    video = complete()
    copy = claimed_copy(video)
    assert reload(copy).cancel()
    assert not reload(copy).cancel()
    assert PlayableCopy.request(video)
    assert (reload(copy).attempt, reload(copy).status, reload(copy).runs) == (2, "queued", 0)


def test_what_failed_says_why_and_can_be_tried_again_or_dismissed():
    video = complete()
    copy = claimed_copy(video)
    assert copy.fail("No.")
    assert reload(copy).error == "No."
    assert PlayableCopy.request(video)
    assert reload(copy).error == ""
    assert PlayableCopy.claim_next("w").fail("No.")
    assert reload(copy).remove()
    assert PlayableCopy.objects.to_show() == []


def test_it_fails_after_some_runs_that_ended_without_a_result():
    PlayableCopy.request(complete())
    for _ in range(MAX_RUNS):
        copy = PlayableCopy.claim_next("w")
        assert copy.release("Interrupted.")
    assert (copy.status, copy.error) == ("failed", "Interrupted.")


def test_a_stopped_worker_costs_no_run():
    PlayableCopy.request(complete())
    for _ in range(MAX_RUNS + 1):
        assert PlayableCopy.claim_next("w").release("The worker was stopped.", is_counted=False)


def test_a_dead_worker_loses_its_copies_and_no_others():
    copy = claimed_copy(complete())
    assert PlayableCopy.objects.requeue_worker("another") == 0
    assert PlayableCopy.objects.requeue_expired() == 0
    assert PlayableCopy.objects.requeue_worker("w") == 1
    assert reload(copy).status == "queued"


@pytest.mark.parametrize("distance", [-LONG_AGO, LONG_AGO])
def test_an_expired_lease_is_taken_and_so_is_one_that_is_longer_than_any(distance):
    copy = claimed_copy(complete())
    PlayableCopy.objects.update(lease_until=timezone.now() + distance)
    assert PlayableCopy.objects.requeue_expired() == 1
    assert reload(copy).status == "queued"


def test_a_redownload_takes_the_copy_with_the_files(media_root):
    video = complete()
    finish(claimed_copy(video), media_root)
    video = reload_video(video)
    video.redownload()
    again = Video.objects.claim("w")
    LeasedVideo(again).finish(StoredFiles("b.mp4", 7000), lambda: None)
    assert reload_video(video).size == 7000
    assert PlayableCopy.objects.get().status == "cancelled"
    assert PlayableCopy.request(reload_video(video))


def test_a_copy_of_the_older_file_is_not_stored_after_a_redownload():
    video = complete()
    copy = claimed_copy(video)
    video.redownload()
    LeasedVideo(Video.objects.claim("w")).finish(StoredFiles("b.mp4", 7000), lambda: None)
    assert not copy.finish("copy.mp4", 5, lambda: pytest.fail("installed"), "")


def test_it_goes_with_its_video():
    video = complete()
    copy = claimed_copy(video)
    assert video.remove()
    assert not copy.is_wanted()
    assert not copy.finish("copy.mp4", 5, lambda: pytest.fail("installed"), "")
    assert not PlayableCopy.objects.exists()


def test_the_audit_log_says_who(media_root):
    video = complete()
    with acting_as(Actor(None, "ann")):
        PlayableCopy.request(video)
        PlayableCopy.objects.get().cancel()
        PlayableCopy.request(video)
        finish(PlayableCopy.claim_next("w"), media_root)
        PlayableCopy.objects.get().remove()
    entries = AuditEntry.objects.filter(action__startswith="copy-").order_by("pk")
    assert [entry.action for entry in entries] == [
        "copy-requested",
        "copy-cancelled",
        "copy-requested",
        "copy-removed",
    ]
    assert {entry.actor_name for entry in entries} == {"ann"}
