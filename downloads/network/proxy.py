"""The one way out: which addresses may be reached, and the filtering proxy that all fetching goes through.

The proxy resolves a name once, judges every address, and connects to one that it judged. So neither a
spelling, nor a redirect, nor a manifest, nor a name that changes its mind reaches a forbidden address.

Each download has a proxy of its own, in its own process: it ends with the download, it sees one
video's bytes only, and no other download depends on it. Bytes pass through the kernel (splice), not
through Python, so it takes little from yt-dlp beside it.
"""

import contextlib
import os
import socket
import threading
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from downloads.network.address_policy import AddressForbidden, HostUnreachable, Resolver, connect_to_host, resolve_host
from downloads.network.rate_limiter import RateLimiter

# What the reason phrase of our own answers begins with; yt-dlp passes it on in its message.
PROXY_ERROR_PREFIX = "ytarchive: "
MAX_HEAD_BYTES = 64 * 1024


@dataclass(frozen=True)
class ProxyRequest:
    """The head of a request to the proxy, and what to send on instead of it."""

    method: str
    host: str
    port: int
    forwarded_head: bytes

    @classmethod
    def parse(cls, head: bytes) -> Self:
        """Read a request head (absolute form or CONNECT); raise ValueError."""
        line, _, fields = head.partition(b"\r\n")
        method, target, version = line.decode("latin-1").split(" ")
        url = urlsplit(f"//{target}" if method == "CONNECT" else target)
        if (url.scheme or "https") not in ("http", "https") or not url.hostname:
            raise ValueError("only http and https")
        if method == "CONNECT":
            return cls(method, url.hostname, url.port or 443, b"")
        path = url._replace(scheme="", netloc="").geturl() or "/"
        kept = _strip_headers(fields, b"connection", b"proxy-connection", b"proxy-authorization", b"keep-alive")
        onward = f"{method} {path if path.startswith('/') else '/' + path} {version}\r\n".encode("latin-1") + kept
        return cls(method, url.hostname, url.port or 80, onward)


def _strip_headers(fields: bytes, *header_names: bytes) -> bytes:
    """Return header fields without those named, and with the word that one answer is all."""
    lines = [line for line in fields.split(b"\r\n") if line and line.split(b":")[0].strip().lower() not in header_names]
    return b"\r\n".join([*lines, b"Connection: close", b"", b""])


class EgressProxy:
    """An HTTP proxy on a free loopback port: `with Proxy() as proxy: … proxy.url`."""

    def __init__(self, resolver: Resolver = resolve_host, rate_limiter: RateLimiter | None = None) -> None:
        self._resolver = resolver
        self._rate_limiter = rate_limiter or RateLimiter()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept_connections, name="egress", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        # Wakes the thread in accept(), which close() alone does not.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept_connections(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve_connection, args=(client,), name="egress", daemon=True).start()

    def _serve_connection(self, client_socket: socket.socket) -> None:
        # A connection that is cut, at either end and at any time, is daily bread: both ends are closed.
        with client_socket, contextlib.suppress(OSError):
            try:
                head, rest = _read_message_head(client_socket)
                request = ProxyRequest.parse(head)
                upstream = connect_to_host(request.host, request.port, self._resolver)
            except AddressForbidden as error:
                _send_error(client_socket, 403, str(error))
            except HostUnreachable as error:
                _send_error(client_socket, 502, str(error))
            except ValueError:
                _send_error(client_socket, 400, "this is no request for an http or https address")
            else:
                with upstream:
                    _relay_request(client_socket, upstream, request, rest, self._rate_limiter)


def _send_error(client_socket: socket.socket, status: int, message: str) -> None:
    message = PROXY_ERROR_PREFIX + message.encode("ascii", "replace").decode()
    head = f"HTTP/1.1 {status} {message}\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
    client_socket.sendall(f"{head}{message}\n".encode())


def _read_message_head(source: socket.socket) -> tuple[bytes, bytes]:
    """Read up to the empty line; (head, what came after it). Raise ValueError if there is none."""
    found = b""
    while (end := found.find(b"\r\n\r\n")) < 0:
        more = source.recv(MAX_HEAD_BYTES)
        if not more or len(found) > MAX_HEAD_BYTES:
            raise ValueError("no head of a message")
        found += more
    return found[: end + 4], found[end + 4 :]


def _relay_request(
    client_socket: socket.socket, upstream: socket.socket, request: ProxyRequest, rest: bytes, rate_limiter: RateLimiter
) -> None:
    if request.method == "CONNECT":
        client_socket.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
    upstream.sendall(request.forwarded_head + rest)
    back = threading.Thread(
        target=_pump_bytes, args=(client_socket, upstream, RateLimiter()), name="egress", daemon=True
    )
    back.start()
    try:
        if request.method != "CONNECT":
            # The client must not use this connection again: the next request may be for another host.
            head, rest = _read_message_head(upstream)
            status, _, fields = head.partition(b"\r\n")
            client_socket.sendall(status + b"\r\n" + _strip_headers(fields, b"connection", b"keep-alive") + rest)
        _pump_bytes(upstream, client_socket, rate_limiter)
    except ValueError:
        _send_error(client_socket, 502, f"{request.host} did not answer in HTTP")
    finally:
        _shut_down_sockets(client_socket, upstream)
        back.join()


def _pump_bytes(source: socket.socket, target: socket.socket, rate_limiter: RateLimiter) -> None:
    """Carry bytes until the source ends or either is cut, then hang up both."""
    with contextlib.suppress(OSError):
        if hasattr(os, "splice"):
            _splice_bytes(source, target, rate_limiter)
        else:
            while data := source.recv(rate_limiter.chunk_bytes()):
                rate_limiter.throttle(len(data))
                target.sendall(data)
    _shut_down_sockets(source, target)


def _splice_bytes(source: socket.socket, target: socket.socket, rate_limiter: RateLimiter) -> None:
    outlet, inlet = os.pipe()
    try:
        while left := os.splice(source.fileno(), inlet, rate_limiter.chunk_bytes()):
            rate_limiter.throttle(left)
            while left:
                left -= os.splice(outlet, target.fileno(), left)
    finally:
        os.close(outlet)
        os.close(inlet)


def _shut_down_sockets(*sockets: socket.socket) -> None:
    for one in sockets:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
