"""A Redis that answers and takes no writes: named with its reason, and nobody else is blamed for it."""

import contextlib
import json
from collections.abc import Iterator

import pytest
import redis
from channels.layers import channel_layers, get_channel_layer
from channels.testing import HttpCommunicator
from django.conf import settings as django_settings

from downloads.bridge import leader
from downloads.bridge.leader import Bridge
from downloads.monitoring import health
from downloads.progress import keys, publisher, redis_clients
from downloads.progress.message import Progress
from downloads.progress.redis_errors import describe_redis_error
from downloads.tests.support.waiting import PATIENCE_SECONDS
from downloads.worker.supervisor import Supervisor
from ytarchive.asgi import application
from ytarchive.supervisor import readiness
from ytarchive.supervisor.startup import StartupError

pytestmark = pytest.mark.django_db(transaction=True)

# What is wrong with the server, how to get there, how to get back, and what is said.
STATES = {
    "memory": (("CONFIG SET maxmemory 1",), ("CONFIG SET maxmemory 0",), "its memory is full"),
    "replica": (("REPLICAOF 127.0.0.1 1",), ("REPLICAOF NO ONE",), "it is a read-only replica"),
    "replicas": (
        ("CONFIG SET min-replicas-to-write 1",),
        ("CONFIG SET min-replicas-to-write 0",),
        "too few of its replicas are connected",
    ),
    "rights": (("ACL SETUSER default -set",), ("ACL SETUSER default +@all",), "(ACL)"),
    "rights to scripts": (("ACL SETUSER default -eval",), ("ACL SETUSER default +@all",), "(ACL)"),
    "rights to keys": (("ACL SETUSER default resetkeys ~other:*",), ("ACL SETUSER default ~*",), "(ACL)"),
}


@pytest.fixture(autouse=True)
async def no_caching(redis_server, monkeypatch):
    monkeypatch.setattr(health, "HEALTH_CACHE_SECONDS", 0.0)
    channel_layers.backends.pop("default", None)
    yield
    await get_channel_layer().flush()
    channel_layers.backends.pop("default", None)


@pytest.fixture
def broken_redis(request: pytest.FixtureRequest, redis_server) -> Iterator[str]:
    """A Redis in one of STATES; yields the words for it."""
    spoil, mend, words = STATES[request.param]
    # A connection of its own, opened before: it may mend what the access rights forbid new ones.
    with redis_server.client() as client:
        for command in spoil:
            client.execute_command(*command.split())
        try:
            yield words
        finally:
            for command in mend:
                client.execute_command(*command.split())
            redis_clients.get_redis_client().ping()


each_state = pytest.mark.parametrize("broken_redis", STATES, indirect=True)


async def get_checks() -> dict:
    response = await HttpCommunicator(application, "GET", "/readyz").get_response(PATIENCE_SECONDS)
    return json.loads(response["body"])["checks"]


@each_state
async def test_it_says_why_and_blames_nobody_else(broken_redis: str, caplog) -> None:
    for _ in range(3):
        checks = await get_checks()

    problem = checks["redis"]["problem"]
    assert problem.startswith("Redis takes no writes: ")
    assert broken_redis in problem
    for name in ("bridge", "worker"):
        assert checks[name]["problem"] == f"Not known. {problem}"
    assert "manage.py" not in json.dumps(checks), "nobody is told to start what runs"
    assert caplog.text.count("Redis takes no writes") == 1


async def test_it_is_well_again_without_a_restart(redis_server, caplog) -> None:
    with redis_server.client() as client:
        client.config_set("maxmemory", 1)
        try:
            assert not (await get_checks())["redis"]["ok"]
        finally:
            client.config_set("maxmemory", 0)
    assert (await get_checks())["redis"]["ok"]
    assert "redis: well again" in caplog.text


async def test_a_silent_bridge_is_blamed_while_redis_works(redis_server) -> None:
    checks = await get_checks()
    assert checks["redis"]["ok"]
    assert checks["bridge"]["problem"].startswith("No bridge leads")


# What the processes log ------------------------------------------------------------------------------


@pytest.mark.parametrize("broken_redis", ["memory", "replica", "rights to scripts"], indirect=True)
async def test_the_bridge_says_it_once_and_goes_on(broken_redis: str, redis_server, monkeypatch, caplog) -> None:
    """With access to the lease and to nothing else, each attempt gets as far as the first batch."""
    monkeypatch.setattr(leader, "LEASE_RETRY_SECONDS", 0.02)
    client = redis_clients.create_async_redis_client(connect_timeout=0.5, response_timeout=1.0)
    bridge = Bridge(client, get_channel_layer(), 0.05)
    attempts: list[None] = []
    wait = bridge._wait_unless_stopping

    async def count_attempts(seconds: float) -> None:
        attempts.append(None)
        if len(attempts) == 5:
            bridge.stop()
        await wait(seconds)

    bridge._wait_unless_stopping = count_attempts
    async with client:
        await bridge.run()

    assert caplog.text.count("No live progress, retrying: Redis takes no writes: ") == 1
    assert "can be used again" not in caplog.text


@pytest.mark.parametrize("broken_redis", ["memory"], indirect=True)
def test_the_worker_says_it_once_and_that_it_is_over(broken_redis: str, redis_server, caplog) -> None:
    worker = Supervisor(1)
    for _ in range(3):
        worker._write_heartbeat()
    assert caplog.text.count("Redis takes no writes: its memory is full") == 1
    with redis_server.client() as client:
        client.config_set("maxmemory", 0)
    caplog.set_level("INFO")
    worker._write_heartbeat()
    assert "Redis can be used again" in caplog.text
    with redis_server.client() as client:
        assert client.exists(keys.WORKER_KEY_PREFIX + worker.name)


def test_publishing_says_why_once(redis_server, caplog) -> None:
    with redis_server.client() as client:
        client.execute_command("ACL", "SETUSER", "default", "-publish")
        try:
            for _ in range(3):
                publisher._backoff_until = 0.0
                assert not publisher.publish_progress("abc", Progress(percent=1))
        finally:
            client.execute_command("ACL", "SETUSER", "default", "+@all")
    assert caplog.text.count("Progress is not published: Redis takes no writes: its user may not") == 1


# The start -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("broken_redis", ["memory", "replica", "rights"], indirect=True)
def test_up_refuses_a_server_that_takes_no_writes(broken_redis: str) -> None:
    with pytest.raises(StartupError, match="unset REDIS_URL to use the embedded one") as refusal:
        readiness.require_external_redis()
    assert broken_redis in str(refusal.value)
    with contextlib.suppress(StartupError):
        readiness.clear_stale_keys()


def test_up_says_that_the_password_is_wrong(redis_server, settings) -> None:
    settings.REDIS_URL = django_settings.REDIS_URL.replace("unix://", "unix://:wrong@")
    with redis_server.client() as client:
        client.config_set("requirepass", "right")
        try:
            with pytest.raises(StartupError, match="wrong password") as refusal:
                readiness.require_external_redis()
            assert "right" not in str(refusal.value)
        finally:
            client.config_set("requirepass", "")


def test_up_waits_for_a_server_that_loads_its_data(monkeypatch) -> None:
    errors = iter([redis.exceptions.BusyLoadingError("loading"), None])
    monkeypatch.setattr(readiness, "LOADING_POLL_SECONDS", 0)
    monkeypatch.setattr(readiness, "_write_error", lambda: next(errors))
    readiness.require_external_redis()


# Errors in words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("error", "words"), [
    ("MISCONF Errors writing to the AOF file: No space left on device", "it cannot save its data to its disk"),
    ("MISCONF Valkey is configured to save RDB snapshots, but it's currently unable to persist", "cannot save"),
    ("CLUSTERDOWN Hash slot not served", "its cluster is down"),
    ("ERR Error running script: @user_script:1: -READONLY You can't write against a read only replica.", "replica"),
    ("BUSY Valkey is busy running a script.", "busy with a script"),
    ("MASTERDOWN Link with MASTER is down", "without a connection to its primary"),
    ("NOAUTH Authentication required.", "wrong password"),
    ("something new", "refuses a command: something new"),
])  # fmt: skip
def test_it_knows_the_errors_of_the_server(error: str, words: str) -> None:
    assert words in describe_redis_error(redis.ResponseError(error))


@pytest.mark.parametrize(("error", "words"), [
    (redis.TimeoutError("Timeout reading from socket"), "does not answer"),
    (ConnectionRefusedError(111, "refused"), "does not answer"),
    (redis.ConnectionError("max number of clients reached"), "no more connections"),
    (redis.exceptions.BusyLoadingError("loading"), "loading its data"),
])  # fmt: skip
def test_it_knows_the_errors_of_connections(error: Exception, words: str) -> None:
    assert words in describe_redis_error(error)
