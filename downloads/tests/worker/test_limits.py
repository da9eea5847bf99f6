"""Limits of size, duration, bandwidth and disk space, reached by real downloads."""

import errno
import shutil
import socket
import tempfile
import time
from pathlib import Path

import pytest
from django.utils.html import strip_tags

from downloads.files import media_folder, workspace
from downloads.library import status_phrase
from downloads.models import Queue, Status, Video
from downloads.network.proxy import EgressProxy
from downloads.network.rate_limiter import RateLimiter
from downloads.worker import attempt, limits, supervisor
from downloads.worker.folders import monitor
from downloads.ytdlp import options, results, resuming_client
from downloads.ytdlp.errors import conversion

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("child_environment")]


@pytest.fixture(autouse=True)
def no_retry_pauses(monkeypatch):
    monkeypatch.setattr(options, "_retry_delay", lambda n: 0.0)


@pytest.fixture(autouse=True)
def looks_are_waited_for(monkeypatch):
    monkeypatch.setattr(monitor, "USUAL_LOOK_SECONDS", 10.0)


@pytest.fixture
def download(redis_server):
    """Run one attempt at a URL, and return its row afterwards."""

    def run(url, rate=0):
        video, _ = Video.objects.ingest(url, url)
        Video.objects.update(not_before=None)
        video = Video.objects.claim("test")
        with EgressProxy(rate_limiter=RateLimiter(rate)) as proxy:
            attempt.run_attempt(video, proxy_url=proxy.url, on_progress=lambda state: None)
        return Video.objects.get(pk=video.pk)

    return run


@pytest.mark.parametrize("path", ["/clip.mp4", "/nolength.mp4", "/hls/index.m3u8"])
def test_it_refuses_what_is_too_large_by_its_own_count(download, media_server, settings, path):
    settings.MAX_BYTES = 200_000
    video = download(media_server.url(path))
    assert video.status == Status.FAILED
    assert "Larger than the limit of 0.2 MB (YTARCHIVE_MAX_BYTES)" in video.error
    assert video.events.last().reason == video.error
    assert workspace.list_ids() == []


def test_it_refuses_what_is_too_long(settings):
    settings.MAX_SECONDS = 90
    limits.require_within_limits(90, 0)
    with pytest.raises(results.DownloadError, match=r"Longer than the limit of 1.5 min") as caught:
        limits.require_within_limits(91, 0)
    assert caught.value.permanent


def test_it_takes_what_fits(download, media_server, settings):
    settings.MAX_BYTES = len(media_server.clip)
    settings.MAX_SECONDS = 60
    assert download(media_server.url("/clip.mp4")).status == Status.COMPLETE


@pytest.mark.parametrize("path", ["/error.mp4", "/cut/a.mp4"])
def test_it_retries_temporary_errors(download, media_server, path):
    video = download(media_server.url(path))
    assert (video.status, video.retry_count) == (Status.QUEUED, 1)
    assert strip_tags(status_phrase.retry_phrase(video)).startswith("Retrying in ")
    assert video.error
    assert video.events.last().reason.endswith(video.error)


@pytest.mark.parametrize("path", ["/missing.mp4", "/private.mp4", "/notmedia/a.mp4", "/playlist?live=1"])
def test_permanent_errors_fail_at_once(download, media_server, path):
    video = download(media_server.url(path))
    assert (video.status, video.retry_count) == (Status.FAILED, 0)


def test_it_does_without_a_picture_that_never_ends(download, media_server, monkeypatch):
    monkeypatch.setattr(resuming_client, "MAX_THUMBNAIL_DOWNLOAD_BYTES", 300_000)
    video = download(media_server.url("/page/x?thumbnail=/endless.jpg"))
    assert video.status == Status.COMPLETE
    assert media_server.count_requests("/endless.jpg")


def test_it_reads_no_page_that_never_ends(download, media_server, monkeypatch):
    monkeypatch.setattr(resuming_client, "MAX_PAGE_BYTES", 300_000)
    video = download(media_server.url("/endless.html"))
    assert video.status in (Status.QUEUED, Status.FAILED)


def test_an_unknown_host_name_is_retried_once(download):
    url = "http://no.such.host.invalid/a.mp4"
    assert download(url).status == Status.QUEUED
    video = download(url)
    assert video.status == Status.FAILED
    assert "no site called no.such.host.invalid" in video.error


def test_it_takes_no_more_than_its_bandwidth(download, media_server):
    rate = len(media_server.clip) // 2
    began = time.monotonic()
    assert download(media_server.url("/clip.mp4"), rate).status == Status.COMPLETE
    assert time.monotonic() - began > 1.5


class TestDiskSpace:
    """A full disk pauses the queue; it fails no video."""

    @pytest.fixture
    def worker_supervisor(self):
        return supervisor.Supervisor(2)

    def test_it_holds_the_queue_while_room_is_short(self, worker_supervisor, settings, redis_server):
        Video.objects.ingest("http://example.org/a", "http://example.org/a")
        settings.MIN_FREE_BYTES = 10**18
        worker_supervisor._check_folders()
        assert "The disk is nearly full" in Queue.get_or_default().blocked_reason
        assert Video.objects.claim("w") is None
        settings.MIN_FREE_BYTES = 1
        worker_supervisor._check_folders()
        assert Queue.get_or_default().blocked_reason == ""
        assert Video.objects.claim("w")

    def test_it_knows_a_full_disk_in_yt_dlp_s_words(self):
        error = conversion._convert(OSError("unable to write data: [Errno 28] No space left on device"))
        assert isinstance(error, OSError)
        assert error.errno == errno.ENOSPC

    @pytest.fixture
    def other_file_system(self, settings):
        """A work folder on another file system than the library's."""
        shared = Path("/dev/shm")
        if not shared.is_dir() or shared.stat().st_dev == settings.MEDIA_ROOT.stat().st_dev:
            pytest.skip("there is no second file system here")
        folder = Path(tempfile.mkdtemp(dir=shared, prefix="yta-"))
        settings.WORK_ROOT = folder
        yield folder
        shutil.rmtree(folder)

    def test_it_files_across_file_systems(self, other_file_system, download, media_server, settings):
        video = download(media_server.url("/clip.mp4"))
        assert video.status == Status.COMPLETE
        assert (settings.MEDIA_ROOT / video.media_file).read_bytes() == media_server.clip
        assert media_folder.list_stored_ids() == [video.video_id]
        assert video.redownload()
        again = download(media_server.url("/clip.mp4"))
        assert (again.status, again.attempt) == (Status.COMPLETE, 2)
        assert media_folder.list_stored_ids() == [video.video_id]
        assert list(other_file_system.iterdir()) == []


def test_it_names_its_host_when_it_holds_the_queue(settings, redis_server):
    settings.MIN_FREE_BYTES = 10**18
    supervisor.Supervisor(1)._check_folders()
    assert Queue.get_or_default().held_by == socket.gethostname()
