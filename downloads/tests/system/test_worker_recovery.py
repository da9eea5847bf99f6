"""Recovery times after workers die in each phase, sites stop sending, and downloads are cancelled."""

import os
import re
import signal
import statistics
import time

import imageio_ffmpeg
import pytest
from django.conf import settings
from django.utils.html import strip_tags

from downloads.files import workspace
from downloads.library import status_phrase
from downloads.models import Status, Video, VideoEvent
from downloads.tests.support.factories import reload_video
from downloads.tests.support.processes import descendants, find_descendants, process_parents, still_running
from downloads.tests.support.waiting import PATIENCE_SECONDS, wait_until
from downloads.tests.support.worker_processes import freeze_between_writes
from downloads.worker.processes import protocol

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.processes,
    pytest.mark.usefixtures("redis_server", "empty_data_folders"),
]

ENVIRONMENT = {"YTARCHIVE_ALLOW_PRIVATE_HOSTS": "1"}
LEASE_SECONDS = 6  # long enough that a busy machine does not let one run out
SHORT_LEASE_ENVIRONMENT = {**ENVIRONMENT, "YTARCHIVE_LEASE_SECONDS": str(LEASE_SECONDS)}
# Paths that keep a download in each phase.
PHASE_PATHS = {
    "looking up": "/mute/a.mp4",
    "video": "/slow/a.mp4?rate=20000",  # takes 40 s, unless it is released
    "audio": "/slowhls/index.m3u8?rate=9000&of=separate&only=audio",
    "merging": "/separate/index.m3u8",
    "filing": "/clip.mp4",
}
# The real command, with one more action at this step of the claim.
KILL_AT_START_PROGRAM = """
import os, signal
from django.core.management import call_command
from downloads.worker.supervisor import Supervisor
start = Supervisor._start_download
def step(worker, video):
    {}
Supervisor._start_download = step
call_command("work", "--workers", "1")
"""
KILL_BEFORE_CHILD = KILL_AT_START_PROGRAM.format("os.kill(os.getpid(), signal.SIGKILL)")
KILL_AFTER_CHILD = KILL_AT_START_PROGRAM.format(
    "start(worker, video); print(worker._downloads[0]._process.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
)
PAUSE_BEFORE_CHILD = KILL_AT_START_PROGRAM.format(
    "Supervisor._start_download = start; os.kill(os.getpid(), signal.SIGSTOP); return start(worker, video)"
)


@pytest.fixture
def slow_ffmpeg(tmp_path):
    """Put an ffmpeg on PATH that reads at half speed where it merges, and where it checks the whole file."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script, real = folder / "ffmpeg", imageio_ffmpeg.get_ffmpeg_exe()
    slow = f'*.temp.*|*frame.jpg*) exec "{real}" -readrate 0.5 "$@";;'
    script.write_text(f'#!/bin/sh\ncase "$*" in {slow} esac\nexec "{real}" "$@"\n')
    script.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def wait_for_phase(media_server, phase):
    """Queue a video, and return it when a worker has it in this phase."""
    url = media_server.url(PHASE_PATHS[phase])
    video, _ = Video.objects.ingest(url, url)
    wait_until(lambda: Video.objects.filter(pk=video.pk, phase=phase).exists(), f"it is {phase}")
    if phase == "looking up":
        media_server.wait_for_requests(PHASE_PATHS[phase])
    if phase == "video":
        part = part_of(video)
        wait_until(lambda: part.is_file() and part.stat().st_size > 100_000, "some of it is here")
    return video


def part_of(video):
    """Return the path of the file that is not whole yet."""
    return settings.WORK_ROOT / video.video_id / "media.mp4.part"


def download_pids(worker):
    """Return the ids of all processes of a worker's downloads: those below it, without the fork server."""
    return descendants(worker.pid) - find_descendants(worker.pid, protocol.PACKAGE)


def kill_and_wait_for_requeue(work, media_server, env, phase, longest):
    """Kill a worker in a phase; return the seconds until another has its video."""
    first = work("--workers", "1", env=env)
    video = wait_for_phase(media_server, phase)
    child_pids = descendants(first.pid)
    work("--workers", "1", env=env)
    began = time.monotonic()
    first.kill()
    wait_until(lambda: not still_running(child_pids), "its children died with it")
    wait_until(
        lambda: reload_video(video).attempt == 2 and reload_video(video).is_active, "another has it", within=longest
    )
    took = time.monotonic() - began
    print(f"\nkilled while {phase}: downloading again after {took:.1f} s")  # noqa: T201
    media_server.released.set()
    return video


@pytest.mark.parametrize("phase", ["video", pytest.param("filing", marks=pytest.mark.soak)])
def test_it_is_requeued_after_its_worker_is_killed(start_worker, media_server, slow_ffmpeg, phase):
    # With leases of 30 s: another worker of the same machine sees at once that this one has died.
    env = ENVIRONMENT | (slow_ffmpeg if phase == "filing" else {})
    video = kill_and_wait_for_requeue(start_worker, media_server, env, phase, 15)
    if phase == "video":
        wait_until(lambda: reload_video(video).status == Status.COMPLETE, "it is complete")
        assert (settings.MEDIA_ROOT / reload_video(video).media_file).read_bytes() == media_server.clip
        starts = [range_header for _, path, range_header in media_server.requests if path.startswith("/slow/")]
        assert starts[-1].startswith("bytes=")
        assert starts[-1] != "bytes=0-"


@pytest.mark.soak
@pytest.mark.parametrize("phase", PHASE_PATHS)
def test_it_is_requeued_within_45_seconds_in_every_phase(start_worker, media_server, slow_ffmpeg, phase):
    kill_and_wait_for_requeue(start_worker, media_server, ENVIRONMENT | slow_ffmpeg, phase, 45)


def kill_at_claim(manage, work, media_server, env, step, longest):
    """Kill a worker as it claims; another has the video, once."""
    url = media_server.url("/named/a.mp4")
    video, _ = Video.objects.ingest(url, url)
    first = manage("shell", "-c", step, env=env)
    assert first.wait(PATIENCE_SECONDS) == -signal.SIGKILL
    began = time.monotonic()
    assert (reload_video(video).status, reload_video(video).attempt) == (Status.DOWNLOADING, 1)
    if step == KILL_AFTER_CHILD:
        child = int(re.search(r"^\d+$", first.log.read_text(), re.MULTILINE)[0])
        wait_until(lambda: not still_running({child}), "its child died with it")
    work("--workers", "1", env=env)
    wait_until(lambda: reload_video(video).status == Status.COMPLETE, "another had it", within=longest)
    print(f"\nkilled at the claim: complete after {time.monotonic() - began:.1f} s")  # noqa: T201
    reasons = list(video.events.values_list("reason", flat=True))
    assert reasons == ["Added", "Started", "The download was interrupted", "Started", "Found", "Fetched", "Filed"]
    assert (settings.MEDIA_ROOT / reload_video(video).media_file).read_bytes() == media_server.clip


@pytest.mark.parametrize(
    "step",
    [pytest.param(KILL_BEFORE_CHILD, id="before", marks=pytest.mark.soak), pytest.param(KILL_AFTER_CHILD, id="with")],
)
def test_it_is_requeued_when_killed_at_its_claim(run_manage, start_worker, media_server, step):
    # With leases of 30 s: another worker of the same machine sees at once that this one has died.
    kill_at_claim(run_manage, start_worker, media_server, ENVIRONMENT, step, 25)


@pytest.mark.soak
@pytest.mark.parametrize("step", [KILL_BEFORE_CHILD, KILL_AFTER_CHILD], ids=["before", "with"])
def test_it_is_requeued_within_45_seconds_after_a_claim(run_manage, start_worker, media_server, step):
    kill_at_claim(run_manage, start_worker, media_server, ENVIRONMENT, step, 45)


def test_it_starts_no_child_when_paused_after_its_claim(run_manage, start_worker, media_server):
    first = run_manage("shell", "-c", PAUSE_BEFORE_CHILD, env=SHORT_LEASE_ENVIRONMENT)
    path = "/slow/a.mp4?rate=5000"
    video, _ = Video.objects.ingest(media_server.url(path), media_server.url(path))
    wait_until(lambda: reload_video(video).is_active, "it is claimed")
    start_worker("--workers", "1", env=SHORT_LEASE_ENVIRONMENT)
    wait_until(lambda: reload_video(video).attempt == 2 and reload_video(video).is_active, "another has it")
    media_server.wait_for_requests(path, 2)
    first.send_signal(signal.SIGCONT)
    other, _ = Video.objects.ingest(media_server.url("/named/b.mp4"), media_server.url("/named/b.mp4"))
    # The resumed worker has one place, which its late child of the first video had.
    wait_until(lambda: reload_video(other).status == Status.COMPLETE, "it has taken the next one")
    assert (reload_video(video).status, reload_video(video).attempt) == (Status.DOWNLOADING, 2)
    assert media_server.count_requests(path) == 2
    media_server.released.set()
    wait_until(lambda: reload_video(video).status == Status.COMPLETE, "it is complete")
    assert video.events.filter(status=Status.COMPLETE).count() == 1


def test_it_is_fenced_out_when_paused_past_its_lease(start_worker, media_server):
    first = start_worker("--workers", "1", env=SHORT_LEASE_ENVIRONMENT)
    video = wait_for_phase(media_server, "video")
    child_pids = download_pids(first)
    start_worker("--workers", "1", env=SHORT_LEASE_ENVIRONMENT)
    freeze_between_writes(first)
    try:
        wait_until(
            lambda: reload_video(video).attempt == 2 and reload_video(video).is_active,
            "another has it",
        )
        wait_until(lambda: not still_running(child_pids), "its download ended before that")
    finally:
        first.send_signal(signal.SIGCONT)
    media_server.released.set()
    wait_until(lambda: reload_video(video).status == Status.COMPLETE, "it is complete")
    assert (reload_video(video).attempt, video.events.filter(status=Status.COMPLETE).count()) == (2, 1)
    assert (settings.MEDIA_ROOT / reload_video(video).media_file).read_bytes() == media_server.clip


def test_it_aborts_a_stalled_download(start_worker, media_server):
    start_worker("--workers", "1", env={**ENVIRONMENT, "YTARCHIVE_STALL_SECONDS": "3", "YTARCHIVE_RETRY_SECONDS": "60"})
    video = wait_for_phase(media_server, "looking up")
    wait_until(lambda: reload_video(video).retry_count == 1, "it waits for another try")
    assert reload_video(video).status == Status.QUEUED
    assert strip_tags(status_phrase.retry_phrase(reload_video(video))).startswith("Retrying in ")
    assert video.events.last().reason.startswith("Retrying in ")
    assert reload_video(video).move_to_front()
    wait_until(lambda: reload_video(video).is_active, "a person need not wait", within=30)


@pytest.mark.alone
def test_it_keeps_its_partial_file_when_the_worker_is_stopped(start_worker, media_server):
    first = start_worker("--workers", "1", env=ENVIRONMENT)
    video = wait_for_phase(media_server, "video")
    part = part_of(video)
    child_pids = descendants(first.pid)
    first.terminate()
    assert first.wait(5) == 0
    assert reload_video(video).status == Status.QUEUED
    assert part.stat().st_size > 100_000
    wait_until(lambda: not still_running(child_pids), "its download has ended")
    assert (reload_video(video).attempt, video.events.last().reason) == (2, "The worker was stopped")
    media_server.requests.clear()
    media_server.released.set()
    start_worker("--workers", "1", env=ENVIRONMENT)
    wait_until(lambda: reload_video(video).status == Status.COMPLETE, "it is complete")
    assert (settings.MEDIA_ROOT / reload_video(video).media_file).read_bytes() == media_server.clip
    assert media_server.requests[-1][2].startswith("bytes=")
    wait_until(lambda: workspace.list_ids() == [], "its folder is gone")


@pytest.mark.soak
def test_it_cancels_in_every_phase(start_worker, media_server, slow_ffmpeg):
    process = start_worker("--workers", "1", env=SHORT_LEASE_ENVIRONMENT | slow_ffmpeg)
    durations = []
    for _ in range(4):
        for phase in PHASE_PATHS:
            media_server.reset()
            video = wait_for_phase(media_server, phase)
            child_pids = download_pids(process)
            began = time.monotonic()
            assert reload_video(video).cancel()
            wait_until(
                lambda child_pids=child_pids: not still_running(child_pids),
                f"nothing is left of it while {phase}",
                within=2,
            )
            durations.append(time.monotonic() - began)
            wait_until(lambda: workspace.list_ids() == [], "its folder is gone", within=2)
            Video.objects.all().delete()
    median, worst = statistics.median(durations), max(durations)
    print(f"\n{len(durations)} cancels: {median:.2f} s in the middle, {worst:.2f} s at worst")  # noqa: T201


def test_it_divides_the_bandwidth_among_its_downloads(run_manage, media_server):
    rate = len(media_server.clip) // 2
    run_manage("work", "--workers", "2", env={**ENVIRONMENT, "YTARCHIVE_BANDWIDTH": str(rate)})
    urls = [media_server.url(f"/named/{n}.mp4") for n in range(2)]
    videos = [Video.objects.ingest(url, url)[0] for url in urls]
    wait_until(lambda: Video.objects.active().count() == 2, "both run")
    wait_until(lambda: all(reload_video(video).status == Status.COMPLETE for video in videos), "both are complete")
    started, filed = (
        VideoEvent.objects.filter(reason=reason).values_list("at", flat=True) for reason in ("Started", "Filed")
    )
    # Two clips at half a clip per second take 4 s, one 2 s; a part of the first may have come before the second began.
    assert (max(filed) - max(started)).total_seconds() > 3


# Frozen processes ----------------------------------------------------------------------------------


def test_a_frozen_child_and_a_frozen_ffmpeg_are_ended_and_tried_again(start_worker, media_server, slow_ffmpeg):
    """Stopped, as by SIGSTOP; the lease of each would be renewed for ever."""
    worker = start_worker("--workers", "2", env=ENVIRONMENT | slow_ffmpeg | {"YTARCHIVE_WATCHDOG_SECONDS": "3"})
    fetching = wait_for_phase(media_server, "video")
    (fetching_child,) = find_descendants(worker.pid, "manage.py download")
    os.kill(fetching_child, signal.SIGSTOP)
    merging = wait_for_phase(media_server, "merging")
    ffmpeg_pids: list[int] = []
    wait_until(lambda: ffmpeg_pids.extend(find_descendants(worker.pid, "readrate")) or ffmpeg_pids, "ffmpeg runs")
    merging_child = process_parents()[ffmpeg_pids[0]]
    os.kill(ffmpeg_pids[0], signal.SIGSTOP)

    reasons = {
        merging: "ffmpeg, or another program that processes the video, stopped responding for 3 s.",
        fetching: "The download’s process ended unexpectedly (no sign of life for 3 s). The worker’s log may say more.",
    }
    for video, reason in reasons.items():
        wait_until(
            lambda video=video, reason=reason: reason in " ".join(video.events.values_list("reason", flat=True)),
            "it is tried again, for this reason",
        )
    wait_until(lambda: not still_running({fetching_child, merging_child}), "both are gone")
