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
from downloads.tests.support.django_processes import DjangoProcess, django_processes
from downloads.tests.support.duplicate_race import race_for_duplicates, race_to_add
from downloads.tests.support.ports import free_port
from downloads.tests.support.prepared_data import copy_data_folder
from downloads.tests.support.processes import manage_processes, wait_until_answered
from downloads.tests.support.waiting import wait_until
from ytarchive.server.tuning import POOL_OPTIONS

pytestmark = pytest.mark.processes

CLAIM_PROGRAM = """
import sys
from downloads.models import Video
print("ready", flush=True)
sys.stdin.readline()
while video := Video.objects.claim(arguments[0]):
    print(video.video_id, flush=True)
"""
SETUP_PROGRAM = """
from django.db import connection
from downloads.models import Video
count, is_one_site = arguments
# Other tests file videos in data folders of their own: removing those here is refused.
connection.cursor().execute("TRUNCATE downloads_video CASCADE")
for n in range(count):
    url = f"http://{'one' if is_one_site else n}.example/{n}"
    Video.objects.ingest(url, url)
"""

# Makes videos with random texts of few words, so that queries match many; prints what 120 random queries list.
SEARCH_PROGRAM = """
import json, random
from django.http import QueryDict
from downloads.library.listing import Listing
from downloads.models import Video, VideoEvent
from downloads.search import index
draw = random.Random(arguments[0])
WORDS = "Über uber UBERALL straße Strasse 日本語 日 本 한국 대한민국 민국 국 iPhone케이스 ㅁ ꦗꦮ हिन्दी ไทย".split()
WORDS += "Ναύς ναυσ a A1 a1b ab abc _ - * ' \\" \\\\ 😀 \u0301 ﬁn fin ⅐ İx ı Ǆ 0 ٣ 3".split()
def text(max_words):
    return draw.choice(" -_'").join(draw.choices(WORDS, k=draw.randint(0, max_words)))
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
def search_at_random():
    query = QueryDict(mutable=True)
    query["q"] = text(3)
    for name, values in {"sort": ["size", "duration", "newest"], "state": ["failed", "queued"], "site": ["x"]}.items():
        if draw.random() < 0.2:
            query[name] = draw.choice(values)
    listing = Listing(query)
    first_videos = list(Video.objects.order_by("pk")[:40])
    listed_keys = [video.pk for video in listing.page]
    return [query.urlencode(), listed_keys, listing.status_counts, listing.sections_of(first_videos)]
print(json.dumps([search_at_random() for _ in range(120)], sort_keys=True))
"""

# The tests of what has SQL of its own on this database: its clock, triggers, search, zones, orders and claims.
SUITES_ON_POSTGRES = [
    "models/test_channels.py",
    "models/test_clocks.py",
    "models/test_playable_copies.py",
    "models/test_querysets.py",
    "models/test_queue.py",
    "models/test_site_limits.py",
    "models/test_title_look_ups.py",
    "models/test_transitions.py",
    "search/test_index.py",
    "search/test_query.py",
    "views/test_time_zone.py::test_the_admin_shows_and_filters_the_day_of_the_zone",
    "views/test_time_zone.py::test_the_date_hierarchy_has_the_periods_of_the_zone",
    "library/test_filters.py::test_it_filters_by_each_and_by_all",
    "library/test_filters.py::test_it_orders_by_title_length_and_size_with_the_unknown_last",
    "subtitles/test_webvtt.py",
    "subscriptions/test_checks.py",
    "subscriptions/test_concurrency.py",
    *(
        f"subscriptions/test_ledger.py::test_{name}"
        for name in (
            "what_is_here_is_not_fetched_again",
            "two_subscriptions_that_want_a_video_get_one",
            "what_is_deleted_while_it_is_found_follows",
            "a_check_that_is_interrupted_leaves_nothing_half",
            "a_failed_commit_takes_no_room",
            "the_newest_of_a_playlist_are_those_by_date_also_when_asked_for_later",
            "the_same_list_under_two_urls_is_named",
        )
    ),
    *(
        f"subscriptions/test_verbs.py::test_{name}"
        for name in (
            "a_changed_filter_lets_in_what_it_kept_out",
            "more_items_than_a_page_can_wait_for_are_judged_by_the_next_check",
            "no_longer_ignored_is_as_before",
            "the_own_videos_are_those_of_this_subscription_alone",
            "a_preview_reads_odd_rows_as_pages_do",
        )
    ),
    *(
        f"views/test_subscriptions.py::test_{name}"
        for name in (
            "a_row_counts_what_is_kept_of_what_was_seen",
            "pages_of_the_list_are_disjoint_in_both_directions",
            "it_finds_by_name_and_state",
            "pages_of_the_ledger_are_disjoint_in_both_directions",
            "the_library_is_filtered_by_subscription",
            "pages_ask_the_database_little",
        )
    ),
    "subscriptions/test_retention.py",
    "subscriptions/test_metadata_filter.py",
    "intake/test_submit.py::test_all_that_belongs_to_a_video_is_there_after_adding_many",
    "intake/test_submit.py::test_a_video_is_added_as_audio_too_and_each_once",
    "intake/test_submit.py::test_what_turned_out_to_be_audio_is_not_added_as_audio",
]
# What is written by the ORM alone: the same verbs and pages.
LONG_SUITES_ON_POSTGRES = [
    "models",
    "subscriptions",
    "worker/checks/test_soak.py",
    "views/test_subscriptions.py",
    "actions",
    "search",
    "views/test_time_zone.py",
    "views/test_htmx.py",
    "intake/test_playlists.py",
]


# One that measures time runs apart from the others of this module.
@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.PostgresServer]:
    """A server of its own on a socket in a temporary folder, with empty tables, and a database for tests like it."""
    with postgres.temporary_server(Path(required_programs.require_program("postgres")).resolve().parent) as server:
        environment = {**os.environ, "DATABASE_URL": server.address}
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
            check=True,
            env=environment,
            cwd=settings.BASE_DIR,
        )
        name = server.address.partition("?")[0].rpartition("/")[2]
        with psycopg.connect(server.address.replace(f"/{name}", "/template1", 1), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "test_{name}" TEMPLATE "{name}"')
        yield server


@pytest.fixture(scope="module")
def processes(postgres_server, tmp_path_factory) -> Iterator[list[DjangoProcess]]:
    """Four processes on the database."""
    data = tmp_path_factory.mktemp("processes") / "data"
    env = {**os.environ, "DATABASE_URL": postgres_server.address, "YTARCHIVE_DATA": str(data)}
    with django_processes(4, env) as processes:
        yield processes


@pytest.fixture
def database_url(postgres_server) -> str:
    return postgres_server.address


@pytest.fixture
def run_python(database_url, tmp_path):
    """Return a function that runs Python with the database; its `env` is the environment of the processes."""

    def python(*args, **options):
        return subprocess.run([sys.executable, *args], check=True, env=python.env, cwd=settings.BASE_DIR, **options)

    python.env = {**os.environ, "DATABASE_URL": database_url, "YTARCHIVE_DATA": str(tmp_path / "data")}
    return python


def claim_concurrently(processes):
    """Let processes claim until there is nothing left; return the ids that each claimed."""
    for number, process in enumerate(processes):
        process.start(CLAIM_PROGRAM, str(number))
    assert [process.read_line() for process in processes] == ["ready"] * len(processes)
    for process in processes:
        process.write_line("go")
    return [process.finish() for process in processes]


def test_it_gives_each_video_to_one_of_many_processes(processes):
    processes[0].run(SETUP_PROGRAM, 200, False)
    ids_by_process = claim_concurrently(processes)
    claimed_ids = [video_id for video_ids in ids_by_process for video_id in video_ids]
    assert len(claimed_ids) == len(set(claimed_ids))
    # A process that meets another at the same row may stop early: a later claim takes what is left.
    remaining_ids = claim_concurrently(processes[:1])[0]
    assert len(claimed_ids) + len(remaining_ids) == 200
    assert sum(1 for video_ids in ids_by_process if video_ids) > 1


def test_it_takes_no_more_from_one_site_however_many_ask(processes):
    processes[0].run(SETUP_PROGRAM, 30, True)
    ids_by_process = claim_concurrently(processes)
    assert sum(map(len, ids_by_process)) == settings.PER_HOST


@pytest.mark.parametrize("allowed_site", ["", "two"])
def test_one_of_two_concurrent_duplicates_is_downloaded(processes, allowed_site):
    status_pairs = list(race_for_duplicates(processes, allowed_site))
    assert {statuses.count("downloading") for statuses in status_pairs} <= ({1, 2} if allowed_site else {1})
    assert not allowed_site or {second for _, second in status_pairs} == {"downloading"}


def test_of_two_who_add_the_same_at_once_each_video_is_added_by_one(processes):
    processes[0].run(SETUP_PROGRAM, 0, False)
    assert sum(race_to_add(processes, ["best", "480p", "best"])) == 300
    assert race_to_add(processes, ["best", "audio"]) == [0, 300]


@pytest.mark.timeout(300)  # many tests in one
@pytest.mark.parametrize(
    "suites", [SUITES_ON_POSTGRES, pytest.param(LONG_SUITES_ON_POSTGRES, marks=pytest.mark.soak)], ids=["short", "long"]
)
def test_the_sqlite_suites_pass(run_python, suites):
    """Run the tests of the verbs and of the library on this database."""
    env = {**run_python.env, "TEST_DATABASE_URL": run_python.env["DATABASE_URL"]}
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "--reuse-db",
            # It starts a PostgreSQL of its own.
            "--ignore=downloads/tests/models/test_upgrade.py",
            *(f"downloads/tests/{name}" for name in suites),
        ],
        env=env,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-3000:]


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.soak)])
def test_it_finds_the_same_in_the_same_order_as_sqlite(processes, prepared_data, tmp_path, seed):
    copy_data_folder(prepared_data, tmp_path / "sqlite")
    (postgres_output,) = processes[0].run(SEARCH_PROGRAM, seed)
    sqlite_env = {**os.environ, "YTARCHIVE_DATA": str(tmp_path / "sqlite")}
    with django_processes(1, sqlite_env) as (sqlite_process,):
        (sqlite_output,) = sqlite_process.run(SEARCH_PROGRAM, seed)
    postgres_results, sqlite_results = json.loads(postgres_output), json.loads(sqlite_output)
    for sqlite_result, postgres_result in zip(sqlite_results, postgres_results, strict=True):
        assert sqlite_result == postgres_result
    assert sum(bool(listed_keys) for _, listed_keys, *_ in sqlite_results) > 50


def test_it_downloads_with_a_worker_on_it(run_python, processes, media_server):
    run_python.env |= {"YTARCHIVE_ALLOW_PRIVATE_HOSTS": "1"}
    processes[0].run(SETUP_PROGRAM, 0, False)
    worker = subprocess.Popen([sys.executable, "manage.py", "work"], env=run_python.env, cwd=settings.BASE_DIR)
    try:
        urls = [media_server.url(f"/named/{n}.mp4") for n in range(2)]
        output = run_python("manage.py", "ingest", *urls, "--wait", capture_output=True, text=True, timeout=60).stdout
    finally:
        worker.terminate()
        worker.wait(10)
    ids = [line.removesuffix(" complete") for line in output.splitlines()]
    media = Path(run_python.env["YTARCHIVE_DATA"]) / "media"
    assert len(ids) == 2
    assert all(next((media / video_id).glob("*.mp4")).read_bytes() == media_server.clip for video_id in ids)


WEB_CONNECTIONS_SQL = "SELECT pid, backend_start FROM pg_stat_activity WHERE application_name = 'web' ORDER BY pid"


@pytest.fixture(scope="module")
def web_url(postgres_server, tmp_path_factory, static_files):
    """Start the web server on the database; yield its address."""
    env = {"DATABASE_URL": f"{postgres_server.address}&application_name=web"}
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    started = manage_processes(tmp_path_factory.mktemp("web"))
    process = next(started)("web", "--port", str(port), env=env)
    wait_until_answered(url, process)
    yield url
    process.terminate()
    assert process.wait(15) == 0
    next(started, None)


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=20) as response:
            return response.status == 200
    except OSError:
        return False


def test_it_keeps_its_connections(web_url, database_url):
    with psycopg.connect(database_url, autocommit=True) as admin_connection:
        old_connections = admin_connection.execute(WEB_CONNECTIONS_SQL).fetchall()
        assert old_connections
        assert all(answers(web_url) for _ in range(10))
        assert admin_connection.execute(WEB_CONNECTIONS_SQL).fetchall() == old_connections
        # A restart of the server ends all of them, without a failed request.
        admin_connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'web'"
        )
        assert answers(web_url)
        assert admin_connection.execute(WEB_CONNECTIONS_SQL).fetchall() != old_connections


@pytest.mark.alone
def test_it_answers_again_as_soon_as_the_server_is_back(web_url, postgres_server):
    postgres_server.stop()
    try:
        assert not answers(web_url)
    finally:
        postgres_server.start()
    began = time.monotonic()
    wait_until(lambda: answers(web_url), "the web server answers")
    assert time.monotonic() - began < 3


def test_it_has_connections_for_all_who_ask_at_once(web_url, database_url):
    with ThreadPoolExecutor(60) as pool:
        assert all(pool.map(answers, [web_url] * 60))
    with psycopg.connect(database_url) as admin_connection:
        assert 1 <= len(admin_connection.execute(WEB_CONNECTIONS_SQL).fetchall()) <= POOL_OPTIONS["max_size"]
