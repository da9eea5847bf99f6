"""One measurement: clients, a publisher, a window of time, and what was seen in it."""

import dataclasses
import json
import math
import select
import subprocess
import sys
import time
from typing import Any

from benchmarks.pipeline.clients import Order
from benchmarks.pipeline.publisher import microseconds
from benchmarks.pipeline.server import Server
from benchmarks.pipeline.stacks import BASE
from benchmarks.statistics import percentile

PATIENCE = 90.0  # seconds for the clients to be connected, or to report
MOST_CLIENTS = 1500  # in one process
LATE = 1.0  # seconds behind at the end of the window: it does not keep up


class Helper:
    """A process of ours that takes and gives lines of JSON."""

    def __init__(self, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", *words], cwd=BASE, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def say(self, content: object) -> None:
        """Give it one line."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps(content).encode() + b"\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        """Return its next line."""
        assert self.process.stdout
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        line = self.process.stdout.readline() if ready else b""
        if not line:
            raise RuntimeError("a load process ended early, or said nothing in time")
        return line.decode()

    def end(self) -> None:
        """End it."""
        self.process.kill()
        self.process.communicate()


class Clients:
    """N clients in as few processes as can bear them."""

    def __init__(self, server: Server, count: int, *, stall: bool = False) -> None:
        parts = math.ceil(count / MOST_CLIENTS)
        stack = server.stack
        self.helpers = [Helper("benchmarks.pipeline.clients") for _ in range(parts)]
        for number, helper in enumerate(self.helpers):
            share = count // parts + int(number < count % parts)
            order = Order(server.port, stack.path, share, stack.subprotocol, stack.socketio, stall)
            helper.say(dataclasses.asdict(order))

    def __enter__(self) -> "Clients":
        try:
            for helper in self.helpers:
                helper.hear()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for helper in self.helpers:
            helper.end()

    def measure(self, since: int, until: int) -> None:
        """Tell them the window."""
        for helper in self.helpers:
            helper.say({"since": since, "until": until})

    def results(self) -> list[dict[str, Any]]:
        """Return what each process measured."""
        return [json.loads(helper.hear()) for helper in self.helpers]


@dataclasses.dataclass(frozen=True)
class Shape:
    """The load: clients, videos, updates a second of each; seconds of warming up and of measuring."""

    clients: int
    videos: int = 20
    rate: float = 4.7
    warm: float = 2.0
    window: float = 8.0


def window(server: Server, clients: Clients, shape: Shape) -> dict[str, float]:
    """Publish, measure, and return the figures."""
    since = microseconds() + int(shape.warm * 1e6)
    until = since + int(shape.window * 1e6)
    publisher = Helper("benchmarks.pipeline.publisher", str(server.socket))
    try:
        publisher.say({"videos": shape.videos, "rate": shape.rate, "until": until})
        clients.measure(since, until)
        _sleep_until(since)
        before, memory, batches, busy = server.cpu(), server.memory(), server.batches(), server.machine()
        peak = memory
        while (left := until - microseconds()) > 0:
            time.sleep(min(left / 1e6, 0.25))
            peak = max(peak, server.memory())
        after, batches, busy = server.cpu(), server.batches() - batches, server.machine() - busy
        sent = [stamp for stamp in json.loads(publisher.hear())["sent"] if since <= stamp < until]
        found = _figures(clients.results(), shape, until, len(sent))
    finally:
        publisher.end()
    cpu = {part: after[part] - before[part] for part in after}
    return (
        found
        | _costs(found, cpu, shape, len(sent))
        | {"grown": peak - memory, "batches": batches / shape.window, "machine_cores": busy / shape.window}
    )


def _figures(results: list[dict[str, Any]], shape: Shape, until: int, sent: int) -> dict[str, float]:
    newest = [value for found in results for value in found["newest_ms"]]
    every = [value for found in results for value in found["every_ms"]]
    span = shape.warm + shape.window
    behind = [min(span, max(0.0, (until - stamp) / 1e6)) for found in results for stamp in found["newest_stamps"]]
    return {
        "sent": sent,
        "frames": sum(found["frames"] for found in results),
        "updates": sum(found["updates"] for found in results),
        "lost": sum(found["closed"] + found["errors"] for found in results),
        "median_ms": percentile(every, 0.5),
        "p99_ms": percentile(every, 0.99),
        "newest_median_ms": percentile(newest, 0.5),
        "newest_p99_ms": percentile(newest, 0.99),
        "behind_s": percentile(behind, 0.5),
        "furthest_s": max(behind),
    }


def _costs(found: dict[str, float], cpu: dict[str, float], shape: Shape, sent: int) -> dict[str, float]:
    """Return the CPU times: per update that reached, or whose newer replacement reached, one client.

    What falls behind is charged for what it did bring: the rest of its work is still to come.
    """
    total = sum(cpu.values())
    served = found["updates"] if found["behind_s"] > LATE else sent * shape.clients
    return {
        "cpu_us": 1e6 * total / served if served else math.nan,
        "frame_us": 1e6 * total / found["frames"] if found["frames"] else math.nan,
        "web_frame_us": 1e6 * cpu["web"] / found["frames"] if found["frames"] else math.nan,
        "bridge_us": 1e6 * cpu["bridge"] / sent if "bridge" in cpu and sent else math.nan,
        "cores": total / shape.window,
        **{f"{part}_cores": value / shape.window for part, value in cpu.items()},
    }


def _sleep_until(moment: int) -> None:
    time.sleep(max(0.0, (moment - microseconds()) / 1e6))
