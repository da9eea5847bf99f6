"""A disk that is really full: a small one, in a mount namespace of its own, with the whole archive on it."""

import json
import shutil
import subprocess
import urllib.request
from pathlib import Path

import pytest

from downloads.tests.conftest import wait_until
from downloads.tests.support import versioned_files
from downloads.tests.support.processes import archive

pytestmark = pytest.mark.processes

MOUNT = 'mount -t tmpfs -o size=32m tmpfs "$0" && echo mounted && exec sleep 600'
LEFT = 6_000_000  # bytes, of which the archive keeps a third free
FILM = 12_000_000  # bytes
ENV = {"YTARCHIVE_ALLOW_PRIVATE_HOSTS": "1", "YTARCHIVE_MIN_FREE_BYTES": "2000000"}
ROWS = """
import json, sqlite3
print(json.dumps(sqlite3.connect("db.sqlite3").execute(
    "SELECT video_id, status, tries, attempt, media_file FROM downloads_video ORDER BY id").fetchall()))
"""


@pytest.fixture
def small_disk(tmp_path):
    """Mount one as the archive's data folder; yield what runs a command there, and the folder as seen from here."""
    data = tmp_path / "data"
    data.mkdir()
    holder = subprocess.Popen(
        ["unshare", "-Urm", "sh", "-c", MOUNT, data], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
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
def film(monkeypatch, media_server):
    monkeypatch.setattr(versioned_files, "SHELF", versioned_files.Shelf())
    versioned_files.SHELF.data["film.mp4"] = media_server.clip + (8 + FILM).to_bytes(4, "big") + b"free" + bytes(FILM)
    return media_server.url("/version/film.mp4")


@pytest.mark.soak
@pytest.mark.timeout(240)
def test_it_waits_for_room_and_loses_nothing(small_disk, tmp_path, media_server, film):
    within, disk = small_disk

    def rows():
        command = [*within, "sh", "-c", 'cd "$0" && exec python3 -c "$1"', tmp_path / "data", ROWS]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    with archive(tmp_path) as found:
        found.within = within
        found.start("up", "--port", "0", **ENV)
        page = found.await_ready()
        found.manage("ingest", media_server.url("/clip.mp4"), **ENV)
        wait_until(lambda: rows()[0][1] == "complete", 30, "there is one video")
        (disk / "ballast").write_bytes(bytes(shutil.disk_usage(disk).free - LEFT))
        found.manage("ingest", film, **ENV)
        found.await_line("No space left on device")
        wait_until(lambda: rows()[1][1:4] == ["queued", 0, 2], 15, "it waits, and has all its tries")
        assert b"The disk is" in read(page)
        assert read(f"{page}media/{rows()[0][0]}/video") == media_server.clip
        (disk / "ballast").unlink()
        wait_until(lambda: rows()[1][1] == "complete", 60, "it goes on")
        assert (disk / "media" / rows()[1][4]).read_bytes() == versioned_files.SHELF.data["film.mp4"]
        assert versioned_files.SHELF.of("film.mp4")[-1][0] > LEFT // 3, "it went on where it stood"
        assert b"The disk is" not in read(page)


def read(page):
    with urllib.request.urlopen(page, timeout=10) as answer:
        return answer.read()
