"""A full disk: a small tmpfs in a mount namespace of its own, with the whole archive on it."""

import json
import shutil
import subprocess
import urllib.request
from pathlib import Path

import pytest

from downloads.tests.support import file_versions
from downloads.tests.support.media_server import Answer
from downloads.tests.support.processes import temporary_archive
from downloads.tests.support.waiting import wait_until

pytestmark = pytest.mark.processes

MOUNT_SCRIPT = 'mount -t tmpfs -o size=32m tmpfs "$0" && echo mounted && exec sleep 600'
FREE_BYTES = 6_000_000  # bytes, of which the archive keeps a third free
FILM_BYTES = 12_000_000  # bytes
ENVIRONMENT = {"YTARCHIVE_ALLOW_PRIVATE_HOSTS": "1", "YTARCHIVE_MIN_FREE_BYTES": "2000000"}
READ_ROWS_PROGRAM = """
import json, sqlite3
print(json.dumps(sqlite3.connect("db.sqlite3").execute(
    "SELECT video_id, status, retry_count, attempt, media_file FROM downloads_video ORDER BY id").fetchall()))
"""


@pytest.fixture
def small_disk(tmp_path):
    """Mount a small disk as the data folder; yield the prefix of commands in its namespace, and its path outside."""
    data = tmp_path / "data"
    data.mkdir()
    holder = subprocess.Popen(
        ["unshare", "-Urm", "sh", "-c", MOUNT_SCRIPT, data], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    if holder.stdout.readline() != "mounted\n":
        # Not even with CI=true: it is the kernel that forbids it, and nothing can be installed.
        pytest.skip(f"no small disk can be mounted here: {holder.communicate()[1].strip()}")
    yield (
        ["nsenter", "-t", str(holder.pid), "-U", "-m", "--preserve-credentials"],
        Path(f"/proc/{holder.pid}/root{data}"),
    )
    holder.kill()
    holder.communicate()


@pytest.fixture
def film_url(monkeypatch, media_server):
    monkeypatch.setattr(file_versions, "FILES", file_versions.VersionedFiles())
    file_versions.FILES.data["film.mp4"] = (
        media_server.clip + (8 + FILM_BYTES).to_bytes(4, "big") + b"free" + bytes(FILM_BYTES)
    )
    return media_server.url("/version/film.mp4")


@pytest.mark.soak
@pytest.mark.timeout(240)
def test_it_waits_for_disk_space_and_loses_nothing(small_disk, tmp_path, media_server, film_url):
    command_prefix, disk = small_disk

    def rows():
        command = [*command_prefix, "sh", "-c", 'cd "$0" && exec python3 -c "$1"', tmp_path / "data", READ_ROWS_PROGRAM]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    with temporary_archive(tmp_path) as archive:
        archive.command_prefix = command_prefix
        archive.start("up", "--port", "0", **ENVIRONMENT)
        page = archive.await_ready()
        archive.manage("ingest", media_server.url("/clip.mp4"), **ENVIRONMENT)
        wait_until(lambda: rows()[0][1] == "complete", "there is one video")
        (disk / "ballast").write_bytes(bytes(shutil.disk_usage(disk).free - FREE_BYTES))
        archive.manage("ingest", film_url, **ENVIRONMENT)
        wait_until(lambda: b"Waiting for space in the work folder" in read_url(page), "it says what it waits for")
        assert rows()[1][1:3] == ["queued", 0], "it waits, and has all its tries"
        archive.manage("ingest", media_server.url("/clip.mp4?small"), **ENVIRONMENT)
        wait_until(lambda: rows()[2][1] == "complete", "a smaller one goes on")
        assert read_url(f"{page}media/{rows()[0][0]}/video") == media_server.clip
        (disk / "ballast").unlink()
        wait_until(lambda: rows()[1][1] == "complete", "it goes on")
        assert (disk / "media" / rows()[1][4]).read_bytes() == file_versions.FILES.data["film.mp4"]
        assert b"Waiting for room" not in read_url(page)


def read_url(page):
    with urllib.request.urlopen(page, timeout=10) as response:
        return response.read()


@pytest.mark.soak
@pytest.mark.timeout(240)
def test_what_a_check_finds_waits_for_disk_space(small_disk, tmp_path, media_server):
    command_prefix, disk = small_disk
    items = "".join(f"<item><title>{n}</title><link>{media_server.url(f'/named/{n}.mp4')}</link></item>" for n in "abc")
    media_server.answers["/films.rss"] = Answer(
        f'<?xml version="1.0"?><rss version="2.0"><channel><title>F</title>{items}</channel></rss>'.encode(),
        "application/rss+xml",
    )

    def statuses():
        command = [*command_prefix, "sh", "-c", 'cd "$0" && exec python3 -c "$1"', tmp_path / "data", READ_ROWS_PROGRAM]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return [status for _, status, *_ in json.loads(output)]

    with temporary_archive(tmp_path) as archive:
        archive.command_prefix = command_prefix
        archive.start("up", "--port", "0", **ENVIRONMENT)
        archive.await_ready()
        (disk / "ballast").write_bytes(bytes(shutil.disk_usage(disk).free - 1_500_000))
        archive.manage("subscribe", media_server.url("/films.rss"), "--all", **ENVIRONMENT)
        wait_until(lambda: len(statuses()) == 3, "what it found is queued")
        wait_until(lambda: "The disk is nearly full" in archive.output(), "the queue is held")
        assert statuses() == ["queued"] * 3, "they wait, and have all their tries"
        (disk / "ballast").unlink()
        wait_until(lambda: statuses() == ["complete"] * 3, "it goes on, and nothing is lost or doubled")
        assert " 3/3 " in archive.manage("subscriptions", **ENVIRONMENT)
