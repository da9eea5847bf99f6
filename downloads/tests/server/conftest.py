"""One web process for the tests of its limits."""

import pytest
from django.core.management import call_command
from django.db import connection

from downloads.tests.support.web_server import run_web_server


@pytest.fixture(scope="session")
def tables(django_db_setup, django_db_blocker):
    """The tables; pytest-django makes none in a run without a test that uses them itself."""
    with django_db_blocker.unblock():
        if not connection.introspection.table_names():
            call_command("migrate", verbosity=0)
        connection.close()


@pytest.fixture(scope="session")
def limited_server(tmp_path_factory, session_redis_server, tables, static_files):
    with run_web_server(
        tmp_path_factory.mktemp("limits"),
        YTARCHIVE_PRIVATE="0",
        YTARCHIVE_MAX_CONNECTIONS="120",
        YTARCHIVE_MAX_CONNECTIONS_PER_CLIENT="40",
    ) as server:
        yield server
