"""The Compose file's rules, its health checks and nginx' configuration; no Docker engine is needed."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

from downloads.tests.support.cases import each_case
from downloads.tests.support.compose import COMPOSE_FILE, COMPOSE_TEXT, SERVICES

APPLICATION_SERVICES = ("setup", "web", "bridge", "worker")
SECRET_VARIABLES = ("DJANGO_SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "DJANGO_SUPERUSER_PASSWORD")
# They follow from the services of the file.
SET_BY_COMPOSE = {"YTARCHIVE_DATA", "REDIS_URL", "DATABASE_URL"}

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


@each_case("name", [name for name in SERVICES if name != "setup"])
def test_long_running_services_have_health_checks(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
    assert SERVICES[name]["restart"] == "unless-stopped"


PING_ANSWERS = {
    "echo PONG": (0, False),
    "echo LOADING Valkey is loading the dataset in memory": (1, False),
    "echo Could not connect to Valkey: Connection refused; exit 1": (1, False),
    "exec sleep 60": (1, True),
}


@pytest.mark.parametrize("ping", PING_ANSWERS)
def test_only_a_redis_that_gives_no_answer_is_killed(tmp_path: Path, ping: str) -> None:
    """The health check's own script, with programs in place of the container's: its `timeout` waits 20 ms."""
    script = SERVICES["redis"]["healthcheck"]["test"][1].replace("$$", "$")
    programs = {
        "valkey-cli": ping,
        "timeout": f'shift; exec {shutil.which("timeout")} 0.02 "$@"',
        "pkill": f'echo "$@" > {tmp_path}/killed',
    }
    if ping == "exec sleep 60":
        script = script.replace("1 2 3 4 5 6 7 8 9 10 11 12", "1 2")
    else:
        programs["timeout"] = 'shift; exec "$@"'
    for name, program in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{program}\n")
        (tmp_path / name).chmod(0o755)

    status = subprocess.run(["sh", "-c", script], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=False).returncode

    assert (status, (tmp_path / "killed").exists()) == PING_ANSWERS[ping]


def test_it_publishes_nginx_only_and_to_this_machine() -> None:
    assert [name for name in SERVICES if "ports" in SERVICES[name]] == ["nginx"]
    assert SERVICES["nginx"]["ports"] == ["${YTARCHIVE_PUBLISH:-127.0.0.1:8000}:8080"]


def test_it_keeps_the_stores_on_a_network_without_a_way_out() -> None:
    assert COMPOSE_FILE["networks"]["inside"] == {"internal": True}
    assert SERVICES["redis"]["networks"] == SERVICES["postgres"]["networks"] == ["inside"]


@each_application_service
def test_it_uses_one_image_and_is_private(name: str) -> None:
    assert SERVICES[name]["image"] == "ytarchive"
    assert SERVICES[name]["environment"]["YTARCHIVE_PRIVATE"] == "${YTARCHIVE_PRIVATE:-1}"


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


def test_it_passes_every_documented_setting() -> None:
    operating = (settings.BASE_DIR / "docs" / "operating.md").read_text()
    documented = set(re.findall(r"^\| `(\w+)` \|", operating, re.MULTILINE))
    passed = {name: str(value) for service in APPLICATION_SERVICES for name, value in _environment(service).items()}

    assert passed.keys() == documented
    assert {name for name, value in passed.items() if f"${{{name}:" not in value} == SET_BY_COMPOSE


@each_application_service
def test_each_service_gets_the_same_settings(name: str) -> None:
    first_admin = {variable for variable in _environment("setup") if variable.startswith("DJANGO_SUPERUSER_")}

    assert _environment(name).keys() | first_admin == _environment("setup").keys()


def _environment(service: str) -> dict[str, str]:
    environment: dict[str, str] = SERVICES[service]["environment"]
    return environment


def test_it_keeps_the_filled_in_secrets_out_of_git_and_image() -> None:
    assert "/.env" in (settings.BASE_DIR / ".gitignore").read_text().splitlines()
    assert (settings.BASE_DIR / ".dockerignore").read_text().startswith("*\n")


def test_it_puts_all_that_the_program_needs_into_the_image() -> None:
    included_names = re.findall(r"^!(\S+)", (settings.BASE_DIR / ".dockerignore").read_text(), re.MULTILINE)

    assert {"manage.py", "requirements.txt", "downloads", "ytarchive", "static", "templates"} <= set(included_names)
    assert all((settings.BASE_DIR / name).exists() for name in included_names)
