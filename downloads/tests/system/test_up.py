"""`manage.py up` as real processes, each archive on a data folder of its own."""

import os
import re
import signal
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from websockets import Subprotocol
from websockets.sync.client import ClientConnection, connect

from downloads.progress import keys
from downloads.tests.support.bridge import read_epoch
from downloads.tests.support.media_server import MediaServer
from downloads.tests.support.processes import (
    ArchiveProcess,
    command_line,
    descendants,
    find_descendants,
    get_status,
    run_refused,
    still_running,
    temporary_archive,
)
from downloads.tests.support.waiting import wait_until

pytestmark = pytest.mark.processes
SUBPROTOCOL = Subprotocol(keys.SUBPROTOCOL)


@pytest.fixture(scope="module")
def running_archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ArchiveProcess]:
    """One archive for the tests that leave it running, in a folder whose name is too long for a socket's."""
    folder = tmp_path_factory.mktemp("up")
    with temporary_archive(folder, data=folder / ("long" * 30) / "data") as archive:
        archive.start("up", "--port", "0")
        archive.await_ready()
        yield archive


@pytest.fixture
def own_archive(tmp_path: Path, prepared_data: Path) -> Iterator[ArchiveProcess]:
    """An archive that the test may kill, which was started before."""
    with temporary_archive(tmp_path, prepared=prepared_data) as archive:
        yield archive


# Start -------------------------------------------------------------------------------------------


def test_it_is_ready_when_pages_bridge_and_worker_are(running_archive: ArchiveProcess) -> None:
    url = running_archive.await_ready()

    assert get_status(url) == 200
    assert get_status(url + "accounts/login/") == 200
    with running_archive.redis() as client:
        assert client.exists(keys.LEADER_KEY)
        assert list(client.scan_iter(keys.WORKER_KEY_PREFIX + "*"))


def test_its_processes_share_their_memory(running_archive: ArchiveProcess) -> None:
    running_archive.await_ready()
    megabytes = {pid: proportional_megabytes(pid) for pid in [running_archive.pid, *descendants(running_archive.pid)]}

    assert megabytes[running_archive.pid] < 40
    assert sum(megabytes.values()) < 250  # 190; were each a new interpreter, 300


def proportional_megabytes(pid: int) -> float:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)[1]) / 1024


def test_it_says_the_first_admins_password_once(running_archive: ArchiveProcess) -> None:
    credentials = re.findall(r"Username: (\S+)  Password: (\S+)", running_archive.output())

    assert len(credentials) == 1
    assert credentials[0][0] == "admin"
    assert len(credentials[0][1]) >= 12


def test_each_process_runs_in_its_own_session(running_archive: ArchiveProcess) -> None:
    pids = [running_archive.child(word) for word in ("unixsocket", " web ", "bridge_progress", " work ")]

    sessions = [os.getsid(pid) for pid in pids]

    assert sessions == pids
    assert os.getsid(running_archive.pid) not in sessions


def test_it_serves_the_gathered_static_files(running_archive: ArchiveProcess) -> None:
    css = next((running_archive.data / "static" / "css").glob("*.*.css"))

    assert get_status(f"{running_archive.await_ready()}static/css/{css.name}") == 200


def test_it_listens_before_anything_is_started(running_archive: ArchiveProcess) -> None:
    port = running_archive.await_ready().rsplit(":", 1)[1].rstrip("/")

    assert f"Port {port} of 127.0.0.1 is in use" in run_refused("up", "--port", port)


def test_it_refuses_a_second_one_on_the_same_data(running_archive: ArchiveProcess) -> None:
    message = run_refused("up", "--port", "0", YTARCHIVE_DATA=str(running_archive.data))

    assert "is already running with" in message
    assert str(running_archive.data) in message


@pytest.mark.parametrize("name", ["bridge_progress", " web ", " work "])
def test_it_restarts_a_killed_process(running_archive: ArchiveProcess, name: str) -> None:
    url = running_archive.await_ready()
    killed_pid = running_archive.child(name)
    with running_archive.redis() as client:
        old_epoch = read_epoch(client)

    os.kill(killed_pid, signal.SIGKILL)

    wait_until(lambda: running_archive.child(name) != killed_pid, f"{name} is started again")
    wait_until(lambda: get_status(url) == 200, "the page is answered")
    with running_archive.redis() as client:
        if name == "bridge_progress":
            wait_until(lambda: read_epoch(client) not in ("", old_epoch), "another bridge leads")
    process_name = {"bridge_progress": "bridge", " web ": "web 1", " work ": "worker"}[name]
    assert f"{process_name} ended (SIGKILL), restarting in" in running_archive.output()


def test_it_reports_a_missing_process(running_archive: ArchiveProcess) -> None:
    url = running_archive.await_ready()
    wait_until(lambda: get_status(url + "readyz") == 200, "all parts work")
    paused_pid = running_archive.child("bridge_progress")

    os.kill(paused_pid, signal.SIGSTOP)
    try:
        wait_until(lambda: get_status(url + "readyz") == 503, "it is noticed")
        assert get_status(url + "healthz") == 200
    finally:
        os.kill(paused_pid, signal.SIGCONT)

    wait_until(lambda: get_status(url + "readyz") == 200, "all parts work again")


def test_it_counts_what_every_process_does(running_archive: ArchiveProcess) -> None:
    url = running_archive.await_ready()

    def read_metric(name: str) -> float:
        with urllib.request.urlopen(url + "metrics", timeout=10) as response:
            match = re.search(rf"^{re.escape(name)} (\S+)$", response.read().decode(), re.MULTILINE)
        return float(match[1]) if match else 0.0

    def open_socket() -> ClientConnection:
        return connect(url.replace("http", "ws") + "ws/progress", subprotocols=[SUBPROTOCOL])

    dropped = 'ytarchive_messages_dropped_total{reason="no_json"}'
    names = ("ytarchive_messages_taken_total", dropped, "ytarchive_batches_total", "ytarchive_frames_ignored_total")
    old_values = {name: read_metric(name) for name in names}
    with running_archive.redis() as redis_client, open_socket() as first, open_socket():
        redis_client.publish("progress:demo", '{"percent": 1}')
        redis_client.publish("progress:demo", "{")
        first.send("hello")
        for name in names:
            wait_until(lambda name=name: read_metric(name) > old_values[name], name)
        wait_until(lambda: read_metric("ytarchive_clients") == 2, "two clients are there")


def test_it_restarts_redis_with_what_it_held(running_archive: ArchiveProcess) -> None:
    with running_archive.redis() as client:
        client.set("kept", "yes")
    wait_until(lambda: is_in_append_only_file(running_archive, b"kept"), "it is written")  # appendfsync everysec
    killed_pid = running_archive.child("unixsocket")

    os.kill(killed_pid, signal.SIGKILL)

    wait_until(lambda: running_archive.child("unixsocket") != killed_pid, "redis is started again")
    with running_archive.redis() as client:
        wait_until(lambda: _get_key(client, "kept") == "yes", "it is read again")


def is_in_append_only_file(archive: ArchiveProcess, word: bytes) -> bool:
    return any(word in file.read_bytes() for file in (archive.data / "redis").rglob("*.aof"))


def _get_key(client, key: str) -> str | None:
    try:
        return client.get(key)
    except redis.RedisError:
        return None


# Stop --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "order",
    [signal.SIGTERM, *(pytest.param(order, marks=pytest.mark.soak) for order in (signal.SIGINT, signal.SIGHUP))],
)
def test_it_stops_everything_and_kills_what_ignores_sigterm(own_archive: ArchiveProcess, order: signal.Signals) -> None:
    own_archive.start("up", "--port", "0", "--web", "2")
    url = own_archive.await_ready()
    pids = descendants(own_archive.pid)
    assert len([pid for pid in pids if " web " in command_line(pid)]) == 2
    os.kill(own_archive.child("bridge_progress"), signal.SIGSTOP)

    assert own_archive.stop(order) == 0

    assert not still_running(pids)
    assert get_status(url) == 0
    assert "bridge did not stop" in own_archive.output()
    assert "Traceback" not in own_archive.output()


def test_it_stops_when_the_signal_comes_early(own_archive: ArchiveProcess) -> None:
    own_archive.start("up", "--port", "0")
    own_archive.child("unixsocket")  # Redis runs, nothing else yet
    pids = descendants(own_archive.pid)

    assert own_archive.stop() == 0

    assert not still_running(pids)
    assert "Traceback" not in own_archive.output()


@pytest.mark.parametrize(
    "path", [pytest.param("/slow/clip.mp4?rate=20000", marks=pytest.mark.soak), "/slowhls/index.m3u8?rate=20000"]
)
def test_it_leaves_nothing_behind_when_killed(
    own_archive: ArchiveProcess, media_server: MediaServer, path: str
) -> None:
    own_archive.start("up", "--port", "0", YTARCHIVE_ALLOW_PRIVATE_HOSTS="1")
    own_archive.await_ready()
    own_archive.manage("ingest", media_server.url(path), YTARCHIVE_ALLOW_PRIVATE_HOSTS="1")
    wait_until(
        lambda: find_descendants(own_archive.pid, "manage.py download"),
        "a download runs",
    )
    wait_until(lambda: list((own_archive.data / "work").rglob("*.part")), "it has begun")
    pids = descendants(own_archive.pid)
    assert len(pids) >= 5

    os.kill(own_archive.pid, signal.SIGKILL)

    wait_until(lambda: not still_running(pids), "no process is left")
    own_archive.process.wait()
    began = time.monotonic()
    own_archive.start("up", "--port", "0")
    own_archive.await_ready()
    assert time.monotonic() - began < 20, "a stale lock, socket or lease is in the way"
    pids = descendants(own_archive.pid)
    assert own_archive.stop() == 0
    assert not still_running(pids)
    assert "did not stop" not in own_archive.output()


# Refusals ------------------------------------------------------------------------------------------


def test_it_never_says_a_given_password(tmp_path: Path, running_archive: ArchiveProcess, empty_database: Path) -> None:
    running_archive.await_ready()
    with temporary_archive(tmp_path, database=empty_database) as archive:
        (archive.data / "static").symlink_to(running_archive.data / "static")
        archive.start("up", "--port", "0", DJANGO_SUPERUSER_PASSWORD="given-by-them")
        archive.wait_for_line("Created the first admin")
        assert archive.stop() == 0
        assert "given-by-them" not in archive.output()
