"""One measurement: load clients, a publisher, a time window, and the figures of that window."""

import dataclasses
import json
import math
import select
import subprocess
import sys
import time
from typing import Any

from benchmarks.pipeline.clients import LoadRequest
from benchmarks.pipeline.publisher import monotonic_microseconds
from benchmarks.pipeline.server import StackServer
from benchmarks.pipeline.stacks import PROJECT_ROOT
from benchmarks.statistics import percentile

HELPER_TIMEOUT_SECONDS = 90.0  # until the clients are connected, or have reported
MAX_CLIENTS_PER_PROCESS = 1500
MAX_LAG_SECONDS = 1.0  # at the end of the window; a stack with more lag does not keep up


class HelperProcess:
    """A child process that reads and writes lines of JSON."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", *arguments], cwd=PROJECT_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def send_json(self, content: object) -> None:
        """Write one line of JSON to its stdin."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps(content).encode() + b"\n")
        self.process.stdin.flush()

    def read_line(self) -> str:
        """Return the next line of its stdout; raises RuntimeError after HELPER_TIMEOUT_SECONDS or at its end."""
        assert self.process.stdout
        ready, _, _ = select.select([self.process.stdout], [], [], HELPER_TIMEOUT_SECONDS)
        line = self.process.stdout.readline() if ready else b""
        if not line:
            raise RuntimeError("a load process ended early, or wrote nothing in time")
        return line.decode()

    def kill(self) -> None:
        """Kill it and wait for its end."""
        self.process.kill()
        self.process.communicate()


class Clients:
    """Load clients, spread evenly over as few processes as MAX_CLIENTS_PER_PROCESS allows."""

    def __init__(self, server: StackServer, count: int, *, stall: bool = False) -> None:
        process_count = math.ceil(count / MAX_CLIENTS_PER_PROCESS)
        stack = server.stack
        self.helpers = [HelperProcess("benchmarks.pipeline.clients") for _ in range(process_count)]
        for number, helper in enumerate(self.helpers):
            share = count // process_count + int(number < count % process_count)
            request = LoadRequest(server.port, stack.path, share, stack.subprotocol, stack.socketio, stall)
            helper.send_json(dataclasses.asdict(request))

    def __enter__(self) -> "Clients":
        try:
            for helper in self.helpers:
                helper.read_line()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for helper in self.helpers:
            helper.kill()

    def set_window(self, since: int, until: int) -> None:
        """Send the window (µs, monotonic) to all processes."""
        for helper in self.helpers:
            helper.send_json({"since": since, "until": until})

    def results(self) -> list[dict[str, Any]]:
        """Return the results of each process, as LoadClients.result has them."""
        return [json.loads(helper.read_line()) for helper in self.helpers]


@dataclasses.dataclass(frozen=True)
class LoadShape:
    """The load: number of clients and videos, updates per second of each video, seconds of warm-up and of measuring."""

    clients: int
    videos: int = 20
    rate: float = 4.7
    warm: float = 2.0
    window: float = 8.0


def measure_window(server: StackServer, clients: Clients, shape: LoadShape) -> dict[str, float]:
    """Publish `shape` while the clients read, and return the figures of the window after the warm-up."""
    since = monotonic_microseconds() + int(shape.warm * 1e6)
    until = since + int(shape.window * 1e6)
    publisher = HelperProcess("benchmarks.pipeline.publisher", str(server.socket))
    try:
        publisher.send_json({"videos": shape.videos, "rate": shape.rate, "until": until})
        clients.set_window(since, until)
        _sleep_until(since)
        memory = peak_memory = server.resident_bytes()
        cpu_before = server.cpu_seconds_by_role()
        batches, machine_seconds = server.sent_batches(), server.machine_cpu_seconds()
        while (remaining := until - monotonic_microseconds()) > 0:
            time.sleep(min(remaining / 1e6, 0.25))
            peak_memory = max(peak_memory, server.resident_bytes())
        cpu_after = server.cpu_seconds_by_role()
        batches = server.sent_batches() - batches
        machine_seconds = server.machine_cpu_seconds() - machine_seconds
        sent = [stamp for stamp in json.loads(publisher.read_line())["sent"] if since <= stamp < until]
        figures = _latency_figures(clients.results(), shape, until, len(sent))
    finally:
        publisher.kill()
    cpu = {role: cpu_after[role] - cpu_before[role] for role in cpu_after}
    return {
        **figures,
        **_cpu_figures(figures, cpu, shape, len(sent)),
        "grown": peak_memory - memory,
        "batches": batches / shape.window,
        "machine_cores": machine_seconds / shape.window,
    }


def _latency_figures(results: list[dict[str, Any]], shape: LoadShape, until: int, sent: int) -> dict[str, float]:
    newest_latencies = [value for result in results for value in result["newest_ms"]]
    all_latencies = [value for result in results for value in result["every_ms"]]
    duration = shape.warm + shape.window
    lags = [min(duration, max(0.0, (until - stamp) / 1e6)) for result in results for stamp in result["newest_stamps"]]
    return {
        "sent": sent,
        "frames": sum(result["frames"] for result in results),
        "updates": sum(result["updates"] for result in results),
        "lost": sum(result["closed"] + result["errors"] for result in results),
        "median_ms": percentile(all_latencies, 0.5),
        "p99_ms": percentile(all_latencies, 0.99),
        "newest_median_ms": percentile(newest_latencies, 0.5),
        "newest_p99_ms": percentile(newest_latencies, 0.99),
        "behind_s": percentile(lags, 0.5),
        "furthest_s": max(lags),
    }


def _cpu_figures(figures: dict[str, float], cpu: dict[str, float], shape: LoadShape, sent: int) -> dict[str, float]:
    """Return the CPU times: in all, per frame, and per update (`cpu_us`).

    An update counts once per client, also if conflation replaced it by a newer one. For a stack that does not keep
    up, only delivered updates count: the work for the others is still to be done.
    """
    total = sum(cpu.values())
    delivered = figures["updates"] if figures["behind_s"] > MAX_LAG_SECONDS else sent * shape.clients
    return {
        "cpu_us": 1e6 * total / delivered if delivered else math.nan,
        "frame_us": 1e6 * total / figures["frames"] if figures["frames"] else math.nan,
        "web_frame_us": 1e6 * cpu["web"] / figures["frames"] if figures["frames"] else math.nan,
        "bridge_us": 1e6 * cpu["bridge"] / sent if "bridge" in cpu and sent else math.nan,
        "cores": total / shape.window,
        **{f"{role}_cores": value / shape.window for role, value in cpu.items()},
    }


def _sleep_until(time_us: int) -> None:
    time.sleep(max(0.0, (time_us - monotonic_microseconds()) / 1e6))
