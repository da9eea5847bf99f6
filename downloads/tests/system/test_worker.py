"""The supervisor and its downloads, as real processes on a real database."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import imageio_ffmpeg
import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from downloads.files import media_folder, trash, workspace
from downloads.models import LEASE_DURATION, MAX_RETRIES, Status, Video
from downloads.progress import keys
from downloads.tests.conftest import wait_until
from downloads.worker import child, download_process, supervisor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

PRIVATE = {"YTARCHIVE_ALLOW_PRIVATE_HOSTS": "1"}


@pytest.fixture(autouse=True)
def empty_rooms():
    yield
    for root in (settings.WORK_ROOT, settings.MEDIA_ROOT):
        shutil.rmtree(root)
        root.mkdir()


@pytest.fixture
def work(manage, redis_server, media_server):
    """Start a worker, and wait until it is ready."""

    def start(*args, env=None):
        process = manage("work", *args, env={**PRIVATE, **(env or {})})
        wait_until(lambda: "ytarchive worker: ready" in process.log.read_text(), 15, "the worker is ready")
        return process

    return start


@pytest.fixture
def queue(media_server):
    def add(path):
        url = media_server.url(path)
        return Video.objects.ingest(url, url)[0]

    return add


def fresh(video):
    return Video.objects.get(pk=video.pk)


def wait_for(video, *statuses, seconds=20):
    wait_until(lambda: fresh(video).status in statuses, seconds, f"the video is {statuses}")
    return fresh(video)


def descendants(pid):
    """Return the ids of the processes below `pid`."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        found = [int(word) for word in children.read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
    return found + [below for child in found for below in descendants(child)]


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def name_of(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""


@pytest.fixture
def slow_ffmpeg(tmp_path):
    """Put an ffmpeg on PATH that reads in real time: merging takes as long as the clip plays."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "ffmpeg"
    real = imageio_ffmpeg.get_ffmpeg_exe()
    script.write_text(f'#!/bin/sh\ncase "$*" in *.f*) exec "{real}" -readrate 0.2 "$@";; esac\nexec "{real}" "$@"\n')
    script.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def test_it_downloads_what_is_queued(work, queue, media_server):
    process = work("--workers", "2")
    videos = [queue(path) for path in ("/clip.mp4", "/separate/index.m3u8", "/missing.mp4")]
    first, second = (wait_for(video, Status.COMPLETE) for video in videos[:2])
    failed = wait_for(videos[2], Status.FAILED)
    assert (settings.MEDIA_ROOT / first.media_file).read_bytes() == media_server.clip
    assert (settings.MEDIA_ROOT / second.media_file).is_file()
    assert "404" in failed.error
    wait_until(lambda: descendants(process.pid) == [], 5, "no process is left")
    wait_until(lambda: workspace.list_ids() == [], 5, "no folder is left")


def test_it_runs_as_many_at_once_as_it_may(work, queue, media_server):
    work("--workers", "2")
    for number in range(4):
        queue(f"/hang/{number}.mp4")
    wait_until(lambda: Video.objects.active().count() == 2, 10, "two are active")
    media_server.wait_for("/hang/1.mp4")
    assert Video.objects.waiting().count() == 2


def test_it_says_that_it_lives(work, redis_server):
    process = work()
    with redis_server.client() as client:
        (key,) = client.keys(keys.WORKER_KEY_PREFIX + "*")
        assert key.decode().endswith(f":{process.pid}")
        assert 0 < client.ttl(key) <= supervisor.HEARTBEAT_TTL_SECONDS
    process.terminate()
    assert process.wait(10) == 0
    with redis_server.client() as client:
        assert client.keys(keys.WORKER_KEY_PREFIX + "*") == []


def test_it_writes_progress_to_the_row_with_the_lease(work, queue):
    work()
    video = queue("/slow/a.mp4?rate=80000")
    wait_until(lambda: fresh(video).percent, 20, "the row has a percent")
    row = fresh(video)
    assert row.phase == "video"
    assert 0 < row.downloaded_bytes < row.total_bytes
    assert row.lease_until > timezone.now() + LEASE_DURATION / 2


@pytest.mark.alone
@pytest.mark.parametrize("path", ["/slow/a.mp4?rate=20000", "/hang/a.mp4", "/slowhls/index.m3u8?rate=20000"])
def test_it_stops_a_cancelled_download_within_two_seconds(work, queue, media_server, path):
    process = work()
    video = queue(path)
    media_server.wait_for(path.split("?")[0].replace("index.m3u8", "index0.ts"), 1)
    below = descendants(process.pid)
    assert below
    assert fresh(video).cancel()
    wait_until(lambda: not any(map(is_alive, below)), 2, "the download is gone")
    wait_until(lambda: workspace.list_ids() == [], 2, "its folder is gone")
    assert fresh(video).status == Status.CANCELLED
    assert is_alive(process.pid)


def test_it_stops_the_download_of_a_deleted_video(work, queue, media_server):
    process = work()
    video = queue("/slow/a.mp4?rate=20000")
    media_server.wait_for("/slow/a.mp4", 2)
    below = descendants(process.pid)
    assert below
    assert video.remove()
    wait_until(lambda: not any(map(is_alive, below)), 5, "the download is gone")
    wait_until(lambda: workspace.list_ids() == [], 5, "its folder is gone")
    assert not (settings.MEDIA_ROOT / video.video_id).exists()
    assert is_alive(process.pid)
    assert "Traceback" not in process.log.read_text()


def merging(process, video):
    wait_until(lambda: fresh(video).phase == "merging", 20, "it is merging")
    # Where ffprobe is installed too, it looks at the same parts first.
    merges = re.compile(r"ffmpeg.*\.f")
    wait_until(lambda: any(merges.search(name_of(pid)) for pid in descendants(process.pid)), 5, "ffmpeg runs")
    return descendants(process.pid)


def test_it_stops_ffmpeg_with_a_cancelled_download(work, queue, slow_ffmpeg):
    process = work(env=slow_ffmpeg)
    video = queue("/separate/index.m3u8")
    below = merging(process, video)
    assert fresh(video).cancel()
    wait_until(lambda: not any(map(is_alive, below)), 5, "the download and ffmpeg are gone")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_it_leaves_no_process_behind(work, queue, slow_ffmpeg, number):
    process = work("--workers", "2", env=slow_ffmpeg)
    video, other = queue("/separate/index.m3u8"), queue("/hang/a.mp4")
    below = merging(process, video)
    process.send_signal(number)
    wait_until(lambda: not any(map(is_alive, below)), 5, "the downloads and ffmpeg are gone")
    if number == signal.SIGKILL:
        assert fresh(video).is_active
        return
    assert process.wait(5) == 0
    for each in map(fresh, (video, other)):
        assert (each.status, each.attempt, each.events.last().reason) == (Status.QUEUED, 2, "The worker was stopped")


def test_it_lets_go_of_what_became_anothers_while_it_stood_still(work, queue, media_server):
    process = work()
    queue("/hang/a.mp4")
    media_server.wait_for("/hang/a.mp4", 2)
    below = descendants(process.pid)
    process.send_signal(signal.SIGSTOP)
    try:
        Video.objects.update(lease_until=timezone.now())
        assert Video.objects.requeue_expired() == 1
        other = Video.objects.claim("another")
    finally:
        process.send_signal(signal.SIGCONT)
    wait_until(lambda: not any(map(is_alive, below)), 5, "the woken supervisor has stopped its download")
    assert other.holds_lease()


@pytest.fixture
def watched():
    """A process group that watches its lifeline, with a patience of 1 s, and has a process of its own."""
    code = (
        "import django, subprocess, sys; django.setup()\n"
        "from downloads.network.rate_limiter import RateLimiter; from downloads.worker import child\n"
        "child.CONTROL_TIMEOUT_SECONDS = 1; below = subprocess.Popen(['sleep', '60']); print(below.pid, flush=True)\n"
        "child._watch_control_pipe(0, RateLimiter())"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(
        [sys.executable, "-c", code], **pipes, cwd=settings.BASE_DIR, start_new_session=True
    ) as process:
        yield process, int(process.stdout.readline())
        process.kill()


def test_it_ends_with_its_supervisor(watched):
    process, below = watched
    process.stdin.close()
    assert process.wait(5) == -signal.SIGKILL
    wait_until(lambda: not is_alive(below), 5, "its group is gone")


@pytest.mark.alone
def test_it_ends_when_its_lease_is_not_renewed(watched):
    """A supervisor that stands still keeps the pipe open, but its download ends before another may begin."""
    process, below = watched
    for _ in range(3):
        process.stdin.write(b".")
        process.stdin.flush()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.6)
    assert process.wait(5) == -signal.SIGKILL
    wait_until(lambda: not is_alive(below), 5, "its group is gone")


def test_it_tries_again_when_a_download_dies_without_a_word(work, queue, media_server):
    process = work(env={"YTARCHIVE_RETRY_SECONDS": "0"})
    video = queue("/hang/a.mp4")
    deaths = 1 + MAX_RETRIES
    for death in range(deaths):
        media_server.wait_for("/hang/a.mp4", 2 * death + 2, seconds=30)
        (child,) = descendants(process.pid)
        os.kill(child, signal.SIGKILL)
        wait_until(lambda child=child: child not in descendants(process.pid), 5, "the child is reaped")
    failed = wait_for(video, Status.FAILED)
    assert "The download's process died (killed by SIGKILL)." in failed.error
    assert failed.attempt == deaths


def test_it_rescues_what_another_worker_lost(work, queue):
    video = queue("/clip.mp4")
    Video.objects.claim("dead")
    Video.objects.update(lease_until=timezone.now())
    work()
    assert wait_for(video, Status.COMPLETE).attempt == 2


def test_it_sweeps_what_was_left_behind(work, queue):
    ended, waiting = queue("/missing.mp4"), queue("/hang/a.mp4")
    ended.cancel()
    for name in (ended.video_id, "never-known"):
        (settings.WORK_ROOT / name).mkdir()
        (settings.WORK_ROOT / name / "media.mp4.part").touch()
        (settings.MEDIA_ROOT / media_folder.INCOMING_FOLDER / name).mkdir(parents=True)
        (settings.MEDIA_ROOT / trash.TRASH_FOLDER / name).mkdir(parents=True)
    work()
    wait_until(lambda: workspace.list_ids() == [waiting.video_id], 10, "the left-overs are gone")
    wait_until(
        lambda: media_folder.list_incoming_ids() == trash.list_trashed_ids() == [], 10, "no folder is on its way"
    )
    # A removal that a crash broke off came to nothing: the row is there.
    assert media_folder.list_stored_ids() == [ended.video_id]


def test_it_goes_on_without_redis(work, queue, redis_server):
    work()
    redis_server.kill()
    wait_for(queue("/clip.mp4"), Status.COMPLETE)


def test_it_goes_on_when_the_database_was_locked(work, queue, media_server):
    process = work()
    video = queue("/slow/a.mp4?rate=400000")
    media_server.wait_for("/slow/a.mp4", 2)
    with connection.cursor() as cursor:
        cursor.execute("BEGIN IMMEDIATE")
        # Longer than the supervisor waits for the database, and than the download takes.
        wait_until(lambda: "The database cannot be used" in process.log.read_text(), 15, "it noticed")
        cursor.execute("ROLLBACK")
    wait_for(video, Status.COMPLETE, seconds=30)


def test_it_pauses_where_no_process_can_be_started(queue, monkeypatch):
    def full(video, rate):
        raise BlockingIOError("Resource temporarily unavailable")

    monkeypatch.setattr(supervisor, "DownloadProcess", full)
    video = queue("/clip.mp4")
    one = supervisor.Supervisor(2)
    for _ in range(3):
        one._run_every(0, one._claim_videos)
    assert (fresh(video).status, fresh(video).attempt) == (Status.QUEUED, 2)


class TestSupervised:
    """What a supervisor knows of one download, without a process."""

    @pytest.fixture
    def download(self, monkeypatch):
        found = object.__new__(download_process.DownloadProcess)
        found._partial_line, found.latest_progress = b"", {}
        outlet, inlet = os.pipe()
        os.set_blocking(outlet, False)
        monkeypatch.setattr(found, "fileno", lambda: outlet, raising=False)
        yield found, inlet
        os.close(outlet)

    def test_it_keeps_the_newest_whole_line(self, download):
        found, inlet = download
        os.write(inlet, b'{"percent": 1}\n{"percent": 2, "speed": 5, "phase": "video"}\n{"perc')
        assert found.read_progress()
        assert found.latest_progress == {"percent": 2, "phase": "video"}
        assert found.read_progress()
        os.write(inlet, b'ent": 3}\n')
        os.close(inlet)
        assert found.read_progress()
        assert found.latest_progress == {"percent": 3}
        assert not found.read_progress()

    def test_it_lets_the_child_go_before_the_lease_does(self):
        assert (
            download_process.LEASE_OVERDUE_SECONDS + supervisor.POLL_INTERVAL_SECONDS
            < child.CONTROL_TIMEOUT_SECONDS
            < LEASE_DURATION.total_seconds()
        )

    def test_it_knows_when_its_lease_has_run_out(self, download):
        found, inlet = download
        found.lease_renewed_at = time.monotonic() - download_process.LEASE_OVERDUE_SECONDS + 1
        assert not found.is_lease_overdue()
        found.lease_renewed_at -= 2
        assert found.is_lease_overdue()
        os.close(inlet)


@pytest.mark.parametrize("lack", ["", "The disk is nearly full."])
def test_it_rests_between_two_looks(redis_server, monkeypatch, lack):
    now = [1000.0]
    monkeypatch.setattr(supervisor.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(workspace, "disk_shortage", lambda: lack)
    one = supervisor.Supervisor(1)
    for _ in range(3):
        one._run_once()
        now[0] += supervisor.POLL_INTERVAL_SECONDS

    one._run_once()

    assert one._select_timeout() == pytest.approx(supervisor.POLL_INTERVAL_SECONDS)
