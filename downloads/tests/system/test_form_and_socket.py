"""Forms and WebSockets are accepted from the same origins: both are sent to a real server with the same headers."""

import itertools
import re
import socket
from collections.abc import Iterable

import pytest

from downloads.tests.support.ports import free_port
from downloads.tests.support.prepared_data import copy_data_folder
from downloads.tests.support.processes import manage_processes, wait_until_answered

pytestmark = pytest.mark.processes

TRUSTED_ORIGINS = "https://*.example.test,https://videos.example:8443,https://Big.Example:443,http://plain.example"
ALLOWED_HOSTS = "127.0.0.1,[::1],.example.test,archive.example,xn--bcher-kva.example"
PROTOS = [
    *([], ["https"], ["http"], ["wss"], ["ws"], ["HTTPS"], ["Https "], ["https, http"], ["http, https"]),
    *(["https,https"], ["https", "http"], ["http", "https"], [" https"], [""], ["ftp"], ["on"]),
]
HOSTS = [
    *("archive.example", "archive.example:443", "archive.example:80", "archive.example:8000", "ARCHIVE.example"),
    *("a.example.test", "example.test", "archive.example.", "[::1]", "[::1]:8000", "xn--bcher-kva.example"),
    *("other.example", "archive_1.example"),
]
ORIGINS = [
    *(
        "https://archive.example",
        "http://archive.example",
        "https://archive.example:443",
        "http://archive.example:8000",
    ),
    *("https://ARCHIVE.example", "https://archive.example.", "https://a.example.test", "https://example.test"),
    *("https://b.a.example.test", "http://a.example.test", "https://a.example.test:8443", "https://evilexample.test"),
    *("https://a.example.test.evil.example", "https://videos.example:8443", "https://videos.example", "null", ""),
    *("https://big.example", "http://plain.example:80", "https://plain.example", "http://[::1]", "https://[::1]:8000"),
    *(
        "https://xn--bcher-kva.example",
        "https://user@archive.example",
        "https://archive.example/",
        "wss://archive.example",
    ),
    *("https://*.example.test", "https://archive.example:0", f"https://archive.example:{'4' * 5000}"),
    "https://archive.example, https://archive.example",
]


class RawClient:
    """A client that sends headers as they are given, to one server."""

    def __init__(self, port: int) -> None:
        self.port = port
        page = self.request("GET /accounts/login/", [("Host", "127.0.0.1")])
        name, secret = re.findall(rb"Set-Cookie:\s+(\w+_csrftoken)=(\w+)", page)[0]
        token = re.findall(rb'name="csrfmiddlewaretoken" value="(\w+)"', page)[0]
        self.cookie = f"{name.decode()}={secret.decode()}"
        self.body = f"csrfmiddlewaretoken={token.decode()}"

    def request(self, line: str, headers: list[tuple[str, str]], body: str = "") -> bytes:
        """Return the whole response, or its head if the server keeps the connection."""
        lines = [f"{line} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", body]
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall("\r\n".join(lines).encode())
            response = b""
            while chunk := connection.recv(65536):
                response += chunk
                if b"\r\n\r\n" in response and not line.startswith("GET /accounts"):
                    break
                if b"</html>" in response:
                    break
            return response

    def form_status(self, headers: list[tuple[str, str]]) -> int:
        headers = [
            *headers,
            ("Cookie", self.cookie),
            ("Referer", "https://archive.example/"),
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Content-Length", str(len(self.body))),
        ]
        return int(self.request("POST /accounts/logout/", headers, self.body).split()[1])

    def socket_status(self, headers: list[tuple[str, str]]) -> int:
        headers = [
            *headers,
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("Sec-WebSocket-Version", "13"),
        ]
        return int(self.request("GET /ws/progress", headers).split()[1])

    def accepts(self, headers: list[tuple[str, str]]) -> tuple[bool, bool]:
        """Return whether the form and the handshake are accepted."""
        return self.form_status(headers) == 302, self.socket_status(headers) == 101


@pytest.fixture(scope="module")
def start_server(tmp_path_factory, prepared_data, session_redis_server):
    """Start a web process with these settings on a data folder of its own; return its client."""
    folder = tmp_path_factory.mktemp("server")
    processes = manage_processes(folder)
    run_manage = next(processes)
    env = {
        "YTARCHIVE_DATA": str(folder / "data"),
        "YTARCHIVE_PRIVATE": "0",
        "DJANGO_ALLOWED_HOSTS": ALLOWED_HOSTS,
        "REDIS_URL": session_redis_server.url,
    }
    copy_data_folder(prepared_data, folder / "data")

    def start(**settings: str) -> RawClient:
        port = free_port()
        process = run_manage("web", "--port", str(port), env=env | settings)
        wait_until_answered(f"http://127.0.0.1:{port}/accounts/login/", process)
        return RawClient(port)

    yield start
    next(processes, None)


@pytest.fixture(scope="module")
def behind_tls(start_server) -> RawClient:
    return start_server(DJANGO_CSRF_TRUSTED_ORIGINS=TRUSTED_ORIGINS)


def request_headers(host: str, origin: str, protos: list[str]) -> list[tuple[str, str]]:
    return [("Host", host), ("Origin", origin), *(("X-Forwarded-Proto", proto) for proto in protos)]


def find_differences(client: RawClient, cases: Iterable[tuple[str, str, list[str]]]) -> list:
    verdicts = {repr(case): client.accepts(request_headers(*case)) for case in cases}
    assert {True, False} <= {form for form, _ in verdicts.values()}
    return [(case, verdict) for case, verdict in verdicts.items() if verdict[0] != verdict[1]]


@pytest.mark.parametrize("proto", ["wss", "https, http", "HTTPS"])
def test_a_trusted_wildcard_is_accepted_whatever_the_proxy_calls_https(behind_tls, proto):
    headers = request_headers("a.example.test", "https://a.example.test", [proto])

    assert behind_tls.accepts(headers) == (True, True)


def test_both_have_the_same_verdict_for_every_scheme(behind_tls):
    origins = ["https://archive.example", "http://archive.example", "https://a.example.test"]
    cases = itertools.product(["archive.example", "a.example.test"], origins, PROTOS)
    assert find_differences(behind_tls, cases) == []


@pytest.mark.parametrize("step", [3, pytest.param(1, marks=pytest.mark.soak)])
def test_both_have_the_same_verdict_for_every_host_and_origin(behind_tls, step):
    """All hosts, and all origins, in every third pair of them."""
    pairs = [(host, origin) for number, host in enumerate(HOSTS) for origin in ORIGINS[number % step :: step]]
    cases = [(*pair, [proto]) for pair in pairs for proto in ("https", "http")]
    assert find_differences(behind_tls, cases) == []


def test_both_have_the_same_verdict_without_a_proxy(start_server):
    client = start_server()
    origins = ["http://archive.example", "https://archive.example", "http://archive.example:80", "null"]

    assert find_differences(client, itertools.product(HOSTS, origins, [[], ["https"]])) == []


@pytest.mark.parametrize(("host", "origin", "protos", "accepted"), [
    ("archive.example", "https://archive.example", ["https"], True),
    ("archive.example", "https://archive.example", ["HTTPS"], True),
    ("archive.example", "https://archive.example", ["wss"], True),
    ("archive.example", "https://archive.example", ["https, http"], True),
    ("archive.example", "https://archive.example", ["https", "http"], True),
    ("archive.example", "https://archive.example", ["http", "https"], False),
    ("archive.example", "https://archive.example", [], False),
    ("archive.example:443", "https://archive.example", ["https"], True),
    ("archive.example:80", "http://archive.example", ["http"], True),
    ("ARCHIVE.example", "https://archive.example", ["https"], True),
    ("archive.example:8000", "https://archive.example", ["https"], False),
    ("archive.example", "https://archive.example.", ["https"], False),
    ("127.0.0.1", "https://a.example.test", [], True),  # a proxy that changes Host
    ("127.0.0.1", "https://example.test", [], True),
    ("127.0.0.1", "https://a.example.test:8443", [], False),
    ("127.0.0.1", "https://evilexample.test", [], False),
    ("127.0.0.1", "http://a.example.test", [], False),
    ("127.0.0.1", "https://videos.example:8443", [], True),
    ("127.0.0.1", "https://big.example", [], True),
    ("[::1]:8000", "http://[::1]:8000", [], True),
    ("127.0.0.1", "null", [], False),
])  # fmt: skip
def test_each_case_has_the_right_verdict(behind_tls, host, origin, protos, accepted):
    assert behind_tls.accepts(request_headers(host, origin, protos)) == (accepted, accepted)
