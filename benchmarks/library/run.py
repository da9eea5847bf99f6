"""`python -m benchmarks library`: the CPU time of the pages of a large archive, on SQLite and on PostgreSQL."""

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

TABLE_HEADING = [
    *("request", "CPU median, ms", "CPU 95 %", "CPU most", "wall median, ms", "wall 95 %"),
    *("again, CPU median", "again, 95 %", "queries", "HTML, kB"),
]


def main(arguments: list[str]) -> None:
    """Fill a temporary archive on each database, measure its requests, and print a table for each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks library", description=__doc__)
    parser.add_argument("--videos", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=10, help="how often everything is asked for")
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    options = parser.parse_args(arguments)
    with contextlib.ExitStack() as stack:
        database_urls = {"SQLite": ""}
        if binaries := _postgres_binaries():
            database_urls["PostgreSQL"] = stack.enter_context(postgres.temporary_server(binaries)).address
        else:
            print("PostgreSQL is left out; it needs apt-get install postgresql", file=sys.stderr)
        lines_by_archive = measure(
            {name: stack.enter_context(filled_archive(options.videos, url)) for name, url in database_urls.items()},
            options.rounds,
        )
    for name, lines in lines_by_archive.items():
        cells = [TABLE_HEADING, *table_rows(lines)]
        print(f"\n{name}, {options.videos:,} videos\n")
        print(report.format_markdown(cells) if options.markdown else report.format_plain(cells))
    machine = ", ".join(f"{name} {value}" for name, value in report.describe_machine().items())
    print(f"\n{options.rounds} rounds, in turn. CPU: of our process and the database's. {machine}.")


def _postgres_binaries() -> Path | None:
    program = shutil.which("postgres") or next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))), None)
    return Path(program).resolve().parent if program else None


RunRound = Callable[[], list[dict[str, Any]]]


@contextlib.contextmanager
def filled_archive(videos: int, database_url: str) -> Iterator[RunRound]:
    """Fill an archive on this database, in a child process; yield a function that makes each request once."""
    with tempfile.TemporaryDirectory(prefix="yta-bench-") as folder:
        env = {**os.environ, "YTARCHIVE_DATA": folder, "DATABASE_URL": database_url, "REDIS_URL": ""}
        env |= {"DJANGO_SETTINGS_MODULE": "ytarchive.settings"}
        command = [sys.executable, "-m", "benchmarks.library.requests", str(videos)]
        with subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin
            assert process.stdout
            requests, responses = process.stdin, process.stdout

            def run_round() -> list[dict[str, Any]]:
                print(file=requests, flush=True)
                lines: list[dict[str, Any]] = json.loads(responses.readline())
                return lines

            yield run_round
            requests.close()


def measure(archives: dict[str, RunRound], rounds: int) -> dict[str, list[dict[str, Any]]]:
    """Return the measurements of each archive, a line for each request.

    The archives take turns, so that other work on the machine affects both alike.
    """
    for run_round in archives.values():
        run_round()  # returns when the archive is filled
    lines: dict[str, list[dict[str, Any]]] = {name: [] for name in archives}
    for number in range(rounds):
        print(f"Round {number + 1}: ten million steps of Python take {time_python_loop():.2f} s", file=sys.stderr)
        for name, run_round in archives.items():
            lines[name] += run_round()
    return lines


def table_rows(lines: list[dict[str, Any]]) -> list[list[str]]:
    """Return the cells by row: each kind of request, all requests, and all with the median of each path.

    The last row leaves out what other work on the machine adds to a single round.
    """
    kinds = list(dict.fromkeys(line["kind"] for line in lines))
    rows = [(kind, [line for line in lines if line["kind"] == kind]) for kind in kinds]
    return [
        _row_cells(kind, group)
        for kind, group in [*rows, ("all", lines), ("… each by its median", medians_by_path(lines))]
    ]


def medians_by_path(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one line for each path, with the medians of its times."""
    median_lines = []
    for path in dict.fromkeys(line["path"] for line in lines):
        same_path = [line for line in lines if line["path"] == path]
        medians = {name: percentile([line[name] for line in same_path], 0.5) for name in ("cpu", "wall", "again")}
        median_lines.append(same_path[0] | medians)
    return median_lines


def time_python_loop() -> float:
    """Return the CPU seconds of a loop of ten million steps, as a measure of the machine's speed."""
    started_at = time.process_time()
    for _ in range(10_000_000):
        pass
    return time.process_time() - started_at


def _row_cells(kind: str, lines: list[dict[str, Any]]) -> list[str]:
    cpu, wall, again = ([line[name] for line in lines] for name in ("cpu", "wall", "again"))
    figures = [percentile(cpu, 0.5), percentile(cpu, 0.95), max(cpu), percentile(wall, 0.5), percentile(wall, 0.95)]
    figures += [percentile(again, 0.5), percentile(again, 0.95)]
    queries = max(line["queries"] for line in lines)
    return [kind, *(f"{figure:.0f}" for figure in figures), str(queries), f"{max(x['bytes'] for x in lines) / 1e3:.0f}"]
