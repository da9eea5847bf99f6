"""Load clients: many raw WebSockets in one process, with as little CPU time as possible.

`python -m benchmarks.pipeline.clients` reads one JSON line from stdin (a LoadRequest), connects, prints `ready`, and
reads a second line {"since", "until"} (µs, monotonic). It measures the frames that arrive in that window, prints one
JSON line of results (see LoadClients.result), and exits.
"""

import contextlib
import dataclasses
import json
import select
import socket
import sys
import time
from typing import Any

from benchmarks.pipeline import websocket
from benchmarks.pipeline.publisher import monotonic_microseconds
from benchmarks.statistics import Reservoir

MAX_CONCURRENT_HANDSHAKES = 40  # below the listen backlog of every server
CONNECT_TIMEOUT_SECONDS = 20.0
RESERVOIR_SIZE = 20_000  # frames


@dataclasses.dataclass(frozen=True)
class LoadRequest:
    """The connections to open: `clients` WebSockets of `path`; with `stall`, they never read after the handshake."""

    port: int
    path: str
    clients: int
    subprotocol: str | None = None
    socketio: bool = False
    stall: bool = False


class Client:
    """One WebSocket, the bytes of its incomplete frame, and the latest publish time that it received."""

    __slots__ = ("buffer", "latest_stamp", "socket")

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.buffer = b""
        self.latest_stamp = 0  # µs


class LoadClients:
    """All clients of this process, and their measurements."""

    def __init__(self, request: LoadRequest) -> None:
        self.request = request
        self.poll = select.epoll()
        self.clients: dict[int, Client] = {}
        self.since = self.until = 0
        self.frames = self.updates = self.closed = self.errors = 0
        self.reservoir: Reservoir[tuple[int, list[int]]] = Reservoir(RESERVOIR_SIZE)
        # Publish times by payload: most clients receive the same frames, so each is parsed once.
        self.stamps_by_payload: dict[bytes, list[int]] = {}

    # Opening -------------------------------------------------------------------------------------

    def connect_all(self) -> None:
        """Open all connections, MAX_CONCURRENT_HANDSHAKES at a time."""
        count = self.request.clients
        while len(self.clients) < count:
            batch = [self._start_handshake() for _ in range(min(MAX_CONCURRENT_HANDSHAKES, count - len(self.clients)))]
            for client in batch:
                self._finish_handshake(client)

    def _start_handshake(self) -> Client:
        connection = socket.socket()
        if self.request.stall:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(CONNECT_TIMEOUT_SECONDS)
        connection.connect(("127.0.0.1", self.request.port))
        connection.sendall(
            websocket.handshake_request(f"127.0.0.1:{self.request.port}", self.request.path, self.request.subprotocol)
        )
        return Client(connection)

    def _finish_handshake(self, client: Client) -> None:
        response = b""
        while b"\r\n\r\n" not in response:
            data = client.socket.recv(65536)
            if not data:
                raise ConnectionError(f"the server closed the connection during the handshake: {response[:100]!r}")
            response += data
        head, _, client.buffer = response.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            raise ConnectionError(f"the server refused the handshake: {head[:100]!r}")
        client.socket.setblocking(False)
        self.clients[client.socket.fileno()] = client
        if not self.request.stall:
            self.poll.register(client.socket, select.EPOLLIN)
            self._receive(client, b"")

    # Reading -------------------------------------------------------------------------------------

    def read_until(self, until: int) -> None:
        """Read from all clients until `until` (µs), or until stdin has a line."""
        poll, clients = self.poll.poll, self.clients
        while (now := monotonic_microseconds()) < until:
            for descriptor, _ in poll(min(0.2, (until - now) / 1e6), 512):
                client = clients.get(descriptor)
                if client is None:
                    return  # the descriptor is stdin
                try:
                    data = client.socket.recv(262_144)
                except BlockingIOError:
                    continue
                except OSError:
                    data = b""
                if data:
                    self._receive(client, data)
                else:
                    self._drop(client)

    def _drop(self, client: Client) -> None:
        self.closed += 1
        self.poll.unregister(client.socket)
        client.socket.close()

    def _receive(self, client: Client, data: bytes) -> None:
        try:
            frames, client.buffer = websocket.parse_frames(client.buffer + data if client.buffer else data)
        except websocket.InvalidFrame:
            self.errors += 1
            self._drop(client)
            return
        now = monotonic_microseconds()
        for opcode, payload in frames:
            if opcode == websocket.TEXT:
                self._measure_frame(client, payload, now)
            elif opcode == websocket.PING:
                self._send(client, websocket.PONG, payload)

    def _measure_frame(self, client: Client, payload: bytes, now: int) -> None:
        stamps = self.stamps_by_payload.get(payload)
        if stamps is None:
            if self.request.socketio and len(payload) < 200 and self._handle_engineio(client, payload):
                return
            if len(self.stamps_by_payload) > 2000:
                self.stamps_by_payload.clear()
            stamps = self.stamps_by_payload[payload] = websocket.publish_times(payload)
        if not stamps:
            return
        newest = max(stamps) if len(stamps) > 1 else stamps[0]
        client.latest_stamp = max(client.latest_stamp, newest)
        if self.since <= now < self.until:
            if self.frames == self.reservoir.next_index:
                self.reservoir.put((now - newest, [now - stamp for stamp in stamps]))
            self.frames += 1
            self.updates += len(stamps)

    def _handle_engineio(self, client: Client, payload: bytes) -> bool:
        """Join the namespace and answer pings (Engine.IO 4, Socket.IO 5); return True if the payload is no event."""
        if payload[:1] == b"0":
            self._send(client, websocket.TEXT, b"40")
        elif payload[:1] == b"2":
            self._send(client, websocket.TEXT, b"3")
        return payload[:2] != b"42"

    def _send(self, client: Client, opcode: int, payload: bytes) -> None:
        with contextlib.suppress(OSError):
            client.socket.send(websocket.mask_frame(opcode, payload))

    # Results -------------------------------------------------------------------------------------

    def result(self) -> dict[str, Any]:
        """Return the counters and latencies of the window, and the latest publish time (µs) of each client."""
        newest_ms = [latency / 1000 for latency, _ in self.reservoir.items]
        every_ms = [latency / 1000 for _, latencies in self.reservoir.items for latency in latencies]
        return {
            "clients": len(self.clients),
            "frames": self.frames,
            "updates": self.updates,
            "closed": self.closed,
            "errors": self.errors,
            "newest_ms": newest_ms,
            "every_ms": every_ms[:: max(1, len(every_ms) // RESERVOIR_SIZE)],
            "newest_stamps": sorted(client.latest_stamp for client in self.clients.values()),
        }


def main() -> None:
    """Connect, read until the window is set, measure, and print the results."""
    clients = LoadClients(LoadRequest(**json.loads(sys.stdin.readline())))
    clients.connect_all()
    print("ready", flush=True)
    stdin = sys.stdin.fileno()
    clients.poll.register(stdin, select.EPOLLIN)
    clients.read_until(monotonic_microseconds() + 600_000_000)  # returns when stdin has the next line
    clients.poll.unregister(stdin)
    line = sys.stdin.readline()
    if not line:
        return
    window = json.loads(line)
    clients.since, clients.until = window["since"], window["until"]
    clients.read_until(clients.until)
    if clients.request.stall:
        time.sleep(max(0.0, (clients.until - monotonic_microseconds()) / 1e6))
    print(json.dumps(clients.result()), flush=True)


if __name__ == "__main__":
    main()
