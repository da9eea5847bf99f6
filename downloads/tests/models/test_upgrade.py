"""Upgrades of a database and a data folder of an earlier version, without loss of data."""

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import tarfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from benchmarks.library import postgres
from downloads.accounts.permissions import ROLES
from downloads.database import schema
from downloads.tests.support import required_programs
from downloads.tests.support.ports import free_port
from downloads.tests.support.processes import wait_until_answered

pytestmark = pytest.mark.processes

# Made by version 6738b7a with the tests' media server: `prepare`, `ingest`, and `work` until all had ended; then one
# that waits for a retry, and three that were added while no worker ran. Without its static files and secret key.
DATA_FOLDER = Path(__file__).parents[1] / "support" / "data_before_restructure.tar.gz"
LAST_MIGRATION = max(schema.known_migrations()["downloads"])
PASSWORD = "made by the version before"
PAGE, PLAYLIST, FAILED, SUBTITLED = "Dwb37yxh2Mt", "E9jXRfZMsLB", "WqTKCGZCv7Y", "P2nepSRC4uL"
RETRYING, WAITING, INSISTED, CANCELLED = "nGpayfg85b5", "C9uwj8CEzHX", "L2PdTHrzq5w", "fXJtX3rnFTf"

# Migrates to an earlier migration and inserts its rows; with "indexed" also their search index entries.
FILL = """
import django, sys
django.setup()
from types import SimpleNamespace
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from downloads.search import backend, document
target = ("downloads", sys.argv[1])
MigrationExecutor(connection).migrate([target])
apps = MigrationExecutor(connection).loader.project_state([target]).apps
Video, VideoEvent, Queue = (apps.get_model("downloads", name) for name in ("Video", "VideoEvent", "Queue"))
def create(name, **fields):
    url = f"http://a.example/{name}"
    return Video.objects.create(video_id=name, url=url, canonical_url=url, host="a.example", **fields)
playlist = create("playlist", title="Many films", status="complete", is_list=True)
file = settings.MEDIA_ROOT / "film" / "film.en.vtt"
file.parent.mkdir(parents=True, exist_ok=True)
file.write_text("WEBVTT\\n\\n00:00.000 --> 00:02.000\\nSpoken aloud\\n")
film = create(
    "film", title="Ünder the sea", uploader="Jacques", description="A silent world", status="complete", size=10,
    duration=2.5, media_file="film/film.mp4", parent=playlist, subtitles="en,de",
    tracks=[{"language": "en", "file": "film/film.en.vtt"}],
)
song = create("song", title="A song", status="complete", media_file="song/song.opus", size=5)
failed = create("failed", status="failed", tries=3, attempt=4, error="Gone", insists=True)
create("waiting", tries=1, subtitles="fr", quality="audio")
for video in (playlist, film, song, failed):
    VideoEvent.objects.create(video=video, public_id=video.video_id, status=video.status, reason="As it was")
Queue.objects.create(pk=1, paused=True, reason="Paused by ann")
apps.get_model("auth", "Group").objects.create(name="editor")
apps.get_model("auth", "User").objects.create(username="ann")
if "indexed" in sys.argv:
    search = backend.get_backend()
    for video in Video.objects.all():
        fields = {name: getattr(video, name) for name in ("title", "url", "uploader", "description")}
        words = document.build_document(SimpleNamespace(pk=video.pk, subtitle_files=video.tracks, **fields))
        with connection.cursor() as cursor:
            cursor.execute(search.UPSERT_SQL, [video.pk, *search.column_values(words)])
"""
# Reads everything through the current models.
READ = """
import django, json
django.setup()
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection
from downloads.models import Queue, Video, VideoEvent
from downloads.search.query import find_matching, parse_query
FIELDS = (
    "status", "kind", "sort_title", "allow_duplicate", "retry_count", "subtitle_files", "subtitle_languages",
    "parent__video_id", "attempt", "error", "size", "media_file",
)
# Django's introspection cannot read the generated columns of SQLite.
INDEXES = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'index'",
    "postgresql": "SELECT indexname, indexdef FROM pg_indexes",
}
with connection.cursor() as cursor:
    cursor.execute(INDEXES[connection.vendor])
    indexes = dict(cursor.fetchall())
names = dict(Video.objects.values_list("pk", "video_id"))
def search(text):
    return [names[pk] for pk in find_matching(parse_query(text))]
before = {text: search(text) for text in ("under sea", "jacques", "silent", "spoken", "s", "example", "film")}
videos = {row.pop("video_id"): row for row in Video.objects.values("video_id", *FIELDS)}
Video.objects.filter(video_id="song").update(title="Zebra", media_file="song/song.mp4")
changed = Video.objects.values_list("kind", "sort_title").get(video_id="song")
Video.objects.filter(video_id="waiting")._raw_delete("default")
with connection.cursor() as cursor:
    cursor.execute("SELECT count(*) FROM downloads_search")
    indexed = cursor.fetchone()[0]
print(json.dumps({
    "videos": videos, "search": before, "changed": changed, "indexed": indexed,
    "events": VideoEvent.objects.filter(video__isnull=False, reason="As it was").count(),
    "queue": str(Queue.get_or_default()),
    "permissions": sorted(get_user_model().objects.get(username="ann").get_all_permissions()),
    "roles": {group.name: group.permissions.count() for group in Group.objects.all()},
    "missing indexes": [index.name for index in Video._meta.indexes if index.name not in indexes],
    "by title": indexes["downloads_by_title"],
}))
"""


# Rows as 0008 wrote them: fragments left out of the canonical URL, and words in Hangul indexed as wholes only.
FILL_0008 = """
import django
django.setup()
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from downloads.search import backend, tokenizer
target = ("downloads", "0008_field_names")
MigrationExecutor(connection).migrate([target])
Video = MigrationExecutor(connection).loader.project_state([target]).apps.get_model("downloads", "Video")
search = backend.get_backend()
ROWS = {
    "route": ("https://a.example/#/film/1", "https://a.example/", "대한민국"),
    "plain": ("https://b.example/%c3%a4", "https://b.example/%c3%a4", "Plain"),
    "newer": ("https://b.example/ä", "https://b.example/%C3%A4", "Newer"),
    "private": ("http://127.0.0.1/#/film", "http://127.0.0.1/", "iPhone케이스"),
}
for name, (url, canonical_url, title) in ROWS.items():
    video = Video.objects.create(video_id=name, url=url, canonical_url=canonical_url, title=title, status="complete")
    with connection.cursor() as cursor:
        cursor.execute(search.UPSERT_SQL, [video.pk, *search.column_values([[tokenizer.fold_text(title)], [], [], []])])
"""
READ_URLS = """
import django, json
django.setup()
from downloads.models import Video
from downloads.search.query import find_matching, parse_query
def search(text):
    return list(Video.objects.filter(pk__in=find_matching(parse_query(text))).values_list("video_id", flat=True))
found = {text: search(text) for text in ("민국", "케이스", "iphone", "plain")}
rows = Video.objects.filter(video_id__in=["route", "plain", "newer", "private"])
urls = dict(rows.values_list("video_id", "canonical_url"))
outcomes = [Video.objects.ingest(url, url)[1] for url in ("https://a.example/#/film/1", "https://a.example/#/film/2")]
Video.objects.filter(video_id="route")._raw_delete("default")
print(json.dumps({"found": found, "urls": urls, "added": outcomes, "deleted": search("민국")}))
"""


@pytest.fixture(scope="module")
def postgres_address() -> Iterator[str]:
    with postgres.temporary_server(Path(required_programs.require_program("postgres")).resolve().parent) as server:
        yield server.address


@pytest.fixture(params=["sqlite", "postgresql"])
def run(request, tmp_path):
    """Run Python on an empty database of each kind."""
    address = request.getfixturevalue("postgres_address") if request.param == "postgresql" else ""
    env = {**os.environ, "DATABASE_URL": address, "YTARCHIVE_DATA": str(tmp_path / "data")}
    (tmp_path / "data").mkdir()
    if address:
        run_python(env, "-c", EMPTY)
    return lambda *args: run_python(env, *args)


EMPTY = """
import django
django.setup()
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("DROP SCHEMA public CASCADE")
    cursor.execute("CREATE SCHEMA public")
"""


def run_python(env: dict[str, str], *args: str) -> str:
    done = subprocess.run(
        [sys.executable, *args], env=env, cwd=settings.BASE_DIR, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.parametrize(
    "version",
    [
        pytest.param(["0007_words_in_the_row", "indexed"], id="0007"),
        pytest.param(["0004_browsing"], id="0004, without search", marks=pytest.mark.soak),
    ],
)
def test_a_database_of_earlier_versions_keeps_its_rows_indexes_and_search(run, version):
    run("-c", FILL, *version)
    run("-c", FILL_0008)

    run("manage.py", "migrate", "--verbosity", "0")
    check_rows(json.loads(run("-c", READ)))
    check_urls(json.loads(run("-c", READ_URLS)))


def check_rows(archive: dict[str, Any]) -> None:

    videos = archive["videos"]
    assert len(videos) == 9
    assert videos["film"] == {
        "status": "complete",
        "kind": "video",
        "sort_title": "Ünder the sea" if videos["film"]["sort_title"][0] == "Ü" else "ünder the sea",
        "allow_duplicate": False,
        "retry_count": 0,
        "subtitle_files": [{"language": "en", "file": "film/film.en.vtt"}],
        "subtitle_languages": "en,de",
        "parent__video_id": "playlist",
        "attempt": 1,
        "error": "",
        "size": 10,
        "media_file": "film/film.mp4",
    }
    failed, waiting = videos["failed"], videos["waiting"]
    assert (failed["allow_duplicate"], failed["retry_count"], failed["error"]) == (True, 3, "Gone")
    assert (waiting["status"], waiting["retry_count"], waiting["subtitle_languages"]) == ("queued", 1, "fr")
    assert [videos[name]["kind"] for name in ("playlist", "song", "waiting")] == ["list", "audio", "audio"]
    assert archive["events"] == 4
    assert archive["queue"] == "Paused by ann"
    assert archive["permissions"] == sorted(ROLES["manager"]), "who had an account may do all that they could do"
    assert archive["roles"] == {role: len(permissions) for role, permissions in ROLES.items()}

    assert archive["missing indexes"] == []
    assert "sort_title" in archive["by title"]
    assert archive["changed"] == ["video", "zebra"]
    results = archive["search"]
    assert results["under sea"] == results["jacques"] == results["silent"] == results["spoken"] == ["film"]
    assert results["s"] == ["song", "film"]
    assert results["example"] == ["waiting", "failed"]
    assert results["film"] == ["playlist"]
    assert archive["indexed"] == 8, "a removed row takes its words with it"


def check_urls(archive: dict[str, Any]) -> None:
    """Check that URLs were written anew, and words in Hangul indexed."""
    assert archive["found"] == {"민국": ["route"], "케이스": ["private"], "iphone": ["private"], "plain": ["plain"]}
    assert archive["urls"] == {
        "route": "https://a.example/#/film/1",
        "plain": "https://b.example/%c3%a4",  # the newer row has the canonical form already
        "newer": "https://b.example/%C3%A4",
        "private": "http://127.0.0.1/",
    }
    assert archive["added"] == [False, True]
    assert archive["deleted"] == []


# A data folder of the previous version --------------------------------------------------------------

CHECK = """
import django, json
django.setup()
from django.contrib.auth import get_user_model
from downloads.models import Video, VideoEvent
fields = ("status", "allow_duplicate", "retry_count", "subtitle_files", "subtitle_languages", "parent__video_id")
print(json.dumps({
    "videos": {row.pop("video_id"): row for row in Video.objects.values("video_id", *fields)},
    "events": VideoEvent.objects.count(),
    "admin": get_user_model().objects.get(username="admin").check_password(%r),
    "retried": Video.objects.get(video_id=%r).retry("Retried"),
    "undone": Video.objects.get(video_id=%r).undo_retry("Undone"),
}))
"""


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory: pytest.TempPathFactory, prepared_data: Path) -> dict[str, str]:
    """The environment for a data folder of the previous version, after preparation by this version."""
    folder = tmp_path_factory.mktemp("upgrade") / "data"
    with tarfile.open(DATA_FOLDER) as archive:
        archive.extractall(folder, filter="data")
    (folder / "static").symlink_to(prepared_data / "static")
    env = {**os.environ, "YTARCHIVE_DATA": str(folder), "DATABASE_URL": ""}
    run_python(env, "manage.py", "prepare")
    return env


def test_an_upgrade_keeps_a_copy_that_can_be_put_back(upgraded, tmp_path):
    folder = Path(upgraded["YTARCHIVE_DATA"])
    (copy,) = folder.glob("db.before-*.sqlite3")
    assert copy.name == f"db.before-{LAST_MIGRATION}.sqlite3"
    assert copy.stat().st_mode & 0o777 == 0o600
    restored = tmp_path / "db.sqlite3"
    restored.write_bytes(copy.read_bytes())
    for name in ("media", "static"):
        (tmp_path / name).symlink_to(folder / name)
    with contextlib.closing(sqlite3.connect(restored)) as database:
        names = {name for (name,) in database.execute("SELECT name FROM django_migrations WHERE app = 'downloads'")}
        (count,) = database.execute("SELECT count(*) FROM downloads_video").fetchone()
    assert max(names) < LAST_MIGRATION, "it is the database of the version before"
    assert count == 11
    run_python({**upgraded, "YTARCHIVE_DATA": str(tmp_path)}, "manage.py", "prepare")  # and upgrades again


def test_a_data_folder_of_the_version_before_keeps_its_rows(upgraded):
    archive = json.loads(run_python(upgraded, "-c", CHECK % (PASSWORD, FAILED, FAILED)))

    videos = archive["videos"]
    assert len(videos) == 11
    assert archive["events"] == 46
    assert archive["admin"] is True
    assert archive["retried"] is archive["undone"] is True
    assert videos[SUBTITLED]["subtitle_languages"] == "en,de"
    assert [track["language"] for track in videos[SUBTITLED]["subtitle_files"]] == ["de", "en"]
    assert (videos[FAILED]["status"], videos[FAILED]["retry_count"]) == ("failed", 3)
    assert (videos[RETRYING]["status"], videos[RETRYING]["retry_count"]) == ("queued", 1)
    assert [videos[name]["allow_duplicate"] for name in (WAITING, INSISTED)] == [False, True]
    assert videos[CANCELLED]["status"] == "cancelled"
    assert sum(video["parent__video_id"] == PLAYLIST for video in videos.values()) == 3


@pytest.fixture
def site(upgraded, run_manage) -> str:
    port = free_port()
    process = run_manage("web", "--port", str(port), env=upgraded)
    url = f"http://127.0.0.1:{port}"
    wait_until_answered(f"{url}/healthz", process)
    return url


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.read()


def test_a_data_folder_of_the_version_before_keeps_its_pages_and_files(upgraded, site):
    def ids(path: str) -> set[str]:
        page = fetch(f"{site}{path}").decode()
        return {part.split('"')[0] for part in page.split('data-video-id="')[1:]}

    assert {PAGE, SUBTITLED, PLAYLIST} <= ids("/")
    assert {FAILED, CANCELLED, RETRYING, WAITING, INSISTED} == ids("/activity/")
    assert ids("/?q=hello") == {PAGE, SUBTITLED}
    assert ids("/?q=hello+de") == {SUBTITLED}
    assert ids("/?q=many+films") == {PLAYLIST}
    assert "Deutsch" in fetch(f"{site}/videos/{SUBTITLED}/").decode()
    assert "Many films" in fetch(f"{site}/videos/{PLAYLIST}/").decode()
    media = Path(upgraded["YTARCHIVE_DATA"], "media")
    assert fetch(f"{site}/media/{SUBTITLED}/tracks/en.vtt") == (media / SUBTITLED / "index.en.vtt").read_bytes()
    assert len(list(media.rglob("*.mp4"))) == 5
