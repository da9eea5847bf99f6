"""The egress proxy of all downloads, and the addresses that it allows."""

import contextlib
import http.client
import re
import socket
import threading
from urllib.parse import urlsplit

import pytest

from downloads.network.proxy import PROXY_ERROR_PREFIX, EgressProxy

LOOPBACK_SPELLINGS = [
    "127.0.0.1",
    "localhost",
    "2130706433",
    "0177.0.0.1",
    "0x7f000001",
    "0x7f.1",
    "127.1",
    "0.0.0.0",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
]


@pytest.fixture
def proxy():
    with EgressProxy() as proxy:
        yield proxy


def send_request(proxy, target, method="GET", body=None, headers=()):
    """Send one request through the proxy; return (status, reason, body)."""
    client = http.client.HTTPConnection(urlsplit(proxy.url).netloc, timeout=10)
    client.request(method, target, body=body, headers=dict(headers))
    answer = client.getresponse()
    return answer.status, answer.reason, answer.read()


@pytest.mark.parametrize("host", LOOPBACK_SPELLINGS)
@pytest.mark.parametrize("method", ["GET", "CONNECT"])
def test_it_reaches_loopback_by_no_spelling(proxy, media_server, host, method):
    address = f"{host}:{media_server.server_port}"
    status, reason, _ = send_request(proxy, address if method == "CONNECT" else f"http://{address}/clip.mp4", method)
    assert status == 403
    assert reason.startswith(PROXY_ERROR_PREFIX)
    assert media_server.requests == []


def test_it_says_in_words_why_it_refuses(proxy):
    _, reason, body = send_request(proxy, "http://10.0.0.1/x")
    assert reason == "ytarchive: 10.0.0.1 is a private address, which downloads may not reach"
    assert reason.encode() in body


def test_it_refuses_a_name_of_which_one_address_is_private(media_server):
    with EgressProxy(resolver=lambda host, port: ["203.0.113.1", "127.0.0.1"]) as proxy:
        assert send_request(proxy, f"http://mixed.example:{media_server.server_port}/")[0] == 403
    assert media_server.requests == []


@pytest.mark.usefixtures("private_hosts_allowed")
def test_it_asks_for_a_name_once_and_connects_to_what_it_judged(media_server):
    resolved_hosts = []

    def rebinding(host, port):
        resolved_hosts.append(host)
        return ["127.0.0.1"] if len(resolved_hosts) == 1 else ["169.254.169.254"]

    with EgressProxy(resolver=rebinding) as proxy:
        status, _, body = send_request(proxy, f"http://rebinding.example:{media_server.server_port}/clip.mp4")
    assert (status, resolved_hosts) == (200, ["rebinding.example"])
    assert body == media_server.clip


@pytest.mark.usefixtures("private_hosts_allowed")
def test_it_tries_the_next_address_of_a_name(media_server):
    with EgressProxy(resolver=lambda host, port: ["127.0.0.2", "127.0.0.1"]) as proxy:
        assert send_request(proxy, f"http://two.example:{media_server.server_port}/clip.mp4")[0] == 200


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("http://no.such.host.invalid/", 502),
        ("ftp://example.org/x", 400),
        ("file:///etc/passwd", 400),
        ("/no/host", 400),
        ("http://exa mple/", 400),
        ("http://example.org:99999/", 400),
    ],
)
def test_it_answers_what_it_cannot_do(proxy, target, status):
    with socket.create_connection((urlsplit(proxy.url).hostname, urlsplit(proxy.url).port), timeout=10) as client:
        client.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert client.makefile("rb").readline().split()[1] == str(status).encode()


@pytest.mark.usefixtures("private_hosts_allowed")
def test_it_says_that_nobody_answers(proxy):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    status, reason, _ = send_request(proxy, f"http://127.0.0.1:{port}/")
    assert status == 502
    assert "127.0.0.1 does not answer" in reason


@pytest.mark.usefixtures("private_hosts_allowed")
class TestForwarding:
    """Unchanged transfer of requests and responses."""

    def test_it_forwards_ranges(self, proxy, media_server):
        status, _, body = send_request(proxy, media_server.url("/clip.mp4"), headers={"Range": "bytes=10-19"}.items())
        assert (status, body) == (206, media_server.clip[10:20])

    def test_it_tunnels(self, proxy, media_server):
        client = http.client.HTTPConnection(urlsplit(proxy.url).netloc, timeout=10)
        client.set_tunnel("127.0.0.1", media_server.server_port)
        client.request("GET", "/clip.mp4")
        assert client.getresponse().read() == media_server.clip

    def test_it_does_not_serve_two_hosts_on_one_connection(self, proxy, media_server):
        client = http.client.HTTPConnection(urlsplit(proxy.url).netloc, timeout=10)
        client.request("GET", media_server.url("/clip.mp4"), headers={"Connection": "keep-alive"})
        answer = client.getresponse()
        assert answer.headers["Connection"] == "close"
        assert answer.read() == media_server.clip

    def test_it_hangs_up_on_a_server_when_its_client_leaves(self, proxy):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            client = socket.create_connection((urlsplit(proxy.url).hostname, urlsplit(proxy.url).port))
            client.sendall(b"GET http://127.0.0.1:%d/ HTTP/1.1\r\n\r\n" % silent.getsockname()[1])
            upstream, _ = silent.accept()
            upstream.settimeout(10)
            assert upstream.recv(1000).startswith(b"GET / HTTP/1.1\r\n")
            client.close()
            assert upstream.recv(1000) == b""
            upstream.close()

    def test_it_passes_a_truncated_response_on_as_truncated(self, proxy, media_server):
        with pytest.raises(http.client.IncompleteRead):
            send_request(proxy, media_server.url("/cut/a.mp4"))

    def test_it_sends_bodies_on(self, proxy):
        server = OneShotServer(b"HTTP/1.1 204 No Content\r\n\r\n")
        send_request(
            proxy,
            f"http://127.0.0.1:{server.port}/form",
            "POST",
            b"a=1&b=2",
            {"Proxy-Authorization": "Basic eA=="}.items(),
        )
        assert server.done.wait(10)
        assert server.data.startswith(b"POST /form HTTP/1.1")
        assert server.data.endswith(b"\r\n\r\na=1&b=2")
        assert b"Proxy-Authorization" not in server.data
        assert server.data.lower().count(b"connection:") == 1

    def test_it_does_not_pass_on_what_is_no_http(self, proxy):
        server = OneShotServer(b"SSH-2.0-OpenSSH_9.0\r\n")
        assert send_request(proxy, f"http://127.0.0.1:{server.port}/")[0] == 502


class OneShotServer:
    """A server that answers one connection with fixed bytes, and records the request."""

    def __init__(self, answer: bytes) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.data = b""
        self.done = threading.Event()
        threading.Thread(target=self._serve, args=(answer,), daemon=True).start()

    def _serve(self, answer: bytes) -> None:
        with self.listener, self.listener.accept()[0] as client:
            client.settimeout(10)
            while not self._is_complete() and (more := client.recv(65536)):
                self.data += more
            client.sendall(answer)
            client.shutdown(socket.SHUT_WR)
            with contextlib.suppress(OSError):
                while more := client.recv(65536):
                    self.data += more
        self.done.set()

    def _is_complete(self) -> bool:
        head, end_of_head, body = self.data.partition(b"\r\n\r\n")
        length = re.search(rb"(?im)^content-length: *(\d+)", head)
        return bool(end_of_head) and len(body) >= int(length[1] if length else 0)
