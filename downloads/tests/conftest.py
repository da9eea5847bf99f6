"""Shared fixtures: a real Redis-compatible server, data folders, processes and a media server."""

import fcntl
import logging
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from channels.layers import channel_layers, get_channel_layer
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.cache import caches
from django.test import TransactionTestCase
from django.test.utils import override_settings
from playwright.sync_api import Browser, Playwright, sync_playwright

from downloads.accounts import client_address
from downloads.database import schema
from downloads.fanout import hub
from downloads.files import ffmpeg
from downloads.models import Video
from downloads.monitoring import folders, metrics, standstill
from downloads.network.proxy import PROXY_ENV_VARIABLES
from downloads.progress import publisher, redis_clients
from downloads.tests.support import clips, file_versions, required_programs
from downloads.tests.support.flush import empty_tables
from downloads.tests.support.half_open_proxy import HalfOpenProxy
from downloads.tests.support.made_once import *  # noqa: F403 - fixtures
from downloads.tests.support.media_server import MediaServer
from downloads.tests.support.processes import RunManage, manage_processes
from downloads.tests.support.redis_server import RedisServer
from downloads.tests.support.users import make_user
from downloads.tests.support.waiting import PATIENCE_SECONDS
from downloads.views import error_handlers, login
from ytarchive.log_rate import RateLimitFilter
from ytarchive.server import request_checks
from ytarchive.server.limits import answers

# Tabs of one context share a process: each would take a second or two to start and to compile all scripts.
CHROMIUM_ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--process-per-site"]
LOG_LIMITERS = (
    client_address.bad_headers,
    login.refused_sign_ins,
    error_handlers.refused_hosts,
    error_handlers.refused_users,
    answers.unreadable_requests,
    request_checks.refused_sockets,
)
# What modules keep of what they read, with its value in a new process.
MODULE_CACHES = [
    (module, name, getattr(module, name))
    for module, name in (
        (folders, "_next_probe_at"),
        (metrics, "_cached_metrics"),
        (schema, "_cached_mismatch"),
        (standstill, "_cached"),
    )
]
FAST_PASSWORD_HASHER = "django.contrib.auth.hashers.MD5PasswordHasher"
USUAL_REDIS_TIMEOUT_SECONDS = redis_clients.REDIS_TIMEOUT_SECONDS


@pytest.fixture(scope="session")
def session_redis_server() -> Iterator[RedisServer]:
    server = RedisServer(settings.REDIS_SOCKET, settings.DATA / "redis")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def redis_server(session_redis_server: RedisServer) -> Iterator[RedisServer]:
    """The embedded Redis server at the address in the settings, empty."""
    if not session_redis_server.is_ready():
        session_redis_server.start()
    with session_redis_server.client() as client:
        client.flushall()
    publisher._backoff_until = 0.0
    yield session_redis_server
    publisher._backoff_until = 0.0


@pytest.fixture(scope="session", autouse=True)
def patient_redis_client() -> Iterator[None]:
    """Let this process wait for Redis as long as a loaded machine needs; what it does not publish is lost."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(redis_clients, "REDIS_TIMEOUT_SECONDS", 10.0)  # read when the client is made
        yield


@pytest.fixture
def usual_redis_timeout(monkeypatch) -> None:
    """Give this process a new client of Redis with the program's own timeout, for tests of a frozen server."""
    monkeypatch.setattr(redis_clients, "REDIS_TIMEOUT_SECONDS", USUAL_REDIS_TIMEOUT_SECONDS)
    monkeypatch.setattr(redis_clients, "_redis_client", None)


@pytest.fixture(scope="session", autouse=True)
def quick_flush() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(TransactionTestCase, "_fixture_teardown", empty_tables)
        yield


@pytest.fixture
def run_manage(tmp_path: Path) -> Iterator[RunManage]:
    """Start `manage.py …` as real processes on the tests' data folder; they are ended with the test.

    `run_manage("work", env={…})` returns the Popen; its output goes to the file `process.log` (a Path).
    """
    yield from manage_processes(tmp_path)


@pytest.fixture(scope="session")
def session_media_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MediaServer]:
    folder = tmp_path_factory.mktemp("clips")
    with MediaServer(clips.make_clips(folder)) as server:
        server.start()
        yield server
        server.released.set()
        server.shutdown()


@pytest.fixture
def media_server(session_media_server: MediaServer) -> Iterator[MediaServer]:
    """A media server on loopback: `media_server.url("/clip.mp4")`; its module lists the paths."""
    yield session_media_server.reset()
    session_media_server.released.set()


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """What drives browsers; a process can have only one."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """A real Chromium; pages have contexts of their own."""
    path = required_programs.require_program("chromium")
    # Not started where Chromium is missing: its event loop stays for the rest of the run.
    playwright: Playwright = request.getfixturevalue("playwright")
    browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
    browser.on("context", lambda context: context.set_default_timeout(PATIENCE_SECONDS * 1000))
    yield browser
    browser.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests marked `alone` first: later on, each would wait for the test that the other worker is running.

    Tests with a browser come last: Playwright's event loop runs from then on, and asyncio allows no other beside it.
    The long ones of them, which have a timeout of their own, come before the others: those even out what each process
    still has to do at the end.
    """

    def order(item: pytest.Item) -> tuple[bool, bool, bool]:
        is_browser_test = "chromium" in item.keywords
        return is_browser_test, "alone" not in item.keywords, not (is_browser_test and "timeout" in item.keywords)

    items.sort(key=order)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Let a test that measures time run alone, while the other worker waits; tests that are not `alone` overlap.

    Each test takes the turn lock before the main lock. A test that needs the main lock exclusively keeps the turn lock
    until all running tests have ended, so that no other starts.
    """
    run = getattr(item.config, "workerinput", {}).get("testrunuid")
    if not run:
        return (yield)
    lock_path = Path(tempfile.gettempdir(), f"yta-tests-{run}")
    kind = fcntl.LOCK_EX if item.get_closest_marker("alone") else fcntl.LOCK_SH
    with lock_path.with_suffix(".turn").open("w") as turn_file, lock_path.with_suffix(".lock").open("w") as lock_file:
        fcntl.flock(turn_file, fcntl.LOCK_EX)
        fcntl.flock(lock_file, kind)
        fcntl.flock(turn_file, fcntl.LOCK_UN)
        try:
            return (yield)
        finally:
            fcntl.flock(lock_file, fcntl.LOCK_UN)  # explicit, since a process that a test forked may hold it too


def pytest_unconfigure(config: pytest.Config) -> None:
    """Delete the lock files."""
    if run := getattr(config, "workerinput", {}).get("testrunuid"):
        for suffix in ("turn", "lock"):
            Path(tempfile.gettempdir(), f"yta-tests-{run}.{suffix}").unlink(missing_ok=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how to install the programs whose absence made tests be skipped."""
    for line in required_programs.list_missing_programs(terminalreporter.stats.get("skipped", [])):
        terminalreporter.write_line(f"Skipped for want of {line}")


@pytest.fixture(autouse=True)
def skip_slow_hashing_and_file_scans(request: pytest.FixtureRequest) -> Iterator[None]:
    """Save time on parts that tests in this process do not check: slow hashes, and a walk through all static files.

    The program's own processes know only the real hashes.
    """
    if request.node.get_closest_marker("processes"):
        yield
        return
    with override_settings(
        PASSWORD_HASHERS=[FAST_PASSWORD_HASHER, *settings.PASSWORD_HASHERS], WHITENOISE_AUTOREFRESH=True
    ):
        yield


@pytest.fixture(autouse=True)
def empty_caches() -> None:
    """Let no test read what an earlier one left in a cache of this process."""
    for alias in settings.CACHES:
        caches[alias].clear()
    for module, name, value in MODULE_CACHES:
        setattr(module, name, value)


@pytest.fixture(autouse=True)
def forget_log_lines() -> None:
    """Let no test find a line left out, or summed up, since an earlier one logged the same."""
    for limiter in LOG_LIMITERS:
        limiter.reset()
    for handler in logging.getLogger().handlers:
        for log_filter in handler.filters:
            if isinstance(log_filter, RateLimitFilter):
                log_filter.reset()


@pytest.fixture(autouse=True)
def no_proxy_left() -> Iterator[None]:
    """Take back the proxy variables that a download in this process sets: later tests ask servers of their own."""
    values = {name: os.environ.get(name) for name in PROXY_ENV_VARIABLES}
    yield
    for name, value in values.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


@pytest.fixture
def child_environment(settings, monkeypatch, tmp_path) -> None:
    """The environment of a worker's child: folders of its own, ffmpeg on PATH, and access to private hosts."""
    settings.ALLOW_PRIVATE_HOSTS = True
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.WORK_ROOT = tmp_path / "work"
    settings.MEDIA_ROOT.mkdir()
    settings.WORK_ROOT.mkdir()
    monkeypatch.setenv("PATH", ffmpeg.build_search_path())


@pytest.fixture
def superuser_client(client, redis_server):
    user = get_user_model().objects.create_superuser("ann")
    client.force_login(user)
    return client


@pytest.fixture
def waiting_videos(redis_server):
    return [Video.objects.ingest(f"http://{n}.example/", f"http://{n}.example/")[0] for n in "abcd"]


@pytest.fixture
def signed_in_user(client):
    user = make_user("ada", "manager", password="x")
    client.force_login(user)
    return user


@pytest.fixture
async def channel_layer(redis_server):
    """The channel layer of this test's event loop, empty."""
    channel_layers.backends.pop("default", None)
    yield get_channel_layer()
    await hub.get_hub().close_redis()
    await get_channel_layer().flush()
    channel_layers.backends.pop("default", None)


@pytest.fixture
async def half_open_proxy(redis_server: RedisServer) -> AsyncIterator[HalfOpenProxy]:
    proxy = HalfOpenProxy(redis_server)
    yield proxy
    await proxy.stop()


@pytest.fixture
def private_hosts_allowed(settings):
    settings.ALLOW_PRIVATE_HOSTS = True


@pytest.fixture
def versioned_files(monkeypatch):
    monkeypatch.setattr(file_versions, "FILES", file_versions.VersionedFiles())
    return file_versions.FILES
