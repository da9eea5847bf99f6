"""The Compose file's rules, its health checks and nginx' configuration; no Docker engine is needed."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from downloads.progress import keys
from downloads.tests.support import required_programs
from downloads.tests.support.compose import COMPOSE_FILE, COMPOSE_TEXT, SERVICES
from downloads.tests.support.processes import ArchiveProcess, free_port, get_status, temporary_archive
from downloads.tests.support.waiting import wait_until

APPLICATION_SERVICES = ("setup", "web", "bridge", "worker")
SECRET_VARIABLES = ("DJANGO_SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "DJANGO_SUPERUSER_PASSWORD")

each_service = pytest.mark.parametrize("name", SERVICES)
each_application_service = pytest.mark.parametrize("name", APPLICATION_SERVICES)


# The file ----------------------------------------------------------------------------------------


def test_it_has_all_services() -> None:
    assert SERVICES.keys() == {*APPLICATION_SERVICES, "nginx", "redis", "postgres"}
    assert SERVICES["bridge"]["deploy"]["replicas"] == 2


@each_service
def test_it_locks_each_container_down(name: str) -> None:
    service = SERVICES[name]

    assert service["init"] is True
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["pids_limit"] > 0
    assert not {"privileged", "cap_add", "devices", "pid", "network_mode"} & service.keys()


@each_service
def test_it_runs_nothing_as_root(name: str) -> None:
    assert int(SERVICES[name]["user"].split(":")[0]) > 0


@each_service
def test_it_gives_each_container_time_to_stop(name: str) -> None:
    assert int(SERVICES[name]["stop_grace_period"].removesuffix("s")) >= 10


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "setup"])
def test_long_running_services_have_health_checks(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_it_publishes_nginx_only_and_to_this_machine() -> None:
    assert [name for name in SERVICES if "ports" in SERVICES[name]] == ["nginx"]
    assert SERVICES["nginx"]["ports"] == ["${YTARCHIVE_PUBLISH:-127.0.0.1:8000}:8080"]


def test_it_keeps_the_stores_on_a_network_without_a_way_out() -> None:
    assert COMPOSE_FILE["networks"]["inside"] == {"internal": True}
    assert SERVICES["redis"]["networks"] == SERVICES["postgres"]["networks"] == ["inside"]


@each_application_service
def test_it_uses_one_image_and_is_private(name: str) -> None:
    assert SERVICES[name]["image"] == "ytarchive"
    assert SERVICES[name]["environment"]["YTARCHIVE_PRIVATE"] == "1"


@each_application_service
def test_it_calls_public_commands(name: str) -> None:
    command = SERVICES[name]["command"][0]

    assert (settings.BASE_DIR / "downloads" / "management" / "commands" / f"{command}.py").exists()


@pytest.mark.parametrize("name", SECRET_VARIABLES)
def test_it_has_no_secret_and_demands_each(name: str) -> None:
    assert f"${{{name}:?" in COMPOSE_TEXT
    assert f"${{{name}:-" not in COMPOSE_TEXT
    assert re.search(rf"^{name}=$", (settings.BASE_DIR / ".env.example").read_text(), re.MULTILINE)


def test_it_explains_every_variable_it_takes() -> None:
    example = (settings.BASE_DIR / ".env.example").read_text()

    assert set(re.findall(r"\$\{(\w+)", COMPOSE_TEXT)) == set(re.findall(r"^(\w+)=", example, re.MULTILINE))


def test_it_keeps_the_filled_in_secrets_out_of_git_and_image() -> None:
    assert "/.env" in (settings.BASE_DIR / ".gitignore").read_text().splitlines()
    assert (settings.BASE_DIR / ".dockerignore").read_text().startswith("*\n")


def test_it_puts_all_that_the_program_needs_into_the_image() -> None:
    taken = re.findall(r"^!(\S+)", (settings.BASE_DIR / ".dockerignore").read_text(), re.MULTILINE)

    assert {"manage.py", "requirements.txt", "downloads", "ytarchive", "static", "templates"} <= set(taken)
    assert all((settings.BASE_DIR / name).exists() for name in taken)


# With real processes -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def running_archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ArchiveProcess]:
    with temporary_archive(tmp_path_factory.mktemp("compose")) as found:
        found.start("up", "--port", "0", DJANGO_ALLOWED_HOSTS="localhost,.example.org,127.0.0.1", YTARCHIVE_PRIVATE="0")
        found.await_ready()
        yield found


def run_health_check(name: str, port: str, **env: str) -> bool:
    """Run a service's own health check, with our port for its own."""
    command, option, program = SERVICES[name]["healthcheck"]["test"][1:]
    assert (command, option) == ("python", "-c")
    done = subprocess.run(
        [sys.executable, "-c", program.replace("8000", port)],
        env=os.environ | env,
        stderr=subprocess.DEVNULL,
        check=False,
        timeout=30,
    )
    return done.returncode == 0


def port_of(running: ArchiveProcess) -> str:
    return running.await_ready().rsplit(":", 1)[1].rstrip("/")


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


NGINX_CONFIGURATION = settings.BASE_DIR / "deploy" / "nginx.conf"


def test_it_gives_nginx_a_configuration_it_takes() -> None:
    done = subprocess.run(
        [required_programs.require_program("nginx"), "-t", "-c", NGINX_CONFIGURATION],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


@pytest.fixture
def nginx_url(running_archive: ArchiveProcess, tmp_path: Path) -> Iterator[str]:
    """nginx with the very configuration, in front of one web process of this machine."""
    nginx = required_programs.require_program("nginx")
    port = free_port()
    text = NGINX_CONFIGURATION.read_text()
    for old, new in (
        ("listen 8080", f"listen 127.0.0.1:{port}"),
        ("http://web:8000", running_archive.await_ready().rstrip("/")),
        ("/tmp/", f"{tmp_path}/"),
    ):
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "nginx.conf").write_text(text)
    process = subprocess.Popen([nginx, "-c", tmp_path / "nginx.conf", "-g", "daemon off;"])
    url = f"http://127.0.0.1:{port}/"
    wait_until(lambda: get_status(url) == 200, 10, "nginx answers")
    yield url
    process.terminate()
    process.wait(10)


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
