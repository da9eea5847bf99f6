"""Floods at one real server that takes 120 connections, 40 of each address; loopback has an address for each client."""

import contextlib
import itertools
import os
import resource
import statistics
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from downloads.tests.support import nginx
from downloads.tests.support.waiting import wait_until
from downloads.tests.support.web_server import HANDSHAKE, WebServer, read_response, run_web_server, status_of

pytestmark = pytest.mark.processes
ATTACKER, FAMILY = "127.0.0.66", "127.0.0.2"
HALF_A_HEAD = b"GET / HTTP/1.1\r\nHost: local"
LOGIN = b"GET /accounts/login/ HTTP/1.1\r\nHost: localhost\r\n\r\n"
MASK = b"\0\0\0\0"
# More than MAX_FORM_BYTES, and than nginx lets through to ordinary forms.
LARGE_FORM = (
    b" HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 600000\r\n\r\n"
) + b"a" * 600_000
SIGNED_OUT_TEXT = "You’ve been signed out".encode()


@pytest.fixture
def server(limited_server):
    yield limited_server
    wait_until(lambda: connection_count(limited_server) == 0, "the test's connections are closed")
    # The server notices later that a client has reset one; it accepts in turn, so these are answered after that.
    assert [status_of(limited_server.get()) for _ in range(2)] == [200, 200]


@pytest.fixture
def connections():
    """Connections that are closed after the test."""
    with contextlib.ExitStack() as stack:
        yield stack


def connection_count(server: WebServer) -> int:
    """Return the number of the server's connections to clients, from the kernel's table (proc(5))."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    open_states = ("01", "08")  # established, and closed by the client only
    return sum(row[1].endswith(f":{server.port:04X}") and row[3] in open_states for row in rows)


def open_socket(server: WebServer, source: str, connections: contextlib.ExitStack) -> tuple[int, bytes]:
    """Begin a WebSocket that stays open for the test; return the status and the whole response."""
    connection = connections.enter_context(server.connect(HANDSHAKE, source=source))
    response = read_response(connection)
    return status_of(response), response


def test_1024_half_open_heads_stop_nobody(server, connections):
    for number in range(1024):
        source = ATTACKER if number % 2 else f"127.0.1.{number % 250 + 1}"
        with contextlib.suppress(OSError):
            connections.enter_context(server.connect(HALF_A_HEAD, source=source))
    for source in (ATTACKER, FAMILY):
        assert status_of(server.get("/healthz", source=source)) == 200
        assert status_of(server.get("/accounts/login/", source=source)) == 200
    assert connection_count(server) < 120 + 64 + 256


def test_one_address_has_so_many_sockets_and_pages_beside_them(server, connections):
    statuses = [open_socket(server, ATTACKER, connections)[0] for _ in range(30)]
    status, response = open_socket(server, ATTACKER, connections)

    assert statuses == [101] * 30
    assert status == 429
    assert b"\r\nRetry-After: " in response
    assert status_of(server.get("/accounts/login/", source=ATTACKER)) == 200
    assert open_socket(server, FAMILY, connections)[0] == 101


def test_health_is_answered_when_every_place_is_taken(server, connections):
    sources = [f"127.0.2.{number % 3 + 1}" for number in range(90)]
    assert {open_socket(server, source, connections)[0] for source in sources} == {101}
    assert open_socket(server, FAMILY, connections)[0] == 503
    # Bodies that never end take the places that are left.
    unfinished = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"

    def get_page() -> bytes:
        return server.get("/accounts/login/", source=FAMILY)

    def is_full() -> bool:
        number = next(numbers)
        connections.enter_context(server.connect(unfinished, source=f"127.0.3.{number % 250 + 1}"))
        return number > 30 and status_of(get_page()) == 503

    numbers = itertools.count()
    wait_until(is_full, "all places are taken")
    response = get_page()
    assert b"\r\nRetry-After: " in response
    assert b"as many connections as it can serve" in response
    assert status_of(server.get("/healthz", source=FAMILY)) == 200
    assert status_of(server.get("/healthz", source=ATTACKER)) == 200


def test_a_body_without_end_is_cut_and_leaves_nothing_on_the_disk(server):
    began, sent_bytes = time.monotonic(), 0
    head = b"POST /videos/add/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    connection = server.connect(head, source=ATTACKER)
    with connection, contextlib.suppress(ConnectionError):
        while time.monotonic() - began < 20:
            sent_bytes += connection.send(b"100000\r\n" + b"x" * 0x100000 + b"\r\n")
    assert time.monotonic() - began < 20
    wait_until(lambda: not deleted_files(server), "what was written is gone")
    assert sent_bytes < 200_000_000


def deleted_files(server: WebServer) -> list[str]:
    """Return the files that the server has open, and that have no name any more."""
    files = []
    for link in Path(f"/proc/{server.pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            files.append(str(link.readlink()))
    return [file for file in files if file.endswith("(deleted)")]


@pytest.mark.alone
def test_floods_of_frames_delay_nobody_else(server):
    floods = {
        "fragments": b"\x01\x80" + MASK + (b"\x00\x80" + MASK) * 10_000,
        "pings": (b"\x89\x80" + MASK) * 10_000,
        "pongs": (b"\x8a\x80" + MASK) * 10_000,
        "texts": (b"\x81\x80" + MASK) * 10_000,
    }
    is_over = threading.Event()

    def flood(frames: bytes) -> None:
        while not is_over.is_set():
            with contextlib.suppress(OSError), server.connect(HANDSHAKE, source=ATTACKER) as connection:
                connection.recv(1000)
                while not is_over.is_set():
                    connection.sendall(frames)

    threads = [threading.Thread(target=flood, args=[frames]) for frames in floods.values()]
    for thread in threads:
        thread.start()
    times = []
    for _ in range(20):
        began = time.monotonic()
        assert status_of(server.get("/accounts/login/", source=FAMILY)) == 200
        times.append(time.monotonic() - began)
    is_over.set()
    for thread in threads:
        thread.join()
    # Before there were limits: 2 s, and 3.4 s.
    assert statistics.median(times) < 0.5
    assert max(times) < 2


def test_a_reader_that_takes_nothing_costs_little(server, connections):
    server.get("/accounts/login/")
    memory_before = server.memory()
    for _ in range(39):
        # Sent at once, and none of the responses read.
        connection = connections.enter_context(server.connect(source=ATTACKER))
        connection.settimeout(0.2)
        with contextlib.suppress(TimeoutError):
            connection.sendall(LOGIN * 250)
    for _ in range(5):
        assert status_of(server.get("/accounts/login/", source=FAMILY)) == 200
    assert server.memory() - memory_before < 40_000_000


def test_it_refuses_with_its_last_descriptor_and_does_not_spin(server, connections):
    limits = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    assert limits[0] == limits[1]  # raised to the most that is allowed
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (limit_with_free_descriptors(server, 5), limits[1]))
    try:
        waiting = [connections.enter_context(server.connect(source=ATTACKER)) for _ in range(20)]
        refusals = [status_of(read_response(connection)) for connection in waiting[10:]]
        cpu_before = cpu_seconds(server)
        time.sleep(0.5)
        assert cpu_seconds(server) - cpu_before < 0.3
    finally:
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, limits)
    assert refusals.count(503) >= 5
    assert status_of(server.get()) == 200


def limit_with_free_descriptors(server: WebServer, count: int) -> int:
    """Return the limit that leaves so many: it bounds the numbers, and used ones may be beyond free ones."""
    used = {int(path.name) for path in Path(f"/proc/{server.pid}/fd").iterdir()}
    free = (number for number in itertools.count() if number not in used)
    return next(itertools.islice(free, count, None))


def cpu_seconds(server: WebServer) -> float:
    fields = Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.soak
def test_what_takes_too_long_is_answered_408(server, connections):
    """A connection without a byte, half a head, a head byte by byte, and a body byte by byte."""
    body = b"POST /accounts/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n"
    began = time.monotonic()
    silent, half, head, dripped_body = (
        connections.enter_context(server.connect(data, source=ATTACKER, seconds=60))
        for data in (b"", HALF_A_HEAD, b"G", body)
    )
    while time.monotonic() - began < 45:
        for connection in (head, dripped_body):
            with contextlib.suppress(OSError):
                connection.sendall(b"e")
        time.sleep(0.5)
    for connection in (silent, half, head, dripped_body):
        assert status_of(read_response(connection)) == 408


@pytest.mark.parametrize("path", [b"/videos/add/", b"/subscriptions/follow/"])
def test_large_forms_reach_their_view(server, path):
    assert SIGNED_OUT_TEXT in server.request(b"POST " + path + LARGE_FORM)
    assert SIGNED_OUT_TEXT not in server.request(b"POST /accounts/login/" + LARGE_FORM)


def test_nginx_has_the_matching_limits(server, tmp_path):
    with nginx.run_deployed_nginx(f"http://127.0.0.1:{server.port}/", tmp_path) as url:
        proxy = WebServer(urlsplit(url).port or 0, server.log, server.pid)
        assert b"nginx" in proxy.request(b"POST /accounts/login/" + LARGE_FORM)
        for path in (b"/videos/add/", b"/subscriptions/follow/"):
            assert SIGNED_OUT_TEXT in proxy.request(b"POST " + path + LARGE_FORM)
        with proxy.connect(HANDSHAKE) as connection:
            assert status_of(read_response(connection)) == 101
            with contextlib.suppress(ConnectionError):
                connection.sendall((b"\x00\x80" + MASK) * 50_000)
            assert status_of(proxy.get("/accounts/login/")) == 200


@pytest.mark.soak
@pytest.mark.usefixtures("session_redis_server", "tables", "static_files")
def test_behind_a_proxy_each_client_has_its_own_limit(tmp_path, connections):
    env = {"YTARCHIVE_PROXIES": "1", "YTARCHIVE_MAX_CONNECTIONS_PER_CLIENT": "8", "YTARCHIVE_PRIVATE": "0"}
    with run_web_server(tmp_path, **env) as proxied:

        def open_for(client: str) -> int:
            handshake = HANDSHAKE.removesuffix(b"\r\n") + f"X-Forwarded-For: 6.6.6.6, {client}\r\n\r\n".encode()
            return status_of(read_response(connections.enter_context(proxied.connect(handshake))))

        assert [open_for("192.0.2.1") for _ in range(8)] == [101] * 6 + [429] * 2
        assert open_for("192.0.2.2") == 101
        assert status_of(proxied.get("/accounts/login/", headers="X-Forwarded-For: 192.0.2.1\r\n")) == 200
        assert "Refused a request of 192.0.2.1 (429" in proxied.log.read_text()
