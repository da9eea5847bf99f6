"""Heads of requests that are not read: a status and words for each, from the real server."""

import contextlib
import socket
import time

import pytest

from downloads.tests.support.ports import free_port
from downloads.tests.support.prepared_data import copy_data_folder
from downloads.tests.support.processes import manage_processes, wait_until_answered

pytestmark = pytest.mark.processes

LOGIN = b"GET /accounts/login/ HTTP/1.1\r\nHost: localhost\r\n"
HANDSHAKE = (
    b"GET /ws/progress HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)
END = b"\r\n"


def cookies(size: int) -> bytes:
    return b"Cookie: " + b"name=value; " * (size // 12) + END


class WebServer:
    def __init__(self, port: int, log) -> None:
        self.port, self.log = port, log

    def send(self, data: bytes, *, host: str = "127.0.0.1") -> bytes:
        """Return all that the server sends until it closes the connection, or one page."""
        with socket.create_connection((host, self.port), timeout=20) as connection:
            connection.sendall(data)
            response = b""
            while chunk := connection.recv(65536):
                response += chunk
                if b"</html>" in response and b"Connection: close" not in response:
                    break
        return response

    def status(self, data: bytes, **options) -> int:
        return int(self.send(data, **options).split()[1])


@pytest.fixture(scope="module")
def web_server(tmp_path_factory, prepared_data, session_redis_server):
    """A web process that listens on `::`."""
    folder = tmp_path_factory.mktemp("server")
    processes = manage_processes(folder)
    run_manage = next(processes)
    port = free_port()
    env = {"YTARCHIVE_DATA": str(folder / "data"), "REDIS_URL": session_redis_server.url, "DJANGO_ALLOWED_HOSTS": "*"}
    copy_data_folder(prepared_data, folder / "data")
    process = run_manage("web", "--bind", "::", "--port", str(port), env=env)
    wait_until_answered(f"http://127.0.0.1:{port}/accounts/login/", process)
    yield WebServer(port, process.log)
    next(processes, None)


def test_more_than_16_kb_of_cookies_are_answered_in_words(web_server):
    page = web_server.send(LOGIN + cookies(20_000) + END)

    assert page.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
    assert b"The browser sent too many cookies" in page
    assert b"Delete the cookies of this host" in page
    assert "127.0.0.1 (431 Request Header Fields Too Large)" in web_server.log.read_text()


@pytest.mark.parametrize(("request_bytes", "status"), [
    (LOGIN + cookies(15_000) + END, 200),
    (LOGIN + cookies(9_000) + cookies(9_000) + END, 431),  # two lines
    (LOGIN + cookies(3_000_000) + END, 431),  # still being sent when it is answered
    (LOGIN + b"X-Many: y\r\n" * 1000 + END, 431),
    (LOGIN + b"X-Long: " + b"y" * 17_000 + END + END, 431),
    (LOGIN + b"X-Folded: y\r\n" + b" z\r\n" * 9000 + END, 431),
    (HANDSHAKE + cookies(20_000) + END, 431),
    (b"HEAD / HTTP/1.1\r\nHost: localhost\r\n" + cookies(20_000) + END, 431),
    (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n" + cookies(20_000) + END + b"abc", 431),
    (b"GET /?q=" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
    (b"GET /" + b"x" * 3_000_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
    (b"nonsense\r\n\r\n", 400),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n", 400),  # https to the port of http
    (LOGIN + b"no colon\r\n\r\n", 400),
    (LOGIN + b"Content-Length: x\r\n\r\n", 400),
])  # fmt: skip
def test_each_head_that_is_not_read_has_its_status(web_server, request_bytes, status):
    assert web_server.status(request_bytes) == status


def test_what_follows_a_refused_head_is_no_request(web_server):
    smuggled = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"

    response = web_server.send(LOGIN + cookies(20_000) + END + smuggled)

    assert response.count(b"HTTP/1.1 ") == 1


def test_the_second_request_of_a_connection_is_refused_too(web_server):
    response = web_server.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" + LOGIN + cookies(20_000) + END)

    assert response.startswith(b"HTTP/1.1 200")
    assert b"HTTP/1.1 431" in response


def test_it_drops_a_client_that_sends_for_ever(web_server):
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", web_server.port), timeout=30) as connection:
        connection.sendall(LOGIN + cookies(20_000))
        with contextlib.suppress(ConnectionError):
            while time.monotonic() - began < 60:
                connection.sendall(b"x" * 65536)
    assert time.monotonic() - began < 60


def test_it_logs_few_lines(web_server):
    for _ in range(50):
        web_server.status(LOGIN + cookies(20_000) + END)

    assert web_server.log.read_text().count("(431 Request Header Fields Too Large)") <= 2  # one for each client


def test_a_socket_on_both_versions_of_ip_knows_its_clients(web_server):
    assert web_server.status(LOGIN + END) == web_server.status(LOGIN + END, host="::1") == 200
    web_server.send(b"nonsense\r\n\r\n", host="::1")

    log = web_server.log.read_text()
    assert "Refused a request of ::/64 (400" in log
    assert "::ffff:" not in log


@pytest.mark.parametrize(("host", "shown"), [("127.0.0.1", "http://127.0.0.1:"), ("::1", "http://[::1]:")])
def test_a_request_without_a_host_has_the_address_that_it_reached(web_server, host, shown):
    body = b"csrfmiddlewaretoken=x"
    page = web_server.send(
        b"POST /accounts/login/ HTTP/1.0\r\nOrigin: http://other.example\r\nContent-Length: 21\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n\r\n" + body,
        host=host,
    )

    assert page.startswith(b"HTTP/1.0 403")
    assert f"reached ytarchive as {shown}{web_server.port}" in page.decode()
