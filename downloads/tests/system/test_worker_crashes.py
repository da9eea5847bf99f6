"""Workers killed at random: nothing is lost, nothing is fetched twice, every file is what the server has."""

import math
import random
import signal
import time

import pytest
from django.conf import settings

from downloads.models import Status, Video, VideoEvent
from downloads.tests.support.clips import unique_clip

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.processes,
    pytest.mark.usefixtures("empty_data_folders"),
]

LEASE_SECONDS = 4
ENVIRONMENT = {"YTARCHIVE_ALLOW_PRIVATE_HOSTS": "1", "YTARCHIVE_PER_HOST": "64"}
SHORT_LEASE_ENVIRONMENT = {**ENVIRONMENT, "YTARCHIVE_LEASE_SECONDS": str(LEASE_SECONDS)}


class WorkerPool:
    """Workers that are killed, terminated or paused, and replaced."""

    def __init__(self, manage, env, places):
        self.start_worker = lambda: manage("work", "--workers", str(places), env=env)
        self.workers = []
        self.faults = {"killed": 0, "ended": 0, "stopped": 0}
        self.paused = {}

    def fill(self, count):
        while len(self.workers) - len(self.paused) < count:
            self.workers.append(self.start_worker())

    def disrupt(self, rng):
        """Kill, terminate or pause one of them."""
        worker = rng.choice([worker for worker in self.workers if worker not in self.paused])
        fault = rng.choices(["killed", "ended", "stopped"], [6, 2, 2])[0]
        self.faults[fault] += 1
        if fault == "stopped":
            worker.send_signal(signal.SIGSTOP)
            self.paused[worker] = time.monotonic()
            return
        worker.send_signal(signal.SIGKILL if fault == "killed" else signal.SIGTERM)
        self.workers.remove(worker)

    def resume(self, after):
        """Resume those that have been paused for `after` seconds."""
        for worker, paused_at in list(self.paused.items()):
            if time.monotonic() - paused_at >= after:
                worker.send_signal(signal.SIGCONT)
                del self.paused[worker]


def fill_the_queue(versioned_files, media_server, count):
    for number in range(count):
        name = f"{number}.mp4"
        versioned_files.data[name] = unique_clip(media_server.clip, number)
        url = media_server.url(f"/version/{name}")
        Video.objects.ingest(url, url)


def disrupt_until_done(pool, rng, seconds_between, workers, longest, max_faults):
    """Disrupt workers until all videos have ended, `max_faults` times at most."""
    deadline = time.monotonic() + longest
    ended = Video.objects.filter(status__in=(Status.COMPLETE, Status.FAILED, Status.CANCELLED))
    count = Video.objects.count()
    while ended.count() < count:
        assert time.monotonic() < deadline, f"{ended.count()} of {count} after {longest} s"
        pool.fill(workers)
        pause = time.monotonic() + rng.uniform(*seconds_between)
        while time.monotonic() < pause and ended.count() < count:
            time.sleep(0.1)
        # Past their leases: others have their videos by then.
        pool.resume(2 * LEASE_SECONDS)
        if ended.count() < count and sum(pool.faults.values()) < max_faults:
            pool.disrupt(rng)
    pool.resume(0)


def assert_all_complete(versioned_files):
    """Every video is complete and its source's bytes; none was fetched from the start after it had got anywhere."""
    for video in Video.objects.all():
        name = video.url.rpartition("/")[2]
        assert (video.status, video.error) == (Status.COMPLETE, ""), name
        source = versioned_files.data[name]
        assert (settings.MEDIA_ROOT / video.media_file).read_bytes() == source
        long_answer_starts = [first for first, sent in versioned_files.downloads_of(name) if sent > len(source) // 3]
        assert long_answer_starts.count(0) <= 1, (name, versioned_files.served)
    finished = VideoEvent.objects.filter(status=Status.COMPLETE).values_list("public_id", flat=True)
    assert len(finished) == len(set(finished)) == Video.objects.count()


def run_with_disruptions(
    versioned_files, media_server, manage, seed, videos, rate, between, longest, workers=4, max_faults=math.inf
):
    rng = random.Random(seed)
    versioned_files.rate = rate
    fill_the_queue(versioned_files, media_server, videos)
    pool = WorkerPool(manage, SHORT_LEASE_ENVIRONMENT, places=2)
    began = time.monotonic()
    disrupt_until_done(pool, rng, between, workers, longest, max_faults)
    assert_all_complete(versioned_files)
    served = sum(versioned_files.bytes_of(name) for name in versioned_files.data) / sum(
        map(len, versioned_files.data.values())
    )
    took = time.monotonic() - began
    print(f"\n{videos} videos, {pool.faults}, {took:.0f} s, {served:.2f} times the bytes served")  # noqa: T201


@pytest.mark.timeout(240)
def test_it_loses_nothing_when_workers_are_killed_at_random(versioned_files, media_server, run_manage, redis_server):
    run_with_disruptions(
        versioned_files,
        media_server,
        run_manage,
        4,
        videos=3,
        rate=600_000,
        between=(2, 4),
        longest=220,
        workers=2,
        max_faults=12,
    )


@pytest.mark.soak
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_loses_none_of_two_hundred_videos(versioned_files, media_server, run_manage, redis_server, seed):
    run_with_disruptions(
        versioned_files, media_server, run_manage, seed, videos=200, rate=500_000, between=(2, 6), longest=1500
    )
