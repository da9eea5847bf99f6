"""A database of another version: refused by every command, in one sentence."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.db.migrations.recorder import MigrationRecorder

from downloads.database import schema
from downloads.monitoring import database_check
from ytarchive.supervisor import bootstrap
from ytarchive.supervisor.startup import StartupError

pytestmark = pytest.mark.django_db
COMMANDS = [("ingest", "http://a.example/"), ("web",), ("work",), ("bridge_progress",), ("index",)]
LAST_MIGRATION = max(schema.known_migrations()["downloads"])


@pytest.fixture(
    params=[("downloads", "0099_future"), ("auth", "0099_future"), ("downloads", "0012_of_a_branch")], ids=str
)
def newer_schema(request):
    app, name = request.param
    MigrationRecorder(connection).record_applied(app, name)
    return f"{app}.{name}"


@pytest.fixture
def older_schema():
    MigrationRecorder(connection).record_unapplied("downloads", LAST_MIGRATION)
    return f"downloads.{LAST_MIGRATION}"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_command_refuses_a_newer_database(newer_schema, command):
    with pytest.raises(CommandError, match="newer version") as error:
        call_command(*command)
    assert newer_schema in str(error.value)
    assert "restore the copy" in str(error.value)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_command_alone_refuses_an_older_database(older_schema, command):
    with pytest.raises(CommandError, match="older version") as error:
        call_command(*command)
    assert older_schema in str(error.value)


def test_a_start_refuses_a_newer_database_and_changes_nothing(newer_schema, monkeypatch):
    # Its end closes all connections, and this test's transaction with them.
    monkeypatch.setattr(bootstrap, "connections", type("Connections", (), {"close_all": staticmethod(lambda: None)}))
    with pytest.raises(StartupError, match=newer_schema):
        bootstrap.prepare_all(lambda _: None)


def test_readiness_names_the_newer_version(newer_schema, monkeypatch):
    monkeypatch.setattr(connections["default"], "close", lambda: None)  # and this test's transaction with it
    with pytest.raises(database_check.DatabaseProblem, match=newer_schema):
        database_check.require_usable_database()


def test_what_is_no_newer_version_is_no_reason_to_refuse():
    applied = schema.read_applied()
    old_of_others = {("auth", "0001_replaced_long_ago"), ("an_app_that_was_removed", "0099_x")}
    assert schema.describe_mismatch(applied) == ""
    assert schema.describe_mismatch(applied | old_of_others) == ""


def test_an_empty_database_is_called_that():
    assert "has no tables yet" in schema.describe_mismatch(set())
