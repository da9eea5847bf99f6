"""The services of docker-compose.yml as real processes: health checks and nginx."""

import http.client
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from downloads.progress import keys
from downloads.tests.support import nginx, required_programs
from downloads.tests.support.compose import SERVICES
from downloads.tests.support.processes import ArchiveProcess, get_status, temporary_archive
from downloads.tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def running_archive(tmp_path_factory: pytest.TempPathFactory, prepared_data: Path) -> Iterator[ArchiveProcess]:
    with temporary_archive(tmp_path_factory.mktemp("compose"), prepared=prepared_data) as archive:
        archive.start(
            "up", "--port", "0", DJANGO_ALLOWED_HOSTS="localhost,.example.org,127.0.0.1", YTARCHIVE_PRIVATE="0"
        )
        archive.await_ready()
        yield archive


def run_health_check(name: str, port: str, **env: str) -> bool:
    """Run a service's own health check, with `port` instead of 8000; tell whether it succeeds."""
    command, option, program = SERVICES[name]["healthcheck"]["test"][1:]
    assert (command, option) == ("python", "-c")
    result = subprocess.run(
        [sys.executable, "-c", program.replace("8000", port)],
        env=os.environ | env,
        stderr=subprocess.DEVNULL,
        check=False,
        timeout=30,
    )
    return result.returncode == 0


def port_of(archive: ArchiveProcess) -> str:
    return archive.await_ready().rsplit(":", 1)[1].rstrip("/")


@pytest.mark.processes
@pytest.mark.parametrize("name", ["web", "bridge", "worker"])
def test_a_running_service_is_healthy(running_archive: ArchiveProcess, name: str) -> None:
    socket = running_archive.redis().get_connection_kwargs()["path"]

    assert run_health_check(
        name, port_of(running_archive), DJANGO_ALLOWED_HOSTS="localhost,other", REDIS_URL=f"unix://{socket}"
    )


@pytest.mark.processes
@pytest.mark.parametrize("name", ["web", "bridge", "worker"])
def test_a_missing_service_is_unhealthy(redis_server, name: str) -> None:
    assert not run_health_check(name, "1", DJANGO_ALLOWED_HOSTS="localhost", REDIS_URL=redis_server.url)


def test_it_gives_nginx_a_configuration_it_takes() -> None:
    result = subprocess.run(
        [required_programs.require_program("nginx"), "-t", "-c", nginx.DEPLOYED_CONFIGURATION],
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stderr


@pytest.fixture
def nginx_url(running_archive: ArchiveProcess, tmp_path: Path) -> Iterator[str]:
    with nginx.run_deployed_nginx(running_archive.await_ready(), tmp_path) as url:
        wait_until(lambda: get_status(url) == 200, "nginx passes requests on")
        yield url


@pytest.mark.processes
def test_it_passes_pages_and_live_progress_through_nginx(running_archive: ArchiveProcess, nginx_url: str) -> None:
    assert get_status(nginx_url + "nginx-alive") == 204
    address = nginx_url.replace("http", "ws", 1) + "ws/progress"

    with connect(address, origin=nginx_url.rstrip("/")) as socket, running_archive.redis() as client:
        client.publish(keys.progress_channel("demo:1"), '{"percent": 42}')
        frame = json.loads(socket.recv(timeout=10))

    assert (frame["type"], frame["video_id"], frame["percent"]) == ("progress", "demo:1", 42)
    with pytest.raises(InvalidStatus, match="403"), connect(address, origin="http://other.example"):
        pass


@pytest.mark.processes
@pytest.mark.parametrize("cookie_lines", [["a=" + "b" * 20_000], ["a=" + "b" * 9_000] * 2, ["a=" + "b" * 15_000] * 9])
def test_nginx_says_that_there_are_too_many_cookies(nginx_url: str, cookie_lines: list[str]) -> None:
    host, port = nginx_url.removeprefix("http://").rstrip("/").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    connection.putrequest("GET", "/")
    for line in cookie_lines:
        connection.putheader("Cookie", line)
    connection.endheaders()
    response = connection.getresponse()

    assert response.status == 431
    assert "The browser sent too many cookies" in response.read().decode()
    connection.close()


@pytest.mark.processes
def test_nginx_passes_on_16_kb_of_cookies(nginx_url: str) -> None:
    request = urllib.request.Request(nginx_url, headers={"Cookie": "a=" + "b" * 14_000})
    with urllib.request.urlopen(request, timeout=20) as response:
        assert response.status == 200
