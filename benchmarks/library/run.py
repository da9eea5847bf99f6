"""`python -m benchmarks library`: what a page of a large archive costs, on SQLite and on PostgreSQL."""

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.library import postgres
from benchmarks.statistics import percentile

HEADING = [
    *("request", "CPU median, ms", "CPU 95 %", "CPU most", "wall median, ms", "wall 95 %"),
    *("again, CPU median", "again, 95 %", "queries", "HTML, kB"),
]


def main(arguments: list[str]) -> None:
    """Fill a temporary archive on each database, measure, and print a table for each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks library", description=__doc__)
    parser.add_argument("--videos", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=10, help="how often everything is asked for")
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    options = parser.parse_args(arguments)
    with contextlib.ExitStack() as stack:
        addresses = {"SQLite": ""}
        if binaries := _postgres():
            addresses["PostgreSQL"] = stack.enter_context(postgres.running(binaries)).address
        else:
            print("PostgreSQL is left out; it needs apt-get install postgresql", file=sys.stderr)
        found = measured(
            {name: stack.enter_context(archive(options.videos, at)) for name, at in addresses.items()}, options.rounds
        )
    for name, lines in found.items():
        cells = [HEADING, *table(lines)]
        print(f"\n{name}, {options.videos:,} videos\n")
        print(report.markdown(cells) if options.markdown else report.plain(cells))
    where = ", ".join(f"{name} {value}" for name, value in report.machine().items())
    print(f"\n{options.rounds} rounds, in turn. CPU: of our process and the database's. {where}.")


def _postgres() -> Path | None:
    found = shutil.which("postgres") or next(map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))), None)
    return Path(found).resolve().parent if found else None


Asking = Callable[[], list[dict[str, Any]]]


@contextlib.contextmanager
def archive(videos: int, address: str) -> Iterator[Asking]:
    """Fill an archive on this database, in a process of its own; give what asks for everything once."""
    with tempfile.TemporaryDirectory(prefix="yta-bench-") as folder:
        env = {**os.environ, "YTARCHIVE_DATA": folder, "DATABASE_URL": address, "REDIS_URL": ""}
        env |= {"DJANGO_SETTINGS_MODULE": "ytarchive.settings"}
        command = [sys.executable, "-m", "benchmarks.library.requests", str(videos)]
        with subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin
            assert process.stdout
            asks, answers = process.stdin, process.stdout

            def ask() -> list[dict[str, Any]]:
                print(file=asks, flush=True)
                lines: list[dict[str, Any]] = json.loads(answers.readline())
                return lines

            yield ask
            asks.close()


def measured(archives: dict[str, Asking], rounds: int) -> dict[str, list[dict[str, Any]]]:
    """Return a line for each request to each; they are asked in turn, so that both meet the machine as it is."""
    for ask in archives.values():
        ask()  # all are filled, and wait
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in archives}
    for number in range(rounds):
        print(f"Round {number + 1}: ten million steps of Python take {loop():.2f} s", file=sys.stderr)
        for name, ask in archives.items():
            found[name] += ask()
    return found


def table(lines: list[dict[str, Any]]) -> list[list[str]]:
    """Return the cells of each kind of request, of all together, and of all with each by its median.

    The last leaves out what a busy machine adds to a single round.
    """
    kinds = list(dict.fromkeys(line["kind"] for line in lines))
    rows = [(kind, [line for line in lines if line["kind"] == kind]) for kind in kinds]
    return [_cells(kind, some) for kind, some in [*rows, ("all", lines), ("… each by its median", by_median(lines))]]


def by_median(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one line for each address, with the medians of its times."""
    found = []
    for path in dict.fromkeys(line["path"] for line in lines):
        same = [line for line in lines if line["path"] == path]
        medians = {name: percentile([line[name] for line in same], 0.5) for name in ("cpu", "wall", "again")}
        found += [same[0] | medians]
    return found


def loop() -> float:
    """Return the seconds that ten million steps of Python take here and now: how fast the machine is."""
    began = time.process_time()
    for _ in range(10_000_000):
        pass
    return time.process_time() - began


def _cells(kind: str, lines: list[dict[str, Any]]) -> list[str]:
    cpu, wall, again = ([line[name] for line in lines] for name in ("cpu", "wall", "again"))
    figures = [percentile(cpu, 0.5), percentile(cpu, 0.95), max(cpu), percentile(wall, 0.5), percentile(wall, 0.95)]
    figures += [percentile(again, 0.5), percentile(again, 0.95)]
    queries = max(line["queries"] for line in lines)
    return [kind, *(f"{figure:.0f}" for figure in figures), str(queries), f"{max(x['bytes'] for x in lines) / 1e3:.0f}"]
