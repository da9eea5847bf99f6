"""Scenarios: the loads that the stacks are measured under, and the figures of each."""

import dataclasses
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.pipeline.measure import Clients, LoadShape, measure_window
from benchmarks.pipeline.server import running_stack
from benchmarks.pipeline.stacks import OUR_STACK, PROJECT_ROOT, Stack, clean_environment

Figures = dict[str, float]


@dataclasses.dataclass(frozen=True)
class BenchmarkSize:
    """The loads of a benchmark, one for each scenario."""

    base: LoadShape
    idle: LoadShape
    unread: LoadShape
    flood: LoadShape
    crowd: LoadShape
    two_webs: LoadShape | None
    stalled: int = 5


FULL_SIZE = BenchmarkSize(
    base=LoadShape(500, window=6),
    idle=LoadShape(10, videos=1, rate=2.3, warm=1, window=4),
    # 500 updates a second, for longer than a client may be behind before it is disconnected (10 s).
    unread=LoadShape(100, videos=100, rate=5, window=14),
    flood=LoadShape(50, videos=100, rate=50, window=4),
    crowd=LoadShape(3000, warm=3, window=6),
    two_webs=LoadShape(6000, warm=4, window=6),
)
SHORT_SIZE = dataclasses.replace(
    FULL_SIZE,
    base=LoadShape(300, warm=1, window=6),
    idle=LoadShape(10, videos=1, rate=2.3, warm=0.5, window=2),
    flood=LoadShape(20, videos=100, rate=50, window=3),
    two_webs=None,
)


class ScenarioRunner:
    """Runner of scenarios, each with new processes, in a temporary folder."""

    def __init__(self, size: BenchmarkSize) -> None:
        self.size = size
        # A short prefix: the path of a Unix socket is limited to 107 bytes (unix(7)).
        self.folder = Path(tempfile.mkdtemp(prefix="ytb-"))
        self.data = self.folder / "data"
        self._count = 0

    def prepare(self) -> None:
        """Create our archive's tables and static files, once for all scenarios."""
        environment = clean_environment() | {"YTARCHIVE_DATA": str(self.data)}
        command = [sys.executable, "manage.py", "prepare"]
        subprocess.run(command, cwd=PROJECT_ROOT, env=environment, stdout=subprocess.DEVNULL, check=True)

    def _new_folder(self) -> Path:
        self._count += 1
        return self.folder / f"r{self._count}"

    # Every stack ---------------------------------------------------------------------------------

    def measure_base(self, stack: Stack) -> Figures:
        """Measure a stack with few clients, and with the usual load; and its memory per connection."""
        size = self.size
        with running_stack(stack, self._new_folder(), self.data) as server:
            with Clients(server, size.idle.clients) as idle_clients:
                idle = measure_window(server, idle_clients, size.idle)
            start_memory = server.resident_bytes()
            with Clients(server, size.base.clients) as clients:
                rest_memory = server.resident_bytes()
                figures = measure_window(server, clients, size.base)
                load_memory = server.resident_bytes()
        return figures | {
            "idle_ms": idle["median_ms"],
            "rest_kib": (rest_memory - start_memory) / 1024 / size.base.clients,
            "load_kib": (load_memory - start_memory) / 1024 / size.base.clients,
        }

    def measure_stalled_clients(self, stack: Stack) -> Figures:
        """Measure the effect of a few clients that do not read: on memory, and on the latency of the others."""
        shape = self.size.unread
        with running_stack(stack, self._new_folder(), self.data) as server, Clients(server, shape.clients) as clients:
            alone = measure_window(server, clients, dataclasses.replace(shape, window=4))
        with (
            running_stack(stack, self._new_folder(), self.data) as server,
            Clients(server, shape.clients) as clients,
            Clients(server, self.size.stalled, stall=True),
        ):
            figures = measure_window(server, clients, shape)
        return {
            "unread_mb": figures["grown"] / 1e6,
            "unread_p99_ms": figures["p99_ms"],
            "unread_p99_alone_ms": alone["p99_ms"],
            "unread_behind_s": figures["behind_s"],
            "unread_lost": figures["lost"],
        }

    def measure_under(self, stack: Stack, shape: LoadShape, webs: int = 1) -> Figures:
        """Measure a stack under a load; ours with `webs` web processes."""
        with (
            running_stack(stack, self._new_folder(), self.data, webs) as server,
            Clients(server, shape.clients) as clients,
        ):
            return measure_window(server, clients, shape)

    # Ours ------------------------------------------------------------------------------------------

    def measure_flood(self) -> Figures:
        """Measure the bridge at 5,000 messages a second."""
        figures = self.measure_under(OUR_STACK, self.size.flood)
        sent = figures["sent"] / self.size.flood.window
        return {
            "flood_sent": sent,
            "flood_sends": figures["batches"],
            "flood_cores": figures["bridge_cores"],
            "flood_message_us": 1e6 * figures["bridge_cores"] / sent,
            "flood_p99_ms": figures["p99_ms"],
        }

    def measure_growth(self) -> Figures:
        """Measure twice the clients, and twice the videos, relative to the usual load measured right before."""
        base = self.size.base
        baseline = self.measure_under(OUR_STACK, base)
        clients = self.measure_under(OUR_STACK, dataclasses.replace(base, clients=2 * base.clients))
        videos = self.measure_under(OUR_STACK, dataclasses.replace(base, videos=2 * base.videos))
        return {
            "clients_x2": clients["cores"] / baseline["cores"],
            "clients_x2_web": clients["web_cores"] / baseline["web_cores"],
            "videos_x2_frame": videos["frame_us"] / baseline["frame_us"],
        }

    def measure_crowd(self, shape: LoadShape, webs: int) -> Figures:
        """Measure thousands of clients."""
        figures = self.measure_under(OUR_STACK, shape, webs)
        names = ("median_ms", "p99_ms", "furthest_s", "lost", "cores", "web_cores", "frame_us", "cpu_us")
        rate = figures["frames"] / shape.clients / shape.window
        return {f"crowd{webs}_{name}": figures[name] for name in names} | {f"crowd{webs}_frames": rate}

    def own_scenarios(self) -> Iterator[Callable[[], Figures]]:
        """Yield the scenarios that are run on our stack only."""
        size = self.size
        yield self.measure_flood
        yield self.measure_growth
        yield lambda: self.measure_crowd(size.crowd, 1)
        two_webs = size.two_webs
        if two_webs:
            yield lambda: self.measure_crowd(two_webs, 2)


@contextmanager
def prepared_runner(size: BenchmarkSize) -> Iterator[ScenarioRunner]:
    """Yield a prepared runner; its folder is removed in any case."""
    runner = ScenarioRunner(size)
    try:
        runner.prepare()
        yield runner
    finally:
        shutil.rmtree(runner.folder, ignore_errors=True)
