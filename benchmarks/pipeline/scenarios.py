"""The figures: which loads are put on which stacks."""

import dataclasses
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.pipeline.measure import Clients, Shape, window
from benchmarks.pipeline.server import running
from benchmarks.pipeline.stacks import BASE, OURS, Stack, clean_environment

Figures = dict[str, float]


@dataclasses.dataclass(frozen=True)
class Size:
    """How much is measured."""

    base: Shape
    idle: Shape
    unread: Shape
    flood: Shape
    crowd: Shape
    two_webs: Shape | None
    stalled: int = 5


FULL = Size(
    base=Shape(500, window=6),
    idle=Shape(10, videos=1, rate=2.3, warm=1, window=4),
    # 500 updates a second; longer than a client may be behind.
    unread=Shape(100, videos=100, rate=5, window=14),
    flood=Shape(50, videos=100, rate=50, window=4),
    crowd=Shape(3000, warm=3, window=6),
    two_webs=Shape(6000, warm=4, window=6),
)
SHORT = dataclasses.replace(
    FULL,
    base=Shape(300, warm=1, window=6),
    idle=Shape(10, videos=1, rate=2.3, warm=0.5, window=2),
    flood=Shape(20, videos=100, rate=50, window=3),
    two_webs=None,
)


class Bench:
    """Runs scenarios, each on fresh processes, in a temporary folder."""

    def __init__(self, size: Size) -> None:
        self.size = size
        # Short: the path of a socket may have 107 bytes only.
        self.folder = Path(tempfile.mkdtemp(prefix="ytb-"))
        self.data = self.folder / "data"
        self._count = 0

    def prepare(self) -> None:
        """Make our archive's tables and static files, once for all runs."""
        environment = clean_environment() | {"YTARCHIVE_DATA": str(self.data)}
        words = [sys.executable, "manage.py", "prepare"]
        subprocess.run(words, cwd=BASE, env=environment, stdout=subprocess.DEVNULL, check=True)

    def _fresh(self) -> Path:
        self._count += 1
        return self.folder / f"r{self._count}"

    # Every stack ---------------------------------------------------------------------------------

    def base(self, stack: Stack) -> Figures:
        """Measure a stack at rest, its memory for each connection, and under the usual load."""
        size = self.size
        with running(stack, self._fresh(), self.data) as server:
            with Clients(server, size.idle.clients) as few:
                idle = window(server, few, size.idle)
            before = server.memory()
            with Clients(server, size.base.clients) as clients:
                opened = server.memory()
                found = window(server, clients, size.base)
                loaded = server.memory()
        return found | {
            "idle_ms": idle["median_ms"],
            "rest_kib": (opened - before) / 1024 / size.base.clients,
            "load_kib": (loaded - before) / 1024 / size.base.clients,
        }

    def unread(self, stack: Stack) -> Figures:
        """Measure what a few clients that do not read cost, and what they do to the others."""
        shape = self.size.unread
        with running(stack, self._fresh(), self.data) as server, Clients(server, shape.clients) as clients:
            alone = window(server, clients, dataclasses.replace(shape, window=4))
        with (
            running(stack, self._fresh(), self.data) as server,
            Clients(server, shape.clients) as clients,
            Clients(server, self.size.stalled, stall=True),
        ):
            found = window(server, clients, shape)
        return {
            "unread_mb": found["grown"] / 1e6,
            "unread_p99_ms": found["p99_ms"],
            "unread_p99_alone_ms": alone["p99_ms"],
            "unread_behind_s": found["behind_s"],
            "unread_lost": found["lost"],
        }

    def under(self, stack: Stack, shape: Shape, webs: int = 1) -> Figures:
        """Measure a stack under another load; ours with this many web processes."""
        with running(stack, self._fresh(), self.data, webs) as server, Clients(server, shape.clients) as clients:
            return window(server, clients, shape)

    # Ours ------------------------------------------------------------------------------------------

    def flood(self) -> Figures:
        """Measure the bridge at 5,000 messages a second."""
        found = self.under(OURS, self.size.flood)
        sent = found["sent"] / self.size.flood.window
        return {
            "flood_sent": sent,
            "flood_sends": found["batches"],
            "flood_cores": found["bridge_cores"],
            "flood_message_us": 1e6 * found["bridge_cores"] / sent,
            "flood_p99_ms": found["p99_ms"],
        }

    def growth(self) -> Figures:
        """Measure twice the clients, and twice the videos, against the usual load in the same minute."""
        base = self.size.base
        once = self.under(OURS, base)
        clients = self.under(OURS, dataclasses.replace(base, clients=2 * base.clients))
        videos = self.under(OURS, dataclasses.replace(base, videos=2 * base.videos))
        return {
            "clients_x2": clients["cores"] / once["cores"],
            "clients_x2_web": clients["web_cores"] / once["web_cores"],
            "videos_x2_frame": videos["frame_us"] / once["frame_us"],
        }

    def crowd(self, shape: Shape, webs: int) -> Figures:
        """Measure thousands of clients."""
        found = self.under(OURS, shape, webs)
        kept = ("median_ms", "p99_ms", "furthest_s", "lost", "cores", "web_cores", "frame_us", "cpu_us")
        rate = found["frames"] / shape.clients / shape.window
        return {f"crowd{webs}_{name}": found[name] for name in kept} | {f"crowd{webs}_frames": rate}

    def only_ours(self) -> Iterator[Callable[[], Figures]]:
        """Return the scenarios that have no peer."""
        size = self.size
        yield self.flood
        yield self.growth
        yield lambda: self.crowd(size.crowd, 1)
        two = size.two_webs
        if two:
            yield lambda: self.crowd(two, 2)


@contextmanager
def bench(size: Size) -> Iterator[Bench]:
    """Yield a bench that is prepared; nothing of it stays behind."""
    found = Bench(size)
    try:
        found.prepare()
        yield found
    finally:
        shutil.rmtree(found.folder, ignore_errors=True)
