"""A started web process that tests talk to in bytes."""

import contextlib
import re
import socket
from collections.abc import Iterator
from pathlib import Path

from downloads.tests.support.ports import free_port
from downloads.tests.support.processes import manage_processes, wait_until_answered

HANDSHAKE = (
    b"GET /ws/progress HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class WebServer:
    """The web process at a port, and its log."""

    def __init__(self, port: int, log: Path, pid: int) -> None:
        self.port, self.log, self.pid = port, log, pid

    def connect(self, data: bytes = b"", *, seconds: float = 20, source: str = "127.0.0.1") -> socket.socket:
        """Return a connection from a loopback address, on which this was sent."""
        connection = socket.create_connection(("127.0.0.1", self.port), seconds, (source, 0))
        connection.sendall(data)
        return connection

    def request(self, data: bytes, *, seconds: float = 20, source: str = "127.0.0.1") -> bytes:
        """Return the response to this request; b"" if the connection was closed without one."""
        connection = self.connect(seconds=seconds, source=source)
        with connection, contextlib.suppress(ConnectionError):
            with contextlib.suppress(ConnectionError):
                connection.sendall(data)
            return read_response(connection)
        return b""

    def get(self, path: str = "/healthz", *, headers: str = "", **options: str) -> bytes:
        """Return the response to a good request."""
        return self.request(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode(), **options)

    def memory(self) -> int:
        """Return the process' resident memory in bytes."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * 4096


def read_response(connection: socket.socket) -> bytes:
    """Return one response, as long as its Content-Length says, or what came until the connection was closed."""
    response = b""
    with contextlib.suppress(ConnectionError):
        while chunk := connection.recv(65536):
            response += chunk
            head, separator, body = response.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
            if separator and (not length or len(body) >= int(length[1])) and not head.startswith(b"HTTP/1.1 100"):
                break
    return response


def status_of(response: bytes) -> int:
    """Return the status of a response, 0 for none."""
    return int(response.split()[1]) if response else 0


@contextlib.contextmanager
def run_web_server(folder: Path, **env: str) -> Iterator[WebServer]:
    """Run a web process on the tests' data folder, which has its tables and static files; its log is in `folder`."""
    processes = manage_processes(folder)
    run_manage = next(processes)
    port = free_port()
    env = {"DJANGO_ALLOWED_HOSTS": "localhost", **env}
    try:
        process = run_manage("web", "--port", str(port), env=env)
        wait_until_answered(f"http://127.0.0.1:{port}/healthz", process)
        yield WebServer(port, process.log, process.pid)  # type: ignore[attr-defined]
    finally:
        next(processes, None)
