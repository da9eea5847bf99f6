"""One web process for the tests of its limits."""

import pytest

from downloads.tests.support.web_server import run_web_server


@pytest.fixture(scope="session")
def limited_server(tmp_path_factory, session_redis_server):
    with run_web_server(
        tmp_path_factory.mktemp("limits"),
        REDIS_URL=session_redis_server.url,
        YTARCHIVE_PRIVATE="0",
        YTARCHIVE_MAX_CONNECTIONS="120",
        YTARCHIVE_MAX_CONNECTIONS_PER_CLIENT="40",
    ) as server:
        yield server
