"""The health endpoints and the Prometheus metrics."""

import asyncio
import json
import threading
import time
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from channels.layers import channel_layers, get_channel_layer
from channels.testing import HttpCommunicator
from django.db import OperationalError
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from downloads.models import Queue, Video
from downloads.monitoring import health, heartbeats
from downloads.monitoring import metrics as metrics_of
from downloads.progress import keys
from downloads.tests.support.waiting import PATIENCE_SECONDS
from downloads.ytdlp_update import selection, version
from ytarchive.asgi import application

pytestmark = pytest.mark.django_db(transaction=True)
METRICS_TOKEN = "0123456789abcdef"
USUAL_CHECK_TIMEOUT_SECONDS = health.CHECK_TIMEOUT_SECONDS


@pytest.fixture(autouse=True)
async def no_caching(redis_server, monkeypatch):
    """Give each test a channel layer of its own, and run every check and query anew."""
    monkeypatch.setattr(health, "HEALTH_CACHE_SECONDS", 0.0)
    monkeypatch.setattr(metrics_of, "METRICS_CACHE_SECONDS", 0.0)
    channel_layers.backends.pop("default", None)
    yield
    await get_channel_layer().flush()
    channel_layers.backends.pop("default", None)


@pytest.fixture
def live_processes(redis_server, monkeypatch):
    """A bridge that leads and a worker that claims, as Redis shows them; a loaded machine may take long to look."""
    monkeypatch.setattr(health, "CHECK_TIMEOUT_SECONDS", 20.0)
    monkeypatch.setattr(heartbeats, "BRIDGE_TIMEOUT_SECONDS", 30.0)
    with redis_server.client() as client:
        client.set(keys.LEADER_KEY, "token")
        client.hset(keys.SNAPSHOT_KEY, "@", json.dumps({"epoch": "e", "seq": 1, "rev": 0, "at": time.time()}))
        client.set(keys.WORKER_KEY_PREFIX + "here:1", int(time.time()) - 3)


async def get_response(path: str, method: str = "GET", **headers: str) -> dict:
    encoded_headers = [(name.encode(), value.encode("latin1")) for name, value in headers.items()]
    request = HttpCommunicator(application, method, path, headers=encoded_headers)
    response = await request.get_response(PATIENCE_SECONDS)
    return {**response, "headers": dict(response["headers"])}


async def get_readiness() -> tuple[int, dict]:
    response = await get_response("/readyz")
    return response["status"], json.loads(response["body"])["checks"]


# Liveness -----------------------------------------------------------------------------------------


async def test_it_refuses_other_methods() -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        response = await get_response(path, "POST")
        assert (response["status"], response["headers"][b"allow"]) == (405, b"GET, HEAD")


@pytest.mark.parametrize("host", ["10.1.2.3", "", "anything.example"])
async def test_it_is_alive_by_any_name_and_for_anyone(settings, host) -> None:
    settings.PRIVATE = True
    response = await get_response("/healthz", host=host)
    assert (response["status"], response["body"]) == (200, b"ok\n")
    assert response["headers"][b"cache-control"] == b"no-store"
    assert (await get_response("/healthz", "HEAD"))["body"] == b""


async def test_it_answers_at_the_root_and_under_the_path(settings) -> None:
    settings.URL_PREFIX = "/tube/"
    for path in ("/healthz", "/tube/healthz"):
        assert (await get_response(path))["body"] == b"ok\n"
    assert (await get_response("/tube/metrics"))["status"] == 200
    assert (await get_response("/tube/readyz"))["headers"][b"content-type"] == b"application/json"


# Readiness ----------------------------------------------------------------------------------------


async def test_it_is_ready_when_all_parts_work(live_processes) -> None:
    status, checks = await get_readiness()
    assert status == 200
    assert list(checks) == ["database", "redis", "channel_layer", "bridge", "worker", "folders"]
    assert all(check["ok"] and "problem" not in check for check in checks.values())
    assert 3 <= checks["worker"]["age"] < 33
    assert all(checks[name]["age"] < 30 for name in checks if name != "worker")


async def test_it_says_which_part_does_not_work() -> None:
    status, checks = await get_readiness()
    assert status == 503
    assert checks["bridge"] == {
        "ok": False,
        "age": None,
        "problem": "No bridge leads: is `manage.py bridge_progress` running?",
    }
    assert checks["worker"]["problem"] == "No worker claims: is `manage.py work` running?"
    assert [name for name, check in checks.items() if check["ok"]] == ["database", "redis", "channel_layer", "folders"]


@pytest.mark.parametrize("seconds", [60, -60, 86400])
async def test_ages_do_not_depend_on_the_clocks_of_other_machines(live_processes, time_machine, seconds) -> None:
    time_machine.move_to(time.time() + seconds)
    checks = (await get_readiness())[1]
    assert checks["bridge"]["ok"]
    assert checks["bridge"]["age"] < 30
    assert 3 <= checks["worker"]["age"] < 33


async def test_it_notices_a_bridge_that_fell_silent(live_processes, redis_server) -> None:
    with redis_server.client() as client:
        client.hset(keys.SNAPSHOT_KEY, "@", json.dumps({"at": time.time() - 60}))
    assert (await get_readiness())[1]["bridge"]["problem"] == "The bridge has fallen silent."


async def test_it_notices_that_redis_is_away_and_is_back(live_processes, redis_server, monkeypatch, caplog) -> None:
    assert (await get_readiness())[0] == 200
    monkeypatch.setattr(health, "CHECK_TIMEOUT_SECONDS", USUAL_CHECK_TIMEOUT_SECONDS)
    redis_server.kill()
    status, checks = await get_readiness()
    assert status == 503
    assert [name for name, check in checks.items() if check["ok"]] == ["database", "folders"]
    assert checks["redis"]["problem"] == "Redis does not answer."
    assert checks["redis"]["age"] is not None, "when it last answered"
    await get_readiness()
    assert caplog.text.count("redis: Redis does not answer.") == 1
    redis_server.start()
    assert (await get_readiness())[1]["redis"]["ok"]
    assert "redis: well again" in caplog.text
    # Its first check may have waited for the connections of the layer in vain.
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (await get_readiness())[1]["channel_layer"]["ok"]:
            pass
    assert get_channel_layer().channels == {}, "no check left its channel"


async def test_it_answers_while_the_database_hangs(live_processes, monkeypatch) -> None:
    hangs = threading.Event()
    begun: list[float] = []

    def database() -> float:
        begun.append(time.time())
        hangs.wait(20)
        return time.time()

    monkeypatch.setitem(health.THREADED_CHECKS, "database", database)
    monkeypatch.setattr(health, "CHECK_TIMEOUT_SECONDS", 0.2)
    try:
        for _ in range(3):
            status, checks = await get_readiness()
            assert status == 503
            assert checks["database"]["problem"].startswith("No answer within")
            assert (await get_response("/healthz"))["status"] == 200
        assert len(begun) == 1, "it is waited for, not asked again"
    finally:
        hangs.set()


async def test_it_says_nothing_of_what_the_database_said(live_processes, monkeypatch) -> None:
    def database() -> float:
        raise health.CheckFailed("The database does not answer.") from OperationalError("no password for somebody@db7")

    monkeypatch.setitem(health.THREADED_CHECKS, "database", database)
    assert "db7" not in (await get_response("/readyz"))["body"].decode()


async def test_concurrent_requests_share_one_check(live_processes, monkeypatch) -> None:
    monkeypatch.setattr(health, "HEALTH_CACHE_SECONDS", 60.0)
    calls: list[None] = []
    monkeypatch.setitem(health.THREADED_CHECKS, "worker", lambda: calls.append(None) or time.time())
    responses = await asyncio.gather(*(get_response("/readyz") for _ in range(20)))
    assert {response["status"] for response in responses} == {200}
    assert len(calls) == 1


async def test_the_channel_layer_forgets_what_it_was_asked_with(live_processes) -> None:
    await get_readiness()
    layer = get_channel_layer()._get_layer()
    assert layer.channels == {}


async def test_it_names_the_yt_dlp_in_use_and_its_age(live_processes, monkeypatch) -> None:
    monkeypatch.setattr(selection, "select_version", lambda: selection.Selection("2026.10.26", "0.8.0"))
    monkeypatch.setattr(version, "age_days", lambda text: 45)
    body = json.loads((await get_response("/readyz"))["body"])
    assert body["ready"] is True
    assert body["yt_dlp"] == {
        "version": "2026.10.26",
        "age_days": 45,
        "bundled": True,
        "advice": "yt-dlp is 45 days old: update it.",
    }


async def test_it_says_why_a_newer_yt_dlp_is_not_used(live_processes, settings, tmp_path) -> None:
    settings.YTDLP_ROOT = tmp_path
    (tmp_path / "installed.json").write_text("[{")
    body = json.loads((await get_response("/readyz"))["body"])
    assert body["ready"] is True, "downloads go on with the bundled one"
    assert "cannot be read" in body["yt_dlp"]["problem"]
    assert (await get_metrics())["ytarchive_ytdlp_fallback",] == 1


# Access -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    ["", "Bearer ", "Bearer wrong", f"Basic {METRICS_TOKEN}", METRICS_TOKEN, f"Bearer {METRICS_TOKEN}x", "Bearer ÿ"],
)
async def test_a_private_archive_tells_strangers_no_more_than_its_status(live_processes, settings, header) -> None:
    settings.PRIVATE, settings.METRICS_TOKEN = True, METRICS_TOKEN
    response = await get_response("/readyz", authorization=header)
    assert (response["status"], response["body"]) == (200, b"")
    assert (await get_response("/metrics", authorization=header))["status"] == 403


async def test_without_a_token_nobody_has_it(live_processes, settings) -> None:
    settings.PRIVATE, settings.METRICS_TOKEN = True, ""
    assert (await get_response("/metrics", authorization="Bearer "))["status"] == 403


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
async def test_whoever_has_the_token_sees_all(live_processes, settings, scheme) -> None:
    settings.PRIVATE, settings.METRICS_TOKEN = True, METRICS_TOKEN
    assert (await get_response("/metrics", authorization=f"{scheme} {METRICS_TOKEN}"))["status"] == 200
    assert json.loads((await get_response("/readyz", authorization=f"Bearer {METRICS_TOKEN}"))["body"])["ready"]


# Metrics ------------------------------------------------------------------------------------------


async def get_metrics() -> dict[tuple[str, ...], float]:
    response = await get_response("/metrics")
    assert response["status"] == 200
    assert response["headers"][b"content-type"].startswith(b"text/plain; version=")
    families = text_string_to_metric_families(response["body"].decode())
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}


async def test_it_tells_its_numbers(live_processes, redis_server) -> None:
    await Video.objects.acreate(url="https://a.example/1", canonical_url="https://a.example/1", status="complete")
    with redis_server.client() as client:
        client.hset(keys.COUNTS_KEY, mapping={"messages_taken": 7, "messages_dropped.no_json": 2, "batches": 3})
        client.mset({keys.CLIENTS_KEY_PREFIX + "a:1": 4, keys.CLIENTS_KEY_PREFIX + "a:2": 5})
    metrics = await get_metrics()
    assert metrics["ytarchive_videos", "complete"] == 1
    assert metrics["ytarchive_videos", "failed"] == 0
    assert metrics["ytarchive_queue_wait_seconds",] == 0
    assert metrics["ytarchive_messages_taken_total",] == 7
    assert metrics["ytarchive_messages_dropped_total", "no_json"] == 2
    assert metrics["ytarchive_batches_total",] == 3
    assert metrics["ytarchive_frames_ignored_total",] == 0
    assert metrics["ytarchive_clients",] == 9
    assert metrics["ytarchive_workers",] == 1
    assert metrics["ytarchive_part_up", "bridge"] == 1
    assert 3 <= metrics["ytarchive_part_age_seconds", "worker"] < 33
    assert metrics["ytarchive_disk_free_bytes",] > 0
    assert metrics["ytarchive_ytdlp_fallback",] == 0
    bundled = selection.bundled_version()
    assert metrics["ytarchive_ytdlp_age_seconds", bundled] == version.age_days(bundled) * 86400


async def test_it_tells_how_long_the_queue_waits() -> None:
    for number, since in enumerate((90, 30)):
        url, queued_at = f"https://a.example/{number}", timezone.now() - timedelta(seconds=since)
        await Video.objects.acreate(url=url, canonical_url=url, queued_at=queued_at)
    later = timezone.now() + timedelta(seconds=60)
    await Video.objects.acreate(url="b", canonical_url="b", queued_at=timezone.now() - timedelta(1), not_before=later)
    metrics = await get_metrics()
    assert 90 <= metrics["ytarchive_queue_wait_seconds",] < 120
    assert (metrics["ytarchive_queue_paused",], metrics["ytarchive_queue_held",]) == (0, 0)
    await sync_to_async(Queue.pause)()
    await sync_to_async(Queue.hold)("here", "The disk is nearly full.", 60)
    metrics = await get_metrics()
    assert 90 <= metrics["ytarchive_queue_wait_seconds",] < 120, "just when nothing starts, one wants to know"
    assert (metrics["ytarchive_queue_paused",], metrics["ytarchive_queue_held",]) == (1, 1)


async def test_it_tells_the_rest_whatever_somebody_wrote_into_redis(live_processes, redis_server) -> None:
    with redis_server.client() as client:
        client.set(keys.COUNTS_KEY, "nonsense")
    metrics = await get_metrics()
    assert ("ytarchive_videos", "complete") in metrics
    assert metrics["ytarchive_disk_free_bytes",] > 0


async def test_it_tells_the_rest_while_redis_is_away(live_processes, redis_server, monkeypatch) -> None:
    monkeypatch.setattr(health, "CHECK_TIMEOUT_SECONDS", USUAL_CHECK_TIMEOUT_SECONDS)
    redis_server.kill()
    metrics = await get_metrics()
    assert metrics["ytarchive_part_up", "redis"] == 0
    assert ("ytarchive_videos", "complete") in metrics
    assert ("ytarchive_clients",) not in metrics
    redis_server.start()
