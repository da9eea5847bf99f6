"""The queue on PostgreSQL: the same verbs, and many processes that claim at once."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

from benchmarks.library import postgres
from downloads.tests.support import required_programs
from downloads.tests.support.duplicate_race import race_for_duplicates
from downloads.tests.support.processes import free_port
from downloads.tests.support.waiting import wait_until
from ytarchive.server.tuning import POOL_OPTIONS

pytestmark = pytest.mark.processes

CLAIM_PROGRAM = """
import django, sys
django.setup()
from downloads.models import Video
print("ready", flush=True)
sys.stdin.readline()
while video := Video.objects.claim(sys.argv[1]):
    print(video.video_id, flush=True)
"""
SETUP_PROGRAM = """
import django
django.setup()
from downloads.models import Video
Video.objects.all().delete()
for n in range({count}):
    url = f"http://{{'one' if {same} else n}}.example/{{n}}"
    Video.objects.ingest(url, url)
"""

# Random texts of few words, so that there is much to find, and what a hundred random queries find of them.
SEARCH_PROGRAM = """
import django, json, random, sys
django.setup()
from django.http import QueryDict
from downloads.library.listing import Listing
from downloads.models import Video, VideoEvent
from downloads.search import index
draw = random.Random(int(sys.argv[1]))
WORDS = "Über uber UBERALL straße Strasse 日本語 日 本 한국 हिन्दी ไทย".split()
WORDS += "Ναύς ναυσ a A1 a1b ab abc _ - * ' \\" \\\\ 😀 \u0301 ﬁn fin ⅐ İx ı Ǆ 0 ٣ 3".split()
def text(most):
    return draw.choice(" -_'").join(draw.choices(WORDS, k=draw.randint(0, most)))
VideoEvent.objects.all().delete()
Video.objects.all()._raw_delete("default")
Video.objects.bulk_create(
    Video(
        pk=10**6 + n, url=f"http://{n}", canonical_url=f"http://{n}", title=text(3), uploader=text(1),
        description=text(20), status=draw.choice(["complete"] * 5 + ["failed", "queued", "downloading"]),
        size=draw.choice([None, 1, 2, 3]), duration=draw.choice([None, 1.5, 2.5]), extractor=draw.choice("xy"),
    )
    for n in range(300)
)
index.reindex(Video.objects.all())
def found():
    query = QueryDict(mutable=True)
    query["q"] = text(3)
    for name, values in {"sort": ["size", "duration", "newest"], "state": ["failed", "queued"], "site": ["x"]}.items():
        if draw.random() < 0.2:
            query[name] = draw.choice(values)
    browse = Listing(query)
    some = list(Video.objects.order_by("pk")[:40])
    shown = [video.pk for video in (*browse.active_videos(), *browse.waiting_videos(), *browse.page)]
    return [query.urlencode(), shown, browse.status_counts, browse.sections_of(some)]
print(json.dumps([found() for _ in range(120)], sort_keys=True))
"""

# The tests of the verbs and of the library that are run on this database as well.
SUITES_ON_POSTGRES = [
    "models",
    *("intake/test_playlists.py", "actions/test_actions.py", "actions/test_undo.py", "views/test_htmx.py", "search"),
    "library/test_filters.py::test_it_filters_by_each_and_by_all",
    "library/test_filters.py::test_it_orders_by_title_length_and_size_with_the_unknown_last",
    "files/test_webvtt.py",
]


@pytest.fixture(scope="module")
def postgres_server() -> Iterator[postgres.PostgresServer]:
    """A server of its own on a socket in a temporary folder, with an empty database."""
    with postgres.temporary_server(Path(required_programs.require_program("postgres")).resolve().parent) as server:
        yield server


@pytest.fixture
def database_url(postgres_server) -> str:
    return postgres_server.address


@pytest.fixture
def run_python(database_url, tmp_path):
    """Run Python on the database; `run.env` for more of it."""

    def python(*args, **options):
        return subprocess.run([sys.executable, *args], check=True, env=python.env, cwd=settings.BASE_DIR, **options)

    python.env = {**os.environ, "DATABASE_URL": database_url, "YTARCHIVE_DATA": str(tmp_path / "data")}
    python("manage.py", "migrate", "--verbosity", "0")
    return python


def claim_concurrently(run, processes):
    """Let many processes claim until there is nothing left; what each got."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIM_PROGRAM, str(n)],
            env=run.env,
            cwd=settings.BASE_DIR,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(processes)
    ]
    for process in started:
        assert process.stdout.readline() == "ready\n"
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    found = [process.communicate(timeout=60)[0].split() for process in started]
    assert [process.returncode for process in started] == [0] * processes
    return found


def test_it_gives_each_video_to_one_of_many_processes(run_python):
    run_python("-c", SETUP_PROGRAM.format(count=200, same=False))
    found = claim_concurrently(run_python, 6)
    everything = [video_id for each in found for video_id in each]
    assert len(everything) == len(set(everything))
    # One that finds another at the same row may give up early, for the next look: nothing is lost by that.
    left = claim_concurrently(run_python, 1)[0]
    assert len(everything) + len(left) == 200
    assert sum(1 for each in found if each) > 1


def test_it_takes_no_more_from_one_site_however_many_ask(run_python):
    run_python("-c", SETUP_PROGRAM.format(count=30, same=True))
    found = claim_concurrently(run_python, 6)
    assert sum(map(len, found)) == settings.PER_HOST


@pytest.mark.parametrize("insisting", ["", "two"])
def test_one_of_two_concurrent_duplicates_is_downloaded(run_python, insisting):
    found = list(race_for_duplicates(run_python.env, insisting))
    assert {pair.count("downloading") for pair in found} <= ({1, 2} if insisting else {1})
    assert not insisting or {second for _, second in found} == {"downloading"}


@pytest.mark.timeout(300)  # many tests in one
def test_the_sqlite_suites_pass(run_python):
    """The tests of the verbs and of the library themselves, on this database."""
    env = {**run_python.env, "TEST_DATABASE_URL": run_python.env["DATABASE_URL"]}
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            *(f"downloads/tests/{name}" for name in SUITES_ON_POSTGRES),
        ],
        env=env,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.parametrize("seed", ["1", pytest.param("2", marks=pytest.mark.soak)])
def test_it_finds_the_same_in_the_same_order_as_sqlite(run_python, tmp_path, seed):
    there = json.loads(run_python("-c", SEARCH_PROGRAM, seed, capture_output=True, text=True).stdout)
    run_python.env |= {"DATABASE_URL": "", "YTARCHIVE_DATA": str(tmp_path / "sqlite")}
    run_python("manage.py", "migrate", "--verbosity", "0")
    here = json.loads(run_python("-c", SEARCH_PROGRAM, seed, capture_output=True, text=True).stdout)
    for ours, theirs in zip(here, there, strict=True):
        assert ours == theirs
    assert sum(bool(shown) for _, shown, *_ in here) > 50


def test_it_downloads_with_workers_on_it(run_python, media_server):
    run_python.env |= {"YTARCHIVE_ALLOW_PRIVATE_HOSTS": "1"}
    run_python("-c", SETUP_PROGRAM.format(count=0, same=False))
    workers = [
        subprocess.Popen([sys.executable, "manage.py", "work"], env=run_python.env, cwd=settings.BASE_DIR)
        for _ in range(2)
    ]
    try:
        urls = [media_server.url(f"/named/{n}.mp4") for n in range(4)]
        said = run_python("manage.py", "ingest", *urls, "--wait", capture_output=True, text=True, timeout=60).stdout
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.wait(10)
    ids = [line.removesuffix(" complete") for line in said.splitlines()]
    media = Path(run_python.env["YTARCHIVE_DATA"]) / "media"
    assert len(ids) == 4
    assert all(next((media / video_id).glob("*.mp4")).read_bytes() == media_server.clip for video_id in ids)


WEB_CONNECTIONS_SQL = "SELECT pid, backend_start FROM pg_stat_activity WHERE application_name = 'web' ORDER BY pid"


@pytest.fixture
def web_url(run_python, run_manage):
    """Start the web server on the database; its address."""
    run_python("manage.py", "collectstatic", "--no-input", "--verbosity", "0")
    run_python.env["DATABASE_URL"] += "&application_name=web"
    port = free_port()
    process = run_manage("web", "--port", str(port), env=run_python.env)
    url = f"http://127.0.0.1:{port}/"
    wait_until(lambda: answers(url), 20, "the web server answers")
    yield url
    process.terminate()
    assert process.wait(15) == 0


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status == 200
    except OSError:
        return False


def test_it_keeps_its_connections(web_url, database_url):
    with psycopg.connect(database_url, autocommit=True) as other:
        before = other.execute(WEB_CONNECTIONS_SQL).fetchall()
        assert before
        assert all(answers(web_url) for _ in range(10))
        assert other.execute(WEB_CONNECTIONS_SQL).fetchall() == before
        # A restarted server has ended them all; nobody sees that.
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'web'")
        assert answers(web_url)
        assert other.execute(WEB_CONNECTIONS_SQL).fetchall() != before


@pytest.mark.alone
def test_it_answers_again_as_soon_as_the_server_is_back(web_url, postgres_server):
    postgres_server.stop()
    try:
        assert not answers(web_url)
    finally:
        postgres_server.start()
    began = time.monotonic()
    wait_until(lambda: answers(web_url), 20, "the web server answers")
    assert time.monotonic() - began < 3


def test_it_has_connections_for_all_who_ask_at_once(web_url, database_url):
    with ThreadPoolExecutor(60) as crowd:
        assert all(crowd.map(answers, [web_url] * 240))
    with psycopg.connect(database_url) as other:
        assert 1 <= len(other.execute(WEB_CONNECTIONS_SQL).fetchall()) <= POOL_OPTIONS["max_size"]
