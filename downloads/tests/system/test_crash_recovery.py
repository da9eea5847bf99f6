"""Recovery when everything is killed at once: no row is lost, and all files in the library are complete.

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
from downloads.tests.support import file_versions
from downloads.tests.support.clips import unique_clip
from downloads.tests.support.processes import descendants, find_descendants, still_running, temporary_archive
from downloads.tests.support.waiting import wait_until

pytestmark = pytest.mark.processes

ENVIRONMENT = {"YTARCHIVE_ALLOW_PRIVATE_HOSTS": "1", "YTARCHIVE_LEASE_SECONDS": "4", "YTARCHIVE_PER_HOST": "64"}
ONE_IN_N_WITH_SEPARATE_STREAMS = 4  # one in so many videos is merged from two streams


@pytest.fixture
def throttled_files(monkeypatch):
    monkeypatch.setattr(file_versions, "FILES", file_versions.VersionedFiles())
    file_versions.FILES.rate = 500_000
    return file_versions.FILES


class ArchiveUnderTest:
    """An archive, the videos that it has accepted, and those whose files were verified."""

    def __init__(self, archive, throttled_files, media_server):
        self.archive = archive
        self.throttled_files = throttled_files
        self.media_server = media_server
        self.sources_by_id = {}  # source (None: of two streams) by id
        self.verified_ids = set()

    def ingest(self, count):
        """Ingest new videos; the command prints their ids."""
        sources = {}
        for number in range(len(self.sources_by_id), len(self.sources_by_id) + count):
            name = (
                f"{number}.mp4" if number % ONE_IN_N_WITH_SEPARATE_STREAMS else f"separate/index.m3u8?number={number}"
            )
            data = unique_clip(self.media_server.clip, number) if number % ONE_IN_N_WITH_SEPARATE_STREAMS else None
            self.throttled_files.data[name] = data or b""
            sources[self.media_server.url(f"/version/{name}" if data else f"/{name}")] = data
        printed_lines = self.archive.manage("ingest", *sources, **ENVIRONMENT).splitlines()
        assert len(printed_lines) == count
        self.sources_by_id |= {
            line.split()[0]: data for line, data in zip(printed_lines, sources.values(), strict=True)
        }

    def downloads(self):
        """Return the processes that download now."""
        return find_descendants(self.archive.pid, "manage.py download")

    def kill_everything(self):
        """Kill everything at once; return how many downloads that were."""
        downloads = self.downloads()
        pids = {self.archive.pid, *descendants(self.archive.pid)}
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.archive.process.wait()
        wait_until(lambda: not still_running(pids), "nothing lives")
        return len(downloads)

    def rows(self):
        """Return (status, file) of each row by its id, from a database that passes its integrity check."""
        with contextlib.closing(sqlite3.connect(self.archive.data / "db.sqlite3")) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            rows = database.execute("SELECT video_id, status, media_file FROM downloads_video").fetchall()
        return {video_id: (status, file) for video_id, status, file in rows}

    def check_library(self):
        """Check rows and files; return the ids of stored files whose rows are not complete yet."""
        rows, media = self.rows(), self.archive.data / "media"
        assert self.sources_by_id.keys() == rows.keys()
        for video_id, (status, file) in rows.items():
            assert status in ("queued", "downloading", "processing", "complete"), video_id
            assert (status == "complete") == bool(file), video_id
        folders = {path.name for path in media.iterdir()}
        complete = {video_id for video_id, (_, file) in rows.items() if file}
        assert complete <= folders <= rows.keys()
        assert all((media / file).is_file() for _, file in rows.values() if file)
        for video_id in folders - self.verified_ids:
            self.check_video_files(video_id, media / video_id)
        self.verified_ids |= complete
        return folders - complete

    def check_video_files(self, video_id, folder):
        names = {path.suffix for path in folder.iterdir()}
        assert names == {".mp4", ".json", ".jpg"}, video_id
        (video,) = folder.glob("*.mp4")
        source = self.sources_by_id[video_id]
        assert video.read_bytes() == source if source else ffmpeg.validation_error(video) == "", video_id

    def count_completions(self):
        with contextlib.closing(sqlite3.connect(self.archive.data / "db.sqlite3")) as database:
            return database.execute("SELECT count(*) FROM downloads_videoevent WHERE status = 'complete'").fetchone()[0]


def kill_repeatedly(tmp_path, throttled_files, media_server, rounds, seed, longest):
    rng = random.Random(seed)
    with temporary_archive(tmp_path) as archive:
        harness = ArchiveUnderTest(archive, throttled_files, media_server)
        archive.manage("migrate", "--verbosity", "0")
        killed_downloads, files_before_rows = 0, 0
        for _ in range(rounds):
            harness.ingest(3)
            archive.start("up", "--port", "0", "--workers", "3", **ENVIRONMENT)
            if rng.random() < 0.8:
                wait_until(harness.downloads, "something is downloaded")
            # The kill comes at a random moment, which no event marks.
            time.sleep(rng.uniform(0, 2))
            killed_downloads += harness.kill_everything()
            files_before_rows += len(harness.check_library())
        archive.start("up", "--port", "0", "--workers", "3", **ENVIRONMENT)
        throttled_files.rate = 0
        wait_until(lambda: all(file for _, file in harness.rows().values()), "all are complete", within=longest)
        wait_until(lambda: not any((archive.data / "work").iterdir()), "no work folder is left")
        assert archive.stop() == 0
        assert harness.check_library() == set()
        assert harness.count_completions() == len(harness.sources_by_id)
        counts = f"{rounds} cuts, {killed_downloads} downloads killed, {len(harness.sources_by_id)} videos"
        counts += f", {files_before_rows} files before their rows"
        print(f"\n{counts}")  # noqa: T201


@pytest.mark.soak
@pytest.mark.timeout(240)
def test_it_loses_nothing_when_everything_is_killed(tmp_path, throttled_files, media_server):
    kill_repeatedly(tmp_path, throttled_files, media_server, rounds=5, seed=1, longest=60)


@pytest.mark.soak
def test_it_loses_nothing_in_fifty_kills(tmp_path, throttled_files, media_server):
    kill_repeatedly(tmp_path, throttled_files, media_server, rounds=50, seed=2, longest=900)
