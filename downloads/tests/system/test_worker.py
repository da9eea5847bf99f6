"""The supervisor and its downloads, as real processes on a real database."""

import os
import re
import signal
import subprocess
import sys
import time

import imageio_ffmpeg
import pytest
from django.conf import settings
from django.utils import timezone

from downloads.files import media_folder, trash, workspace
from downloads.files.volumes import probe
from downloads.models import LEASE_DURATION, MAX_RETRIES, Status, Video
from downloads.progress import keys
from downloads.tests.support.factories import reload_video
from downloads.tests.support.processes import command_line
from downloads.tests.support.waiting import wait_until
from downloads.tests.support.worker_processes import descendants, is_alive, wait_for_status
from downloads.worker import child, download_process, supervisor

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.processes,
    pytest.mark.usefixtures("empty_data_folders"),
]


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


def test_it_registers_itself_in_redis(start_worker, redis_server):
    process = start_worker()
    with redis_server.client() as client:
        wait_until(lambda: client.keys(keys.WORKER_KEY_PREFIX + "*"), "it is registered")
        (key,) = client.keys(keys.WORKER_KEY_PREFIX + "*")
        assert key.decode().endswith(f":{process.pid}")
        assert 0 < client.ttl(key) <= supervisor.HEARTBEAT_TTL_SECONDS
    process.terminate()
    assert process.wait(10) == 0
    with redis_server.client() as client:
        assert client.keys(keys.WORKER_KEY_PREFIX + "*") == []


def wait_until_merging(process, video):
    wait_until(lambda: reload_video(video).phase == "merging", "it is merging")
    # Where ffprobe is installed too, it looks at the same parts first.
    merges = re.compile(r"ffmpeg.*\.f")
    wait_until(lambda: any(merges.search(command_line(pid)) for pid in descendants(process.pid)), "ffmpeg runs")
    return descendants(process.pid)


def test_it_stops_ffmpeg_with_a_cancelled_download(start_worker, enqueue, slow_ffmpeg):
    process = start_worker(env=slow_ffmpeg)
    video = enqueue("/separate/index.m3u8")
    pids = wait_until_merging(process, video)
    assert reload_video(video).cancel()
    wait_until(lambda: not any(map(is_alive, pids)), "the download and ffmpeg are gone")


@pytest.mark.parametrize(
    "stop_signal",
    [signal.SIGKILL, *(pytest.param(number, marks=pytest.mark.soak) for number in (signal.SIGTERM, signal.SIGINT))],
)
def test_it_leaves_no_process_behind(start_worker, enqueue, slow_ffmpeg, stop_signal):
    process = start_worker("--workers", "2", env=slow_ffmpeg)
    video, other = enqueue("/separate/index.m3u8"), enqueue("/hang/a.mp4")
    pids = wait_until_merging(process, video)
    process.send_signal(stop_signal)
    wait_until(lambda: not any(map(is_alive, pids)), "the downloads and ffmpeg are gone")
    if stop_signal == signal.SIGKILL:
        assert reload_video(video).is_active
        return
    assert process.wait(5) == 0
    for row in map(reload_video, (video, other)):
        assert (row.status, row.attempt, row.events.last().reason) == (Status.QUEUED, 2, "The worker was stopped")


@pytest.fixture
def child_with_control_pipe():
    """Start a process group that watches its control pipe, with a timeout of 1 s, and has a child process."""
    program = (
        "import django, subprocess, sys; django.setup()\n"
        "from downloads.network.rate_limiter import RateLimiter; from downloads.worker import child\n"
        "child.CONTROL_TIMEOUT_SECONDS = 1; below = subprocess.Popen(['sleep', '60']); print(below.pid, flush=True)\n"
        "child._watch_control_pipe(0, RateLimiter())"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(
        [sys.executable, "-c", program], **pipes, cwd=settings.BASE_DIR, start_new_session=True
    ) as process:
        yield process, int(process.stdout.readline())
        process.kill()


def test_it_ends_with_its_supervisor(child_with_control_pipe):
    process, child_pid = child_with_control_pipe
    process.stdin.close()
    assert process.wait(5) == -signal.SIGKILL
    wait_until(lambda: not is_alive(child_pid), "its group is gone")


@pytest.mark.alone
def test_it_ends_when_its_lease_is_not_renewed(child_with_control_pipe):
    """A supervisor that hangs keeps the pipe open, but its download ends before another may begin."""
    process, child_pid = child_with_control_pipe
    for _ in range(3):
        process.stdin.write(b".")
        process.stdin.flush()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.6)
    assert process.wait(5) == -signal.SIGKILL
    wait_until(lambda: not is_alive(child_pid), "its group is gone")


def test_it_retries_when_a_child_dies_silently(start_worker, enqueue, media_server):
    process = start_worker(env={"YTARCHIVE_RETRY_SECONDS": "0"})
    video = enqueue("/hang/a.mp4")
    deaths = 1 + MAX_RETRIES
    for death in range(deaths):
        media_server.wait_for_requests("/hang/a.mp4", 2 * death + 2, seconds=30)
        (child_pid,) = descendants(process.pid)
        os.kill(child_pid, signal.SIGKILL)
        wait_until(lambda child_pid=child_pid: child_pid not in descendants(process.pid), "the child is reaped")
    failed = wait_for_status(video, Status.FAILED)
    assert "The download’s process ended unexpectedly (killed by SIGKILL)." in failed.error
    assert failed.attempt == deaths


@pytest.mark.soak  # test_worker_recovery has a worker that is killed as it claims
def test_it_requeues_videos_of_a_lost_worker(start_worker, enqueue):
    video = enqueue("/clip.mp4")
    Video.objects.claim("dead")
    Video.objects.update(lease_until=timezone.now())
    start_worker()
    assert wait_for_status(video, Status.COMPLETE).attempt == 2


def test_it_removes_leftover_folders(start_worker, enqueue):
    ended, waiting = enqueue("/missing.mp4"), enqueue("/hang/a.mp4")
    ended.cancel()
    stored_before = set(media_folder.list_stored_ids())
    for name in (ended.video_id, "never-known"):
        (settings.WORK_ROOT / name).mkdir()
        (settings.WORK_ROOT / name / "media.mp4.part").touch()
        (settings.MEDIA_ROOT / media_folder.INCOMING_FOLDER / name).mkdir(parents=True)
        (settings.MEDIA_ROOT / trash.TRASH_FOLDER / name).mkdir(parents=True)
    start_worker()
    wait_until(lambda: workspace.list_ids() == [waiting.video_id], "the left-overs are gone")
    wait_until(lambda: media_folder.list_incoming_ids() == trash.list_trashed_ids() == [], "no folder is on its way")
    # A removal interrupted by a crash had no effect: the row exists.
    assert set(media_folder.list_stored_ids()) - stored_before == {ended.video_id}


def test_it_pauses_where_no_process_can_be_started(enqueue, monkeypatch):
    def fail_to_start(*_):
        raise BlockingIOError("Resource temporarily unavailable")

    monkeypatch.setattr(supervisor, "DownloadProcess", fail_to_start)
    video = enqueue("/clip.mp4")
    worker = supervisor.Supervisor(2)
    for _ in range(3):
        worker._run_every(0, worker._claim_videos)
    assert (reload_video(video).status, reload_video(video).attempt) == (Status.QUEUED, 2)


class TestDownloadProcess:
    """The supervisor's record of one download, without a process."""

    @pytest.fixture
    def download(self, monkeypatch):
        process = object.__new__(download_process.DownloadProcess)
        process._partial_line, process.latest_progress = b"", {}
        read_end, write_end = os.pipe()
        os.set_blocking(read_end, False)
        monkeypatch.setattr(process, "fileno", lambda: read_end, raising=False)
        yield process, write_end
        os.close(read_end)

    def test_it_keeps_the_newest_whole_line(self, download):
        process, write_end = download
        os.write(write_end, b'{"percent": 1}\n{"percent": 2, "speed": 5, "phase": "video"}\n{"perc')
        assert process.read_progress()
        assert process.latest_progress == {"percent": 2, "phase": "video"}
        assert process.read_progress()
        os.write(write_end, b'ent": 3}\n')
        os.close(write_end)
        assert process.read_progress()
        assert process.latest_progress == {"percent": 3}
        assert not process.read_progress()

    def test_it_lets_the_child_go_before_the_lease_does(self):
        assert (
            download_process.LEASE_OVERDUE_SECONDS + supervisor.POLL_INTERVAL_SECONDS
            < child.CONTROL_TIMEOUT_SECONDS
            < LEASE_DURATION.total_seconds()
        )

    def test_it_knows_when_its_lease_has_run_out(self, download):
        process, write_end = download
        process.lease_renewed_at = time.monotonic() - download_process.LEASE_OVERDUE_SECONDS + 1
        assert not process.is_lease_overdue()
        process.lease_renewed_at -= 2
        assert process.is_lease_overdue()
        os.close(write_end)


@pytest.mark.parametrize("shortage", ["", "The disk is nearly full."])
def test_it_sleeps_between_two_checks(redis_server, monkeypatch, shortage):
    now = [1000.0]
    monkeypatch.setattr(supervisor.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(probe, "find_problem", lambda archive_id, *, is_written: shortage)
    worker = supervisor.Supervisor(1)
    for _ in range(3):
        worker._run_once()
        now[0] += supervisor.POLL_INTERVAL_SECONDS

    worker._run_once()

    assert worker._select_timeout() == pytest.approx(supervisor.POLL_INTERVAL_SECONDS)
