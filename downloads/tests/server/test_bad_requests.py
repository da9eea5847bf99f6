"""Bad inputs, driven at one real server: each is refused with at most one line in the log, and the next is served."""

import contextlib
import re

import pytest

from downloads.tests.support import bad_requests
from downloads.tests.support.web_server import HANDSHAKE, read_response, status_of

pytestmark = pytest.mark.processes


@pytest.fixture
def server(limited_server):
    """The server, which logs at most one printable line for the input of a test, and then serves a good request."""
    lines_before = len(limited_server.log.read_text().splitlines())
    yield limited_server
    assert status_of(limited_server.get()) == 200
    lines = limited_server.log.read_bytes().decode().split("\n")[lines_before:-1]
    assert len([line for line in lines if "left out" not in line]) <= 1, lines
    assert all(line.isprintable() for line in lines)
    assert "Traceback" not in "".join(lines)


@pytest.mark.parametrize("name", bad_requests.REQUESTS)
def test_a_bad_request_is_refused(server, name):
    response = server.request(bad_requests.REQUESTS[name])

    assert 400 <= status_of(response) < 500
    expect_no_exception(response)


@pytest.mark.parametrize("name", bad_requests.ODD_REQUESTS)
def test_an_odd_request_is_answered(server, name):
    assert 200 <= status_of(server.request(bad_requests.ODD_REQUESTS[name])) < 500


@pytest.mark.parametrize("name", bad_requests.HANDSHAKES)
def test_a_bad_handshake_is_refused(server, name):
    response = server.request(bad_requests.HANDSHAKES[name])

    assert 400 <= status_of(response) < 500 or status_of(response) == 505
    expect_no_exception(response)


@pytest.mark.parametrize("name", bad_requests.FRAMES)
def test_bad_frames_end_the_socket(server, name):
    with server.connect(HANDSHAKE) as connection, contextlib.suppress(ConnectionError):
        assert status_of(read_response(connection)) == 101
        with contextlib.suppress(ConnectionError):
            connection.sendall(bad_requests.FRAMES[name])
        while connection.recv(65536):  # until it is closed
            pass


def expect_no_exception(response: bytes) -> None:
    assert not re.search(rb"Error:|Exception|codec|Traceback|\.py", response)
