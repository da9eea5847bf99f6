"""Crowd: all viewers of one process, driven by epoll.

`python -m downloads.tests.support.load.crowd <port> <viewers> <per address>` connects them, prints a line of JSON with
figures every INTERVAL_SECONDS, and reads commands from stdin, one a line: `cut` (all connections, at once), `check
<JSON>` (compare with the truth), `stop`. Each command is answered by a line of its own.
"""

import contextlib
import errno
import heapq
import json
import os
import random
import select
import socket
import sys
import time
from collections import Counter
from typing import Any

from benchmarks.pipeline import websocket
from downloads.tests.support.load import viewer as viewers
from downloads.tests.support.load.viewer import ParsedFrame, Viewer, parse_frame

INTERVAL_SECONDS = 10.0
CONNECTS_PER_TURN = 40
MAX_PARSED_FRAMES = 400
HEAD_BYTES = 120
ALL_UPDATES_OF_EVERY = 50  # frames: of the others, only the newest update is counted
HANDSHAKE_TIMEOUT_SECONDS = 12.0


class Crowd:
    """The viewers, and what was counted in this interval."""

    def __init__(self, port: int, count: int, per_address: int) -> None:
        self.port = port
        self.request = websocket.handshake_request(f"127.0.0.1:{port}", "/ws/progress", "ytarchive.progress.v2")
        sources = viewers.source_addresses(count, per_address)
        self.viewers = [Viewer(number, source) for number, source in enumerate(sources)]
        self.by_descriptor: dict[int, Viewer] = {}
        self.poll = select.epoll()
        self.due: list[tuple[float, int]] = [(0.0, number) for number in range(count)]
        self.receive_buffer = memoryview(bytearray(262_144))
        # By head and size: kind, epoch and numbers say which frame it is, and most viewers get the same one.
        self.parsed: dict[tuple[bytes, int], ParsedFrame] = {}
        self.counts: Counter[str] = Counter()
        self.latencies: Counter[int] = Counter()  # ms, of all updates in some frames
        self.worst_latency = 0.0
        self.frame_number = 0

    # Connections ---------------------------------------------------------------------------------

    def connect_due(self, now: float) -> None:
        """Begin the connections whose time has come."""
        for _ in range(CONNECTS_PER_TURN):
            if not self.due or self.due[0][0] > now:
                return
            self._connect(heapq.heappop(self.due)[1], now)

    def _connect(self, number: int, now: float) -> None:
        viewer = self.viewers[number]
        viewer.reset()
        viewer.received_at = now
        viewer.socket = socket.socket()
        viewer.socket.setblocking(False)
        viewer.socket.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
        viewer.socket.bind((viewer.source, 0))
        status = viewer.socket.connect_ex(("127.0.0.1", self.port))
        self.by_descriptor[viewer.socket.fileno()] = viewer
        self.poll.register(viewer.socket, select.EPOLLIN | select.EPOLLOUT)
        if status not in (0, errno.EINPROGRESS):
            self._drop(viewer, "refused")

    def _drop(self, viewer: Viewer, reason: str) -> None:
        """Close a connection, and schedule the next one as the page does."""
        if viewer.socket is None:
            return
        self.counts[reason] += 1
        with contextlib.suppress(KeyError, FileNotFoundError):
            self.poll.unregister(viewer.socket)
        self.by_descriptor.pop(viewer.socket.fileno(), None)
        viewer.socket.close()
        viewer.socket = None
        viewer.is_live = False
        wait = random.random() * viewer.backoff_limit()
        viewer.failures += 1
        heapq.heappush(self.due, (time.monotonic() + wait, viewer.number))

    def cut(self) -> float:
        """Cut all connections at once; return the time."""
        for viewer in self.viewers:
            if viewer.socket:
                # A reset, as of a proxy that restarts.
                viewer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                self._drop(viewer, "cut")
        return time.monotonic()

    # Reading -------------------------------------------------------------------------------------

    def turn(self, seconds: float) -> bool:
        """Read what is there; return True if stdin has a line."""
        has_command = False
        for descriptor, events in self.poll.poll(seconds, 512):
            viewer = self.by_descriptor.get(descriptor)
            if viewer is None:
                has_command = has_command or descriptor == 0
            elif not viewer.is_open and not viewer.buffer and events & select.EPOLLOUT:
                self._send_handshake(viewer)
            else:
                self._read(viewer)
        return has_command

    def _send_handshake(self, viewer: Viewer) -> None:
        try:
            viewer.socket.send(self.request)
            self.poll.modify(viewer.socket, select.EPOLLIN)
        except OSError:
            self._drop(viewer, "refused")

    def _read(self, viewer: Viewer) -> None:
        try:
            # Into one buffer: for large ones of their own, Python maps and unmaps memory each time.
            size = viewer.socket.recv_into(self.receive_buffer)
        except BlockingIOError:
            return
        except OSError:
            size = 0
        if not size:
            self._drop(viewer, "closed" if viewer.is_open else "refused")
            return
        viewer.buffer += bytes(self.receive_buffer[:size])
        if not viewer.is_open and not self._read_handshake(viewer):
            return
        frames, viewer.buffer = websocket.parse_frames(viewer.buffer)
        now = time.monotonic()
        for opcode, payload in frames:
            if opcode == websocket.TEXT:
                self._receive(viewer, payload, now)
            elif opcode == websocket.PING:
                self._send(viewer, websocket.PONG, payload)

    def _read_handshake(self, viewer: Viewer) -> bool:
        head, end, rest = viewer.buffer.partition(b"\r\n\r\n")
        if not end:
            return False
        if not head.startswith(b"HTTP/1.1 101"):
            self._drop(viewer, "refused")
            return False
        viewer.buffer, viewer.is_open = rest, True
        return True

    def _receive(self, viewer: Viewer, payload: bytes, now: float) -> None:
        key = (payload[:HEAD_BYTES], len(payload))
        frame = self.parsed.get(key)
        if frame is None:
            if len(self.parsed) > MAX_PARSED_FRAMES:
                self.parsed.clear()
            frame = self.parsed[key] = parse_frame(payload)
        if viewer.apply(frame, now):
            self.counts["gaps"] += 1
            self._send(viewer, websocket.TEXT, viewers.RESYNC_REQUEST)
        self.counts[frame.kind] += 1
        if frame.kind == "batch" and frame.stamps:
            self._measure(frame, now * 1e6)

    def _measure(self, frame: ParsedFrame, now: float) -> None:
        self.frame_number += 1
        self.worst_latency = max(self.worst_latency, (now - frame.stamps[0]) / 1000)
        if self.frame_number % ALL_UPDATES_OF_EVERY == 0:
            self.latencies.update(int((now - stamp) / 1000) for stamp in frame.stamps)

    def _send(self, viewer: Viewer, opcode: int, payload: bytes) -> None:
        with contextlib.suppress(OSError):
            viewer.socket.send(websocket.mask_frame(opcode, payload))

    def watch(self, now: float) -> None:
        """Ask those for a snapshot to whom nothing has come for a while, and connect again when none comes."""
        for viewer in self.viewers:
            silence = now - viewer.received_at
            if viewer.socket is None:
                continue
            if not viewer.is_open:
                if silence > HANDSHAKE_TIMEOUT_SECONDS:
                    self._drop(viewer, "timed out")
            elif silence >= viewers.SILENCE_SECONDS + viewers.RESYNC_SECONDS:
                self._drop(viewer, "silent")
            elif silence >= viewers.SILENCE_SECONDS and now - viewer.resync_at > viewers.RESYNC_SECONDS:
                viewer.resync_at = now
                self._send(viewer, websocket.TEXT, viewers.RESYNC_REQUEST)

    # Reports -------------------------------------------------------------------------------------

    def count_live(self) -> int:
        return sum(viewer.is_live for viewer in self.viewers)

    def report(self) -> dict[str, Any]:
        """Return the figures of this interval, and begin the next one."""
        figures = {
            "live": self.count_live(),
            **self.counts,
            "latencies": sorted(self.latencies.items()),
            "worst_ms": round(self.worst_latency),
            "cpu": round(time.process_time(), 2),
        }
        self.counts.clear()
        self.latencies.clear()
        self.worst_latency = 0.0
        return figures

    def check(self, truth: dict[str, list[Any]]) -> dict[str, Any]:
        """Return how many viewers believe something else than the truth, and an example."""
        wrong = [viewer for viewer in self.viewers if not viewer.is_live or viewers.differences(viewer.states, truth)]
        example = viewers.differences(wrong[0].states, truth)[:3] if wrong else []
        return {"wrong": len(wrong), "not_live": len(self.viewers) - self.count_live(), "example": example}


def main() -> None:
    """Run until `stop`, or until stdin ends."""
    crowd = Crowd(*map(int, sys.argv[1:4]))
    crowd.poll.register(0, select.EPOLLIN)
    parent, next_report, next_watch = os.getppid(), time.monotonic() + INTERVAL_SECONDS, 0.0
    while os.getppid() == parent:
        now = time.monotonic()
        crowd.connect_due(now)
        if now >= next_watch:
            crowd.watch(now)
            next_watch = now + 1
        if now >= next_report:
            _print_json({"interval": crowd.report()})
            next_report += INTERVAL_SECONDS
        wait = 0.2 if not crowd.due else max(0.0, min(0.2, crowd.due[0][0] - now))
        if crowd.turn(wait) and not _obey(crowd, os.read(0, 1 << 20).decode()):
            break


def _obey(crowd: Crowd, line: str) -> bool:
    """Run a command; False to stop."""
    word, _, rest = line.strip().partition(" ")
    if word == "cut":
        _print_json({"cut_at": crowd.cut()})
    elif word == "live":
        _print_json({"live": crowd.count_live()})
    elif word == "check":
        _print_json({"check": crowd.check(json.loads(rest))})
    return word in ("cut", "live", "check")


def _print_json(record: dict[str, Any]) -> None:
    print(json.dumps(record), flush=True)  # noqa: T201 - the answer to the process that started this one


if __name__ == "__main__":
    main()
