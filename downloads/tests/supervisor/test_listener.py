"""The socket that the web server listens on."""

import pytest

from ytarchive.supervisor.listener import is_loopback, local_address, local_url, open_listener


@pytest.mark.parametrize(("host", "local", "reached"), [
    ("127.0.0.1", True, "127.0.0.1"),
    ("localhost", True, None),
    ("0.0.0.0", False, "127.0.0.1"),
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
