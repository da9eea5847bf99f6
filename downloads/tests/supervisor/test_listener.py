"""The socket that the web server listens on."""

import socket

import pytest

from downloads.tests.support.cases import each_case
from ytarchive.supervisor.listener import is_loopback, local_address, local_url, open_listener
from ytarchive.supervisor.startup import StartupError


@each_case(("host", "local", "reached"), [
    ("127.0.0.1", True, "127.0.0.1"),
    ("localhost", True, None),
    ("0.0.0.0", False, "127.0.0.1"),
    ("::", False, "127.0.0.1"),
    ("[::]", False, "127.0.0.1"),
    ("::1", True, "::1"),
    ("::ffff:127.0.0.1", True, "127.0.0.1"),
    ("::ffff:0.0.0.0", False, "127.0.0.1"),
])  # fmt: skip
def test_it_knows_where_it_is_reached(host: str, local: bool, reached: str | None) -> None:
    with open_listener(host, 0) as listener:
        assert is_loopback(listener) == local
        assert reached in (None, local_address(listener)[0])
        assert local_url(listener).endswith(f":{listener.getsockname()[1]}/")


@pytest.mark.parametrize("prefix", ["/", "/tube/"])
def test_its_url_is_that_of_the_library(settings, prefix: str) -> None:
    settings.URL_PREFIX = prefix
    with open_listener("127.0.0.1", 0) as listener:
        assert local_url(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}{prefix}"


@pytest.mark.parametrize(("host", "reached_addresses"), [
    ("::", {"127.0.0.1", "::1"}),
    ("::1", {"::1"}),
    ("0.0.0.0", {"127.0.0.1"}),
    ("::ffff:127.0.0.1", {"127.0.0.1"}),
])  # fmt: skip
def test_it_hears_ipv4_too_where_it_listens_on_everything(host: str, reached_addresses: set[str]) -> None:
    with open_listener(host, 0) as listener:
        assert {address for address in ("127.0.0.1", "::1") if connects(address, listener)} == reached_addresses


def test_it_refuses_a_port_that_one_of_the_two_has_taken() -> None:
    with open_listener("0.0.0.0", 0) as listener, pytest.raises(StartupError, match="in use"):
        open_listener("::", listener.getsockname()[1])


def connects(address: str, listener: socket.socket) -> bool:
    try:
        socket.create_connection((address, listener.getsockname()[1]), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True
