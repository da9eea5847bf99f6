"""The load clients: N raw WebSockets in one process that costs as little as it can.

`python -m benchmarks.load` with one JSON line on stdin (see Order); it connects, prints `ready`, and takes a
second line {"since", "until"} (µs, monotonic): what arrives in that window is measured. Then it prints one
JSON line of what it measured and ends.
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
from benchmarks.pipeline.publisher import microseconds
from benchmarks.statistics import Reservoir

AT_ONCE = 40  # connections being opened: less than any server's backlog
PATIENCE = 20.0  # seconds for one connection
SAMPLED = 20_000  # frames whose latencies are kept


@dataclasses.dataclass(frozen=True)
class Order:
    """What to open: `clients` of `path`; those that stall shake hands and never read."""

    port: int
    path: str
    clients: int
    subprotocol: str | None = None
    socketio: bool = False
    stall: bool = False


class Client:
    """One WebSocket."""

    __slots__ = ("behind", "left", "socket")

    def __init__(self, opened: socket.socket) -> None:
        self.socket = opened
        self.left = b""
        self.behind = 0  # the newest stamp that it has


class Load:
    """All clients of this process, and what they measured."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.poll = select.epoll()
        self.clients: dict[int, Client] = {}
        self.since = self.until = 0
        self.frames = self.updates = self.closed = self.errors = 0
        self.reservoir: Reservoir[tuple[int, list[int]]] = Reservoir(SAMPLED)
        # The frames of one moment are the same for every client: each is looked into once.
        self.known: dict[bytes, list[int]] = {}

    # Opening -------------------------------------------------------------------------------------

    def open(self) -> None:
        """Open all connections, a few at a time."""
        wanted = self.order.clients
        while len(self.clients) < wanted:
            batch = [self._begin() for _ in range(min(AT_ONCE, wanted - len(self.clients)))]
            for client in batch:
                self._finish(client)

    def _begin(self) -> Client:
        opened = socket.socket()
        if self.order.stall:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        opened.settimeout(PATIENCE)
        opened.connect(("127.0.0.1", self.order.port))
        opened.sendall(websocket.handshake(f"127.0.0.1:{self.order.port}", self.order.path, self.order.subprotocol))
        return Client(opened)

    def _finish(self, client: Client) -> None:
        answer = b""
        while b"\r\n\r\n" not in answer:
            more = client.socket.recv(65536)
            if not more:
                raise ConnectionError(f"the server closed while shaking hands: {answer[:100]!r}")
            answer += more
        head, _, client.left = answer.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            raise ConnectionError(f"the server refused: {head[:100]!r}")
        client.socket.setblocking(False)
        self.clients[client.socket.fileno()] = client
        if not self.order.stall:
            self.poll.register(client.socket, select.EPOLLIN)
            self._take(client, b"")

    # Reading -------------------------------------------------------------------------------------

    def run(self, until: int) -> None:
        """Read until then."""
        poll, clients = self.poll.poll, self.clients
        while (now := microseconds()) < until:
            for number, _ in poll(min(0.2, (until - now) / 1e6), 512):
                client = clients.get(number)
                if client is None:
                    return  # the orders
                try:
                    data = client.socket.recv(262_144)
                except BlockingIOError:
                    continue
                except OSError:
                    data = b""
                if data:
                    self._take(client, data)
                else:
                    self._lose(client)

    def _lose(self, client: Client) -> None:
        self.closed += 1
        self.poll.unregister(client.socket)
        client.socket.close()

    def _take(self, client: Client, data: bytes) -> None:
        try:
            found, client.left = websocket.parse(client.left + data if client.left else data)
        except websocket.NoFrame:
            self.errors += 1
            self._lose(client)
            return
        now = microseconds()
        for opcode, payload in found:
            if opcode == websocket.TEXT:
                self._measure(client, payload, now)
            elif opcode == websocket.PING:
                self._send(client, websocket.PONG, payload)

    def _measure(self, client: Client, payload: bytes, now: int) -> None:
        stamps = self.known.get(payload)
        if stamps is None:
            if self.order.socketio and len(payload) < 200 and self._engine(client, payload):
                return
            if len(self.known) > 2000:
                self.known.clear()
            stamps = self.known[payload] = websocket.stamps(payload)
        if not stamps:
            return
        newest = max(stamps) if len(stamps) > 1 else stamps[0]
        client.behind = max(client.behind, newest)
        if self.since <= now < self.until:
            if self.frames == self.reservoir.wanted:
                self.reservoir.put((now - newest, [now - stamp for stamp in stamps]))
            self.frames += 1
            self.updates += len(stamps)

    def _engine(self, client: Client, payload: bytes) -> bool:
        """Speak Engine.IO 4 and Socket.IO 5: join the namespace, answer pings."""
        if payload[:1] == b"0":
            self._send(client, websocket.TEXT, b"40")
        elif payload[:1] == b"2":
            self._send(client, websocket.TEXT, b"3")
        return payload[:2] != b"42"

    def _send(self, client: Client, opcode: int, payload: bytes) -> None:
        with contextlib.suppress(OSError):
            client.socket.send(websocket.masked(opcode, payload))

    # Results -------------------------------------------------------------------------------------

    def result(self) -> dict[str, Any]:
        """Return what was measured; times in ms, `behind` in s at the window's end, by client."""
        newest = [found / 1000 for found, _ in self.reservoir.items]
        every = [found / 1000 for _, latencies in self.reservoir.items for found in latencies]
        return {
            "clients": len(self.clients),
            "frames": self.frames,
            "updates": self.updates,
            "closed": self.closed,
            "errors": self.errors,
            "newest_ms": newest,
            "every_ms": every[:: max(1, len(every) // SAMPLED)],
            "newest_stamps": sorted(client.behind for client in self.clients.values()),
        }


def main() -> None:
    """Open, wait for the window while reading, measure, report."""
    load = Load(Order(**json.loads(sys.stdin.readline())))
    load.open()
    print("ready", flush=True)
    orders = sys.stdin.fileno()
    load.poll.register(orders, select.EPOLLIN)
    load.run(microseconds() + 600_000_000)  # ends with the next line
    load.poll.unregister(orders)
    line = sys.stdin.readline()
    if not line:
        return
    window = json.loads(line)
    load.since, load.until = window["since"], window["until"]
    load.run(load.until)
    if load.order.stall:
        time.sleep(max(0.0, (load.until - microseconds()) / 1e6))
    print(json.dumps(load.result()), flush=True)


if __name__ == "__main__":
    main()
