"""Everything killed at once, again and again: no row is lost, and what is in the library is whole.

What the kernel had not written yet survives a kill and not a power cut: against that files are synced before
they are filed away, and SQLite syncs each commit.
"""

import contextlib
import os
import random
import signal
import sqlite3
import time

import pytest

from downloads.files import ffmpeg
from downloads.tests.conftest import wait_until
from downloads.tests.support import versioned_files
from downloads.tests.support.processes import archive, descendants, living, words
from downloads.tests.system.test_worker_crashes import unique

pytestmark = pytest.mark.processes

ENV = {"YTARCHIVE_ALLOW_PRIVATE_HOSTS": "1", "YTARCHIVE_LEASE_SECONDS": "4", "YTARCHIVE_PER_HOST": "64"}
MIXED = 4  # one in so many videos is put together from two streams


@pytest.fixture
def shelf(monkeypatch):
    monkeypatch.setattr(versioned_files, "SHELF", versioned_files.Shelf())
    versioned_files.SHELF.rate = 500_000
    return versioned_files.SHELF


class House:
    """An archive, what it has said it took, and what of that is where."""

    def __init__(self, found, shelf, media_server):
        self.found = found
        self.shelf = shelf
        self.media_server = media_server
        self.taken = {}  # source (None: of two streams) by id
        self.whole = set()

    def ingest(self, count):
        """Have it take new videos; it says so by their ids."""
        sources = {}
        for number in range(len(self.taken), len(self.taken) + count):
            name = f"{number}.mp4" if number % MIXED else f"separate/index.m3u8?number={number}"
            data = unique(self.media_server.clip, number) if number % MIXED else None
            self.shelf.data[name] = data or b""
            sources[self.media_server.url(f"/version/{name}" if data else f"/{name}")] = data
        said = self.found.manage("ingest", *sources, **ENV).splitlines()
        assert len(said) == count
        self.taken |= {line.split()[0]: data for line, data in zip(said, sources.values(), strict=True)}

    def downloads(self):
        """Return the processes that download now."""
        found = set()
        for pid in descendants(self.found.pid):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                found |= {pid} if "manage.py download" in words(pid) else set()
        return found

    def cut(self):
        """Kill everything at once; how many downloads that were."""
        downloads = self.downloads()
        everything = {self.found.pid, *descendants(self.found.pid)}
        for pid in everything:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.found.process.wait()
        wait_until(lambda: not living(everything), 5, "nothing lives")
        return len(downloads)

    def rows(self):
        """Return (status, file) of each row by its id, from a database that is sound."""
        with contextlib.closing(sqlite3.connect(self.found.data / "db.sqlite3")) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            found = database.execute("SELECT video_id, status, media_file FROM downloads_video").fetchall()
        return {video_id: (status, file) for video_id, status, file in found}

    def judge(self):
        """Look at rows and files; return the ids whose files are there before their rows know."""
        rows, media = self.rows(), self.found.data / "media"
        assert self.taken.keys() == rows.keys()
        for video_id, (status, file) in rows.items():
            assert status in ("queued", "downloading", "processing", "complete"), video_id
            assert (status == "complete") == bool(file), video_id
        folders = {path.name for path in media.iterdir()}
        complete = {video_id for video_id, (_, file) in rows.items() if file}
        assert complete <= folders <= rows.keys()
        assert all((media / file).is_file() for _, file in rows.values() if file)
        for video_id in folders - self.whole:
            self.see_that_it_is_whole(video_id, media / video_id)
        self.whole |= complete
        return folders - complete

    def see_that_it_is_whole(self, video_id, folder):
        names = {path.suffix for path in folder.iterdir()}
        assert names == {".mp4", ".json", ".jpg"}, video_id
        (video,) = folder.glob("*.mp4")
        source = self.taken[video_id]
        assert video.read_bytes() == source if source else ffmpeg.validation_error(video) == "", video_id

    def count_of_filings(self):
        with contextlib.closing(sqlite3.connect(self.found.data / "db.sqlite3")) as database:
            return database.execute("SELECT count(*) FROM downloads_videoevent WHERE status = 'complete'").fetchone()[0]


def power_cuts(tmp_path, shelf, media_server, rounds, seed, longest):
    dice = random.Random(seed)
    with archive(tmp_path) as found:
        house = House(found, shelf, media_server)
        found.manage("migrate", "--verbosity", "0")
        killed, early = 0, 0
        for _ in range(rounds):
            house.ingest(3)
            found.start("up", "--port", "0", "--workers", "3", **ENV)
            if dice.random() < 0.8:
                wait_until(house.downloads, 30, "something is downloaded")
            # The moment is the fault: no event tells of it.
            time.sleep(dice.uniform(0, 2))
            killed += house.cut()
            early += len(house.judge())
        found.start("up", "--port", "0", "--workers", "3", **ENV)
        shelf.rate = 0
        wait_until(lambda: all(file for _, file in house.rows().values()), longest, "all are complete")
        wait_until(lambda: not any((found.data / "work").iterdir()), 10, "no work folder is left")
        assert found.stop() == 0
        assert house.judge() == set()
        assert house.count_of_filings() == len(house.taken)
        counts = f"{rounds} cuts, {killed} downloads killed, {len(house.taken)} videos, {early} files before their rows"
        print(f"\n{counts}")  # noqa: T201


@pytest.mark.soak
@pytest.mark.timeout(240)
def test_it_loses_nothing_when_the_power_fails(tmp_path, shelf, media_server):
    power_cuts(tmp_path, shelf, media_server, rounds=5, seed=1, longest=60)


@pytest.mark.soak
def test_it_loses_nothing_in_fifty_power_cuts(tmp_path, shelf, media_server):
    power_cuts(tmp_path, shelf, media_server, rounds=50, seed=2, longest=900)
