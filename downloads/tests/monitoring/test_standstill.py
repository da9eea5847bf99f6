"""The sentence on the activity page that says why nothing is downloaded, or nothing is live."""

import json
import time

import pytest
import time_machine

from downloads.monitoring import standstill
from downloads.monitoring.standstill import NO_BRIDGE_SENTENCE, NO_WORKER_SENTENCE, standstill_sentence
from downloads.progress import keys
from downloads.tests.support.factories import complete, running, waiting

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


@pytest.fixture(autouse=True)
def no_caching(monkeypatch) -> None:
    """Ask anew each time, in a process that has run for a while."""
    monkeypatch.setattr(standstill, "CACHE_SECONDS", 0.0)
    monkeypatch.setattr(standstill, "START_GRACE_SECONDS", 0.0)


@pytest.fixture
def live_processes(redis_server) -> None:
    with redis_server.client() as client:
        client.set(keys.WORKER_SEEN_KEY, 1)
        client.set(keys.LEADER_KEY, "token")


def test_it_says_nothing_while_all_works(live_processes) -> None:
    assert standstill_sentence() == ""


def test_it_says_that_no_worker_runs(live_processes, redis_server) -> None:
    with redis_server.client() as client:
        client.delete(keys.WORKER_SEEN_KEY)
    assert standstill_sentence() == NO_WORKER_SENTENCE


def test_it_says_that_no_bridge_runs_after_a_while(live_processes, redis_server) -> None:
    with redis_server.client() as client:
        client.delete(keys.LEADER_KEY)
        client.hset(keys.SNAPSHOT_KEY, keys.SNAPSHOT_HEAD_FIELD, json.dumps({"at": time.time() - 10}))
        assert standstill_sentence() == "", "another one may just be taking over"
        client.hset(keys.SNAPSHOT_KEY, keys.SNAPSHOT_HEAD_FIELD, json.dumps({"at": time.time() - 40}))
        assert standstill_sentence() == NO_BRIDGE_SENTENCE


@pytest.mark.parametrize("seconds_ahead", [60, -60])
def test_it_waits_for_a_bridge_as_long_when_its_clock_differs(live_processes, redis_server, seconds_ahead) -> None:
    with redis_server.client() as client:
        client.delete(keys.LEADER_KEY)
        for age, sentence in ((10, ""), (40, NO_BRIDGE_SENTENCE)):
            written_at = client.time()[0] - age
            client.hset(keys.SNAPSHOT_KEY, keys.SNAPSHOT_HEAD_FIELD, json.dumps({"at": written_at}))
            with time_machine.travel(time.time() + seconds_ahead, tick=True):
                assert standstill_sentence() == sentence


def test_it_says_nothing_while_everything_is_just_starting(redis_server, monkeypatch) -> None:
    monkeypatch.setattr(standstill, "START_GRACE_SECONDS", 3600.0)
    assert standstill_sentence() == ""


def test_it_says_why_redis_takes_no_writes_and_blames_no_worker(redis_server) -> None:
    with redis_server.client() as client:
        client.config_set("maxmemory", 1)
        try:
            assert standstill_sentence() == (
                "Redis takes no writes: its memory is full (maxmemory). Downloads go on, without live progress."
            )
        finally:
            client.config_set("maxmemory", 0)


@pytest.mark.alone
@pytest.mark.parametrize("fault", ["kill", "freeze"])
def test_it_says_that_redis_is_away_in_half_a_second(redis_server, usual_redis_timeout, fault: str) -> None:
    getattr(redis_server, fault)()
    durations = []
    try:
        for _ in range(2):
            began = time.monotonic()
            assert standstill_sentence().startswith("Redis does not answer. ")
            durations.append(time.monotonic() - began)
        assert min(durations) < 1.0
    finally:
        if redis_server.process:
            redis_server.resume()


def test_it_is_read_once_for_many_pages(live_processes, monkeypatch) -> None:
    monkeypatch.setattr(standstill, "CACHE_SECONDS", 60.0)
    reads: list[None] = []
    monkeypatch.setattr(standstill, "_read_sentence", lambda: reads.append(None) or "")
    for _ in range(5):
        standstill_sentence()
    assert len(reads) == 1


# The page ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("make_video", "is_shown"), [(waiting, True), (running, True), (complete, False)])
def test_the_page_says_it_to_whoever_waits(client, signed_in_user, redis_server, make_video, is_shown) -> None:
    make_video("a")
    for url in ("/activity/", "/videos/cards?as=activity"):
        page = client.get(url).content.decode()
        assert ("no worker is running" in page) == is_shown


def test_the_page_says_it_to_signed_in_people_only(client, redis_server) -> None:
    waiting("a")
    assert "standstill" not in client.get("/activity/").content.decode()


def test_the_page_is_well_again_without_a_reload(client, signed_in_user, live_processes) -> None:
    waiting("a")
    assert "standstill" not in client.get("/videos/cards?as=activity").content.decode()
