"""Workers killed at random: nothing is lost, nothing is fetched twice, every file is what the server has."""

import random
import shutil
import signal
import time

import pytest
from django.conf import settings

from downloads.models import Status, Video, VideoEvent
from downloads.tests.support import versioned_files

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

LEASE = 4
ENV = {"YTARCHIVE_ALLOW_PRIVATE_HOSTS": "1", "YTARCHIVE_PER_HOST": "64"}
QUICK = {**ENV, "YTARCHIVE_LEASE_SECONDS": str(LEASE)}


@pytest.fixture(autouse=True)
def empty_rooms():
    yield
    for root in (settings.WORK_ROOT, settings.MEDIA_ROOT):
        shutil.rmtree(root)
        root.mkdir()


@pytest.fixture
def shelf(monkeypatch):
    monkeypatch.setattr(versioned_files, "SHELF", versioned_files.Shelf())
    return versioned_files.SHELF


class Crew:
    """Workers that are killed, ended or stopped in their tracks, and replaced."""

    def __init__(self, manage, env, places):
        self.start_one = lambda: manage("work", "--workers", str(places), env=env)
        self.workers = []
        self.faults = {"killed": 0, "ended": 0, "stopped": 0}
        self.asleep = {}

    def fill(self, count):
        while len(self.workers) - len(self.asleep) < count:
            self.workers.append(self.start_one())

    def strike(self, dice):
        """Do something bad to one of them."""
        worker = dice.choice([worker for worker in self.workers if worker not in self.asleep])
        how = dice.choices(["killed", "ended", "stopped"], [6, 2, 2])[0]
        self.faults[how] += 1
        if how == "stopped":
            worker.send_signal(signal.SIGSTOP)
            self.asleep[worker] = time.monotonic()
            return
        worker.send_signal(signal.SIGKILL if how == "killed" else signal.SIGTERM)
        self.workers.remove(worker)

    def wake(self, after):
        """Wake those that have slept for so long."""
        for worker, since in list(self.asleep.items()):
            if time.monotonic() - since >= after:
                worker.send_signal(signal.SIGCONT)
                del self.asleep[worker]


def unique(clip, number):
    """Return a clip of its own: the same picture, and a box that players skip."""
    return clip + (8 + 16).to_bytes(4, "big") + b"free" + number.to_bytes(16, "big")


def fill_the_queue(shelf, media_server, count):
    for number in range(count):
        name = f"{number}.mp4"
        shelf.data[name] = unique(media_server.clip, number)
        url = media_server.url(f"/version/{name}")
        Video.objects.ingest(url, url)


def rage(crew, dice, seconds_between, workers, longest):
    """Strike until all is done."""
    deadline = time.monotonic() + longest
    ended = Video.objects.filter(status__in=(Status.COMPLETE, Status.FAILED, Status.CANCELLED))
    count = Video.objects.count()
    while ended.count() < count:
        assert time.monotonic() < deadline, f"{ended.count()} of {count} after {longest} s"
        crew.fill(workers)
        pause = time.monotonic() + dice.uniform(*seconds_between)
        while time.monotonic() < pause and ended.count() < count:
            time.sleep(0.1)
        # Past their leases: others have their videos by then.
        crew.wake(2 * LEASE)
        if ended.count() < count:
            crew.strike(dice)
    crew.wake(0)


def judge(shelf):
    """Every video is complete and its source's bytes; none was fetched from the start after it had got anywhere."""
    for video in Video.objects.all():
        name = video.url.rpartition("/")[2]
        assert (video.status, video.error) == (Status.COMPLETE, ""), name
        source = shelf.data[name]
        assert (settings.MEDIA_ROOT / video.media_file).read_bytes() == source
        long = [first for first, sent in shelf.of(name) if sent > len(source) // 3]
        assert long.count(0) <= 1, (name, shelf.of(name))
    finished = VideoEvent.objects.filter(status=Status.COMPLETE).values_list("public_id", flat=True)
    assert len(finished) == len(set(finished)) == Video.objects.count()


def storm(shelf, media_server, manage, seed, videos, rate, between, longest, env=QUICK):
    dice = random.Random(seed)
    shelf.rate = rate
    fill_the_queue(shelf, media_server, videos)
    crew = Crew(manage, env, places=2)
    began = time.monotonic()
    rage(crew, dice, between, 4, longest)
    judge(shelf)
    served = sum(shelf.bytes_of(name) for name in shelf.data) / sum(map(len, shelf.data.values()))
    took = time.monotonic() - began
    print(f"\n{videos} videos, {crew.faults}, {took:.0f} s, {served:.2f} times the bytes served")  # noqa: T201


@pytest.mark.timeout(240)
def test_it_loses_nothing_when_workers_are_killed_at_random(shelf, media_server, manage, redis_server):
    storm(shelf, media_server, manage, 4, videos=8, rate=600_000, between=(2, 4), longest=220)


@pytest.mark.soak
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_loses_none_of_two_hundred(shelf, media_server, manage, redis_server, seed):
    storm(shelf, media_server, manage, seed, videos=200, rate=500_000, between=(2, 6), longest=1500)
