"""Egress proxy: the filtering HTTP proxy that all requests of a download go through.

The proxy resolves a host name once, checks every address, and connects to one that it checked. So neither an
unusual spelling of an address, nor a redirect, a manifest or DNS rebinding leads to a forbidden address.

Each download has a proxy of its own, in its own process: it ends with the download, relays the bytes of one
video only, and no other download depends on it. On Linux the bytes stay in the kernel (splice), so the proxy
takes little CPU time from yt-dlp in the same process.
"""

import contextlib
import os
import re
import socket
import threading
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from downloads.network.address_policy import AddressForbidden, HostUnreachable, Resolver, connect_to_host, resolve_host
from downloads.network.rate_limiter import RateLimiter

# Start of the reason phrase of the proxy's own errors. yt-dlp repeats it in its error message, where
# ytdlp.errors.error_messages looks for it.
PROXY_ERROR_PREFIX = "ytarchive: "
MAX_INTERIM_RESPONSES = 100  # before one final response
INTERIM_STATUS_PATTERN = re.compile(rb"HTTP/1\.\d 1(?!01)\d\d\b")  # 101 Switching Protocols is final
MAX_HEAD_BYTES = 64 * 1024
PROXY_ENV_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy", "no_proxy")


@dataclass(frozen=True)
class ProxyRequest:
    """A parsed request to the proxy; `forwarded_head` is sent to the host instead of the head received."""

    method: str
    host: str
    port: int
    forwarded_head: bytes

    @classmethod
    def parse(cls, head: bytes) -> Self:
        """Parse a request head in absolute form or of CONNECT (RFC 9112, 3.2); raise ValueError."""
        request_line, _, fields = head.partition(b"\r\n")
        method, target, version = request_line.decode("latin-1").split(" ")
        url = urlsplit(f"//{target}" if method == "CONNECT" else target)
        if (url.scheme or "https") not in ("http", "https") or not url.hostname:
            raise ValueError("only http and https")
        if method == "CONNECT":
            return cls(method, url.hostname, url.port or 443, b"")
        path = url._replace(scheme="", netloc="").geturl() or "/"
        path = path if path.startswith("/") else f"/{path}"
        headers = _close_after_response(fields, b"proxy-connection", b"proxy-authorization")
        return cls(method, url.hostname, url.port or 80, f"{method} {path} {version}\r\n".encode("latin-1") + headers)


def _close_after_response(fields: bytes, *dropped_names: bytes) -> bytes:
    """Return the header fields without `dropped_names`, ended by `Connection: close` and the empty line."""
    dropped_names = (b"connection", b"keep-alive", *dropped_names)
    lines = [line for line in fields.split(b"\r\n") if line]
    lines = [line for line in lines if line.split(b":")[0].strip().lower() not in dropped_names]
    return b"\r\n".join([*lines, b"Connection: close", b"", b""])


def set_proxy_variables(proxy_url: str) -> None:
    """Point this process' proxy variables at the proxy, so that ffmpeg and other programs use it too."""
    for name in PROXY_ENV_VARIABLES:
        os.environ.pop(name, None)
        os.environ.pop(name.upper(), None)
    os.environ["http_proxy"] = os.environ["https_proxy"] = proxy_url


class EgressProxy:
    """An HTTP proxy on a free loopback port, a thread for each connection.

    `with EgressProxy() as proxy: … proxy.url`
    """

    def __init__(self, resolver: Resolver = resolve_host, rate_limiter: RateLimiter | None = None) -> None:
        self._resolver = resolver
        self._rate_limiter = rate_limiter or RateLimiter()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept_connections, name="egress", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        # shutdown() wakes the thread that blocks in accept(); close() alone does not.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept_connections(self) -> None:
        while True:
            try:
                client_socket, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve_connection, args=(client_socket,), name="egress", daemon=True).start()

    def _serve_connection(self, client_socket: socket.socket) -> None:
        # Either side may disconnect at any time; close both.
        with client_socket, contextlib.suppress(OSError):
            try:
                head, body_start = _read_message_head(client_socket)
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
                    _relay_request(client_socket, upstream, request, body_start, self._rate_limiter)


def _send_error(client_socket: socket.socket, status: int, message: str) -> None:
    message = PROXY_ERROR_PREFIX + message.encode("ascii", "replace").decode()
    head = f"HTTP/1.1 {status} {message}\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
    client_socket.sendall(f"{head}{message}\n".encode())


def _read_final_head(source: socket.socket) -> tuple[bytes, bytes]:
    """Read up to the head of the final response; interim ones, such as 103 Early Hints, are dropped (RFC 9110, 15.2).

    Raise ValueError like `_read_message_head`, also after MAX_INTERIM_RESPONSES.
    """
    received = b""
    for _ in range(MAX_INTERIM_RESPONSES):
        head, received = _read_message_head(source, received)
        if not INTERIM_STATUS_PATTERN.match(head):
            return head, received
    raise ValueError("too many interim responses")


def _read_message_head(source: socket.socket, received: bytes = b"") -> tuple[bytes, bytes]:
    """Read up to the empty line and return (head, bytes received after it).

    Raise ValueError if the stream ends before it, or the head exceeds MAX_HEAD_BYTES.
    """
    while (end := received.find(b"\r\n\r\n")) < 0:
        data = source.recv(MAX_HEAD_BYTES)
        if not data or len(received) > MAX_HEAD_BYTES:
            raise ValueError("no head of a message")
        received += data
    return received[: end + 4], received[end + 4 :]


def _relay_request(
    client_socket: socket.socket,
    upstream: socket.socket,
    request: ProxyRequest,
    body_start: bytes,
    rate_limiter: RateLimiter,
) -> None:
    if request.method == "CONNECT":
        client_socket.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
    upstream.sendall(request.forwarded_head + body_start)
    upload = threading.Thread(
        target=_pump_bytes, args=(client_socket, upstream, RateLimiter()), name="egress", daemon=True
    )
    upload.start()
    try:
        if request.method != "CONNECT":
            # The client must not reuse this connection: its next request may be for another host.
            head, body_start = _read_final_head(upstream)
            status, _, fields = head.partition(b"\r\n")
            client_socket.sendall(status + b"\r\n" + _close_after_response(fields) + body_start)
        _pump_bytes(upstream, client_socket, rate_limiter)
    except ValueError:
        _send_error(client_socket, 502, f"{request.host} did not answer in HTTP")
    finally:
        _shut_down_sockets(client_socket, upstream)
        upload.join()


def _pump_bytes(source: socket.socket, target: socket.socket, rate_limiter: RateLimiter) -> None:
    """Copy bytes until the source ends or either side disconnects, then shut down both."""
    with contextlib.suppress(OSError):
        if hasattr(os, "splice"):
            _splice_bytes(source, target, rate_limiter)
        else:
            while data := source.recv(rate_limiter.chunk_bytes()):
                rate_limiter.throttle(len(data))
                target.sendall(data)
    _shut_down_sockets(source, target)


def _splice_bytes(source: socket.socket, target: socket.socket, rate_limiter: RateLimiter) -> None:
    # splice(2) needs a pipe at one end.
    pipe_reader, pipe_writer = os.pipe()
    try:
        while pending := os.splice(source.fileno(), pipe_writer, rate_limiter.chunk_bytes()):
            rate_limiter.throttle(pending)
            while pending:
                pending -= os.splice(pipe_reader, target.fileno(), pending)
    finally:
        os.close(pipe_reader)
        os.close(pipe_writer)


def _shut_down_sockets(*sockets: socket.socket) -> None:
    for open_socket in sockets:
        with contextlib.suppress(OSError):
            open_socket.shutdown(socket.SHUT_RDWR)
