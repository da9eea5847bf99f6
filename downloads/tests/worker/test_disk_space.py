"""Room for a video, compared with what it needs before its bytes are fetched."""

import shutil

import pytest

from downloads.files import workspace
from downloads.files.volumes import probe
from downloads.models import Queue, Status, Video
from downloads.tests.support.mounts import bind_mounted, small_disk
from downloads.worker.folders import space
from downloads.worker.folders.space import SpacePlan
from downloads.worker.leased_video import LeasedVideo
from downloads.ytdlp.results import ProbeResult
from downloads.ytdlp.streams import Stream

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("child_environment", "redis_server")]
MB = 10**6


@pytest.fixture(autouse=True)
def nothing_kept_free(settings):
    settings.MIN_FREE_BYTES = 0


@pytest.fixture
def claim():
    """Claim a new video, and plan the room for it."""

    def run(stream_count=1, protocol="https"):
        url = f"http://{Video.objects.count()}.example/"
        Video.objects.ingest(url, url)
        leased_video = LeasedVideo(Video.objects.claim(f"{space.socket.gethostname()}:1"))
        return SpacePlan(leased_video, ProbeResult({"protocol": protocol}, [Stream()] * stream_count, None))

    return run


@pytest.fixture
def disks(settings):
    """Work and media as disks of their own."""
    with small_disk(settings.WORK_ROOT, "20m"), small_disk(settings.MEDIA_ROOT, "8m"):
        yield


def test_each_disk_needs_room(disks, claim):
    claim().require(7 * MB)
    with pytest.raises(
        space.NotEnoughSpace, match=r"space in the media folder \(data/media\): this video needs 9.0 MB"
    ):
        claim().require(9 * MB)


def test_streams_that_are_merged_need_it_twice(disks, settings, claim):
    with small_disk(settings.MEDIA_ROOT, "60m"):
        claim().require(15 * MB)
        with pytest.raises(space.NotEnoughSpace, match=r"work folder \(data/work\): this video needs 30.0 MB"):
            claim(stream_count=2).require(15 * MB)
        with pytest.raises(space.NotEnoughSpace):
            claim(protocol="m3u8_native").require(15 * MB)


def test_what_is_there_already_is_not_needed_again(disks, settings, claim):
    with small_disk(settings.MEDIA_ROOT, "60m"):
        plan = claim()
        folder = settings.WORK_ROOT / plan._leased_video.video.video_id
        folder.mkdir()
        (folder / "media.mp4.mark").touch()
        (folder / "media.mp4.part").write_bytes(bytes(15 * MB))
        plan.require(18 * MB)


def test_other_downloads_keep_their_room(disks, claim):
    claim().require(5 * MB)
    with pytest.raises(space.NotEnoughSpace, match=r"and 3\.4 MB is free"):
        claim().require(5 * MB)
    claim().require(3 * MB)


def test_two_mounts_of_one_disk_need_it_twice(settings, claim, tmp_path):
    with small_disk(tmp_path, "20m"):
        settings.WORK_ROOT, settings.MEDIA_ROOT = tmp_path / "work", tmp_path / "media"
        for folder in (settings.WORK_ROOT, settings.MEDIA_ROOT):
            folder.mkdir()
        claim().require(15 * MB)
        Video.objects.all().delete()
        with bind_mounted(settings.MEDIA_ROOT), pytest.raises(space.NotEnoughSpace, match=r"needs 30.0 MB"):
            claim().require(15 * MB)


def test_an_estimate_counts_when_it_is_known(disks, claim):
    plan = claim(protocol="m3u8_native")
    plan.update(None, None)
    plan.update(9000 * MB, 0.01)  # the first fragment says little about the others
    plan.update(5 * MB, 0.1)
    with pytest.raises(space.NotEnoughSpace):
        plan.update(9 * MB, 0.2)


def test_a_video_waits_until_there_is_room_and_others_go_on(download, media_server, settings):
    """The size is known from the answer to the request only; nothing but its first bytes is fetched."""
    clip_bytes = len(media_server.clip)
    with small_disk(settings.MEDIA_ROOT, "4m") as disk:
        (disk / "ballast").write_bytes(bytes(shutil.disk_usage(disk).free - clip_bytes // 2))
        video = download(media_server.url("/clip.mp4"))
        assert (video.status, video.retry_count, video.error) == (Status.QUEUED, 0, "")
        assert "Waiting for space in the media folder" in video.wait_message
        assert video.events.last().reason == video.wait_reason
        assert Queue.get_or_default().is_open
        assert not Video.objects.claimable().exists()
        space.wake_waiting_videos()
        assert not Video.objects.claimable().exists()
        (disk / "ballast").unlink()
        space.wake_waiting_videos()
        assert Video.objects.claimable().exists()
        again = download(video.url)
        assert again.status == Status.COMPLETE
        assert (settings.MEDIA_ROOT / again.media_file).read_bytes() == media_server.clip


def test_room_that_comes_back_is_not_promised_twice(disks, settings):
    for name in "abc":
        Video.objects.ingest(f"http://{name}.example/", f"http://{name}.example/")
        video = Video.objects.claim("test")
        video.postpone(f"{space.WAIT_PREFIX}{probe.MEDIA_LABEL}: x", 60, needed_bytes=5 * MB)
    space.wake_waiting_videos()
    assert [video.not_before is None for video in Video.objects.order_by("pk")] == [True, False, False]
    assert workspace.list_ids() == []
