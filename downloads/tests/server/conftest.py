"""One web process for the tests of its limits."""

import pytest

from downloads.tests.support.web_server import run_web_server


@pytest.fixture(scope="session")
def limited_server(tmp_path_factory, session_redis_server, django_db_setup, static_files):
    with run_web_server(
        tmp_path_factory.mktemp("limits"),
        YTARCHIVE_PRIVATE="0",
        YTARCHIVE_MAX_CONNECTIONS="120",
        YTARCHIVE_MAX_CONNECTIONS_PER_CLIENT="40",
    ) as server:
        yield server
