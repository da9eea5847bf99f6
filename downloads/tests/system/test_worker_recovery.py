"""Workers that die in each phase, sites that fall silent, and cancels: how long it takes until it is put right."""

import os
import re
import shutil
import signal
import statistics
import time

import imageio_ffmpeg
import pytest
from django.conf import settings
from django.utils.html import strip_tags

from downloads import formatting
from downloads.files import workspace
from downloads.models import Status, Video
from downloads.tests.conftest import wait_until
from downloads.tests.support.processes import descendants, living

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

ENV = {"YTARCHIVE_ALLOW_PRIVATE_HOSTS": "1"}
LEASE = 4
QUICK = {**ENV, "YTARCHIVE_LEASE_SECONDS": str(LEASE)}
# Where a download is caught in each phase.
PHASES = {
    "looking up": "/mute/a.mp4",
    "video": "/slow/a.mp4?rate=150000",
    "audio": "/slowhls/index.m3u8?rate=9000&of=separate&only=audio",
    "merging": "/separate/index.m3u8",
    "filing": "/clip.mp4",
}
# The real command, which at this step of the claim does one thing more.
STEP = """
import os, signal
from django.core.management import call_command
from downloads.worker.supervisor import Supervisor
start = Supervisor._start_download
def step(worker, video):
    {}
Supervisor._start_download = step
call_command("work", "--workers", "1")
"""
BEFORE_THE_CHILD = STEP.format("os.kill(os.getpid(), signal.SIGKILL)")
WITH_THE_CHILD = STEP.format(
    "start(worker, video); print(worker._downloads[0]._process.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
)
ASLEEP_BEFORE_THE_CHILD = STEP.format(
    "Supervisor._start_download = start; os.kill(os.getpid(), signal.SIGSTOP); return start(worker, video)"
)


@pytest.fixture(autouse=True)
def empty_rooms(redis_server):
    yield
    for root in (settings.WORK_ROOT, settings.MEDIA_ROOT):
        shutil.rmtree(root)
        root.mkdir()


@pytest.fixture
def slow_ffmpeg(tmp_path):
    """Put an ffmpeg on PATH that reads in real time where it merges and checks."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script, real = folder / "ffmpeg", imageio_ffmpeg.get_ffmpeg_exe()
    slow = f'*.f*|*"-f null"*) exec "{real}" -readrate 0.5 "$@";;'
    script.write_text(f'#!/bin/sh\ncase "$*" in {slow} esac\nexec "{real}" "$@"\n')
    script.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


@pytest.fixture
def work(manage):
    def start(env):
        process = manage("work", "--workers", "1", env=env)
        wait_until(lambda: "ytarchive worker: ready" in process.log.read_text(), 20, "the worker is ready")
        return process

    return start


def caught(media_server, phase):
    """Queue a video, and return it when a worker has it in this phase."""
    url = media_server.url(PHASES[phase])
    video, _ = Video.objects.ingest(url, url)
    wait_until(lambda: Video.objects.filter(pk=video.pk, phase=phase).exists(), 60, f"it is {phase}")
    if phase == "looking up":
        media_server.wait_for(PHASES[phase])
    return video


def fresh(video):
    return Video.objects.get(pk=video.pk)


def rescue(work, media_server, env, phase, longest):
    """Kill a worker in a phase; return the seconds until another has its video."""
    first = work(env)
    video = caught(media_server, phase)
    below = descendants(first.pid)
    work(env)
    began = time.monotonic()
    first.kill()
    wait_until(lambda: not living(below), 5, "its children died with it")
    wait_until(lambda: fresh(video).attempt == 2 and fresh(video).is_active, longest, "another has it")
    took = time.monotonic() - began
    print(f"\nkilled while {phase}: downloading again after {took:.1f} s")  # noqa: T201
    media_server.let_go.set()
    return video


@pytest.mark.parametrize("phase", ["video", "filing"])
def test_it_is_rescued_from_a_killed_worker(work, media_server, slow_ffmpeg, phase):
    video = rescue(work, media_server, QUICK | slow_ffmpeg, phase, LEASE * 1.5)
    if phase == "video":
        wait_until(lambda: fresh(video).status == Status.COMPLETE, 30, "it is complete")
        assert (settings.MEDIA_ROOT / fresh(video).media_file).read_bytes() == media_server.clip
        starts = [wanted for _, path, wanted in media_server.requests if path.startswith("/slow/")]
        assert starts[-1].startswith("bytes=")
        assert starts[-1] != "bytes=0-"


@pytest.mark.soak
@pytest.mark.parametrize("phase", PHASES)
def test_it_is_rescued_within_45_seconds_from_every_phase(work, media_server, slow_ffmpeg, phase):
    rescue(work, media_server, ENV | slow_ffmpeg, phase, 45)


def rescue_of_a_claim(manage, work, media_server, env, step, longest):
    """Kill a worker as it claims; another has the video, once."""
    url = media_server.url("/named/a.mp4")
    video, _ = Video.objects.ingest(url, url)
    first = manage("shell", "-c", step, env=env)
    assert first.wait(20) == -signal.SIGKILL
    began = time.monotonic()
    assert (fresh(video).status, fresh(video).attempt) == (Status.DOWNLOADING, 1)
    if step == WITH_THE_CHILD:
        child = int(re.search(r"^\d+$", first.log.read_text(), re.MULTILINE)[0])
        wait_until(lambda: not living({child}), 5, "its child died with it")
    work(env)
    wait_until(lambda: fresh(video).status == Status.COMPLETE, longest, "another had it")
    print(f"\nkilled at the claim: complete after {time.monotonic() - began:.1f} s")  # noqa: T201
    reasons = list(video.events.values_list("reason", flat=True))
    assert reasons == ["Added", "Started", "The worker stopped answering", "Started", "Found", "Fetched", "Filed"]
    assert (settings.MEDIA_ROOT / fresh(video).media_file).read_bytes() == media_server.clip


@pytest.mark.parametrize("step", [BEFORE_THE_CHILD, WITH_THE_CHILD], ids=["before", "with"])
def test_it_is_rescued_from_a_worker_killed_at_its_claim(manage, work, media_server, step):
    rescue_of_a_claim(manage, work, media_server, QUICK, step, 3 * LEASE)


@pytest.mark.soak
@pytest.mark.parametrize("step", [BEFORE_THE_CHILD, WITH_THE_CHILD], ids=["before", "with"])
def test_it_is_rescued_within_45_seconds_from_a_claim(manage, work, media_server, step):
    rescue_of_a_claim(manage, work, media_server, ENV, step, 45)


def test_it_starts_nothing_when_it_slept_between_claim_and_child(manage, work, media_server):
    first = manage("shell", "-c", ASLEEP_BEFORE_THE_CHILD, env=QUICK)
    path = "/slow/a.mp4?rate=50000"
    video, _ = Video.objects.ingest(media_server.url(path), media_server.url(path))
    wait_until(lambda: fresh(video).is_active, 20, "it is claimed")
    work(QUICK)
    wait_until(lambda: fresh(video).attempt == 2 and fresh(video).is_active, 3 * LEASE, "another has it")
    media_server.wait_for(path, 2)
    first.send_signal(signal.SIGCONT)
    other, _ = Video.objects.ingest(media_server.url("/named/b.mp4"), media_server.url("/named/b.mp4"))
    # The one place of the woken worker, which its late child of the first video had.
    wait_until(lambda: fresh(other).status == Status.COMPLETE, 15, "it has taken the next one")
    assert (fresh(video).status, fresh(video).attempt) == (Status.DOWNLOADING, 2)
    assert media_server.asked_for(path) == 2
    media_server.let_go.set()
    wait_until(lambda: fresh(video).status == Status.COMPLETE, 30, "it is complete")
    assert video.events.filter(status=Status.COMPLETE).count() == 1


def test_it_is_fenced_out_when_it_slept_through_its_lease(work, media_server):
    first = work(QUICK)
    video = caught(media_server, "video")
    below = descendants(first.pid)
    work(QUICK)
    first.send_signal(signal.SIGSTOP)
    try:
        wait_until(lambda: fresh(video).attempt == 2 and fresh(video).is_active, 3 * LEASE, "another has it")
        wait_until(lambda: not living(below), 5, "its download ended before that")
    finally:
        first.send_signal(signal.SIGCONT)
    media_server.let_go.set()
    wait_until(lambda: fresh(video).status == Status.COMPLETE, 30, "it is complete")
    assert (fresh(video).attempt, video.events.filter(status=Status.COMPLETE).count()) == (2, 1)
    assert (settings.MEDIA_ROOT / fresh(video).media_file).read_bytes() == media_server.clip


def test_it_breaks_off_a_site_that_sends_nothing(work, media_server):
    work({**ENV, "YTARCHIVE_STALL_SECONDS": "3", "YTARCHIVE_RETRY_SECONDS": "60"})
    video = caught(media_server, "looking up")
    wait_until(lambda: fresh(video).tries == 1, 15, "it waits for another try")
    assert fresh(video).status == Status.QUEUED
    assert strip_tags(formatting.retry_message(fresh(video))).startswith("Retrying in ")
    assert video.events.last().reason.startswith("Retrying in ")
    assert fresh(video).move_to_front()
    wait_until(lambda: fresh(video).is_active, 5, "a person need not wait")


def test_it_keeps_its_part_when_the_worker_is_stopped(work, media_server):
    first = work(ENV)
    video = caught(media_server, "video")
    part = settings.WORK_ROOT / video.video_id / "media.mp4.part"
    wait_until(lambda: part.is_file() and part.stat().st_size > 100_000, 15, "some of it is here")
    began = time.monotonic()
    first.terminate()
    assert first.wait(5) == 0
    assert time.monotonic() - began < 5
    assert fresh(video).status == Status.QUEUED
    assert part.stat().st_size > 100_000
    media_server.requests.clear()
    media_server.let_go.set()
    work(ENV)
    wait_until(lambda: fresh(video).status == Status.COMPLETE, 20, "it is complete")
    assert (settings.MEDIA_ROOT / fresh(video).media_file).read_bytes() == media_server.clip
    assert media_server.requests[-1][2].startswith("bytes=")
    wait_until(lambda: workspace.list_ids() == [], 5, "its folder is gone")


@pytest.mark.soak
def test_it_cancels_in_every_phase(work, media_server, slow_ffmpeg):
    process = work(QUICK | slow_ffmpeg)
    took = []
    for _ in range(4):
        for phase in PHASES:
            media_server.fresh()
            video = caught(media_server, phase)
            below = descendants(process.pid)
            began = time.monotonic()
            assert fresh(video).cancel()
            wait_until(lambda below=below: not living(below), 2, f"nothing is left of it while {phase}")
            took.append(time.monotonic() - began)
            wait_until(lambda: workspace.list_ids() == [], 2, "its folder is gone")
            Video.objects.all().delete()
    median, worst = statistics.median(took), max(took)
    print(f"\n{len(took)} cancels: {median:.2f} s in the middle, {worst:.2f} s at worst")  # noqa: T201


def test_it_divides_the_bandwidth_among_its_downloads(manage, media_server):
    rate = len(media_server.clip) // 2
    manage("work", "--workers", "2", env={**ENV, "YTARCHIVE_BANDWIDTH": str(rate)})
    urls = [media_server.url(f"/named/{n}.mp4") for n in range(2)]
    videos = [Video.objects.ingest(url, url)[0] for url in urls]
    wait_until(lambda: Video.objects.active().count() == 2, 20, "both run")
    began = time.monotonic()
    wait_until(lambda: all(fresh(video).status == Status.COMPLETE for video in videos), 30, "both are complete")
    # Two clips at half a clip per second, and what the look-ups took.
    assert time.monotonic() - began > 3.5
