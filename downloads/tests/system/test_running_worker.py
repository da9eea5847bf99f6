"""One worker with two places, shared by tests that leave it running; those that do not are in `test_worker`."""

import signal

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from downloads.files import workspace
from downloads.models import LEASE_DURATION, Status, Video
from downloads.tests.support.factories import reload_video
from downloads.tests.support.processes import LOOPBACK_ALLOWED, command_line, manage_processes
from downloads.tests.support.waiting import wait_until
from downloads.tests.support.worker_processes import (
    descendants,
    freeze_between_writes,
    is_alive,
    wait_for_status,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.processes,
    pytest.mark.usefixtures("empty_data_folders"),
]


@pytest.fixture(scope="module")
def running_worker(tmp_path_factory, django_db_setup, session_redis_server):
    started = manage_processes(tmp_path_factory.mktemp("worker"))
    process = next(started)("work", "--workers", "2", env=LOOPBACK_ALLOWED)
    wait_until(lambda: "ytarchive worker: ready" in process.log.read_text(), "the worker is ready")
    yield process
    next(started, None)


@pytest.fixture
def worker(running_worker, redis_server, media_server):
    """The worker, idle before and after each test."""
    yield running_worker
    Video.objects.cancel_all()
    wait_until(lambda: descendants(running_worker.pid) == [], "its downloads have ended")
    wait_until(lambda: workspace.list_ids() == [], "their folders are gone")


def test_it_downloads_what_is_queued(worker, enqueue, media_server):
    videos = [enqueue(path) for path in ("/clip.mp4", "/separate/index.m3u8", "/missing.mp4")]
    first, second = (wait_for_status(video, Status.COMPLETE) for video in videos[:2])
    failed = wait_for_status(videos[2], Status.FAILED)
    assert (settings.MEDIA_ROOT / first.media_file).read_bytes() == media_server.clip
    assert (settings.MEDIA_ROOT / second.media_file).is_file()
    assert "404" in failed.error
    wait_until(lambda: descendants(worker.pid) == [], "no process is left")
    wait_until(lambda: workspace.list_ids() == [], "no folder is left")


def test_it_runs_as_many_at_once_as_it_may(worker, enqueue, media_server):
    for number in range(4):
        enqueue(f"/hang/{number}.mp4")
    wait_until(lambda: Video.objects.active().count() == 2, "two are active")
    media_server.wait_for_requests("/hang/1.mp4")
    assert Video.objects.waiting().count() == 2


def test_it_writes_progress_to_the_row_with_the_lease(worker, enqueue):
    video = enqueue("/slow/a.mp4?rate=80000")
    wait_until(lambda: reload_video(video).percent, "the row has a percent")
    row = reload_video(video)
    assert row.phase == "video"
    assert 0 < row.downloaded_bytes < row.total_bytes
    assert row.lease_until > timezone.now() + LEASE_DURATION / 2


@pytest.mark.alone
@pytest.mark.parametrize(
    "path",
    [
        "/slowhls/index.m3u8?rate=20000",
        *(pytest.param(path, marks=pytest.mark.soak) for path in ("/slow/a.mp4?rate=20000", "/hang/a.mp4")),
    ],
)
def test_it_stops_a_cancelled_download_within_two_seconds(worker, enqueue, media_server, path):
    video = enqueue(path)
    media_server.wait_for_requests(path.split("?")[0].replace("index.m3u8", "index0.ts"), 1)
    pids = descendants(worker.pid)
    assert pids
    assert any("manage.py download" in command_line(pid) for pid in pids)
    assert reload_video(video).cancel()
    wait_until(lambda: not any(map(is_alive, pids)), "the download is gone", within=2)
    wait_until(lambda: workspace.list_ids() == [], "its folder is gone", within=2)
    assert reload_video(video).status == Status.CANCELLED
    assert is_alive(worker.pid)


def test_it_stops_the_download_of_a_deleted_video(worker, enqueue, media_server):
    video = enqueue("/slow/a.mp4?rate=20000")
    media_server.wait_for_requests("/slow/a.mp4", 2)
    pids = descendants(worker.pid)
    assert pids
    assert video.remove()
    wait_until(lambda: not any(map(is_alive, pids)), "the download is gone")
    wait_until(lambda: workspace.list_ids() == [], "its folder is gone")
    assert not (settings.MEDIA_ROOT / video.video_id).exists()
    assert is_alive(worker.pid)
    assert "Traceback" not in worker.log.read_text()


def expire_leases():
    """Let all leases end, and requeue their videos; False if the download has just renewed one with a write."""
    Video.objects.update(lease_until=timezone.now())
    return Video.objects.requeue_expired() == 1


def test_it_stops_downloads_it_lost_while_paused(worker, enqueue, media_server):
    enqueue("/hang/a.mp4")
    media_server.wait_for_requests("/hang/a.mp4", 2)
    pids = descendants(worker.pid)
    freeze_between_writes(worker)
    try:
        wait_until(expire_leases, "its video is requeued")
        other = Video.objects.claim("another")
    finally:
        worker.send_signal(signal.SIGCONT)
    wait_until(lambda: not any(map(is_alive, pids)), "the woken supervisor has stopped its download")
    assert other.holds_lease()
    # No worker has this lease, so nobody else removes it. A thread of the dead download may still hold its lock.
    wait_until(lambda: workspace.remove_workspace(other.video_id), "its folder is gone")


def test_it_goes_on_without_redis(worker, enqueue, redis_server):
    redis_server.kill()
    wait_for_status(enqueue("/clip.mp4"), Status.COMPLETE)


def test_it_goes_on_when_the_database_was_locked(worker, enqueue, media_server):
    video = enqueue("/slow/a.mp4?rate=400000")
    media_server.wait_for_requests("/slow/a.mp4", 2)
    said_before = len(worker.log.read_text())
    with connection.cursor() as cursor:
        cursor.execute("BEGIN IMMEDIATE")
        # Longer than the supervisor waits for the database, and than the download takes.
        wait_until(lambda: "The database cannot be used" in worker.log.read_text()[said_before:], "it noticed")
        cursor.execute("ROLLBACK")
    wait_for_status(video, Status.COMPLETE)
