"""`python -m benchmarks library`: what a page of a large archive costs, on SQLite and on PostgreSQL."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import postgres, report
from benchmarks.samples import percentile

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
    found = {"SQLite": measured(options, "")}
    if binaries := _postgres():
        with postgres.cluster(binaries) as address:
            found["PostgreSQL"] = measured(options, address)
    else:
        print("PostgreSQL is left out; it needs apt-get install postgresql", file=sys.stderr)
    for name, lines in found.items():
        cells = [HEADING, *table(lines)]
        print(f"\n{name}, {options.videos:,} videos\n")
        print(report.markdown(cells) if options.markdown else report.plain(cells))
    where = ", ".join(f"{name} {value}" for name, value in report.machine().items())
    print(f"\n{options.rounds} rounds. CPU: of our process and the database's. {where}.")


def _postgres() -> Path | None:
    found = shutil.which("postgres") or next(map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))), None)
    return Path(found).resolve().parent if found else None


def measured(options: argparse.Namespace, address: str) -> list[dict[str, Any]]:
    """Return a line for each request to an archive on this database."""
    with tempfile.TemporaryDirectory(prefix="yta-bench-") as folder:
        env = {**os.environ, "YTARCHIVE_DATA": folder, "DATABASE_URL": address, "REDIS_URL": ""}
        env |= {"DJANGO_SETTINGS_MODULE": "ytarchive.settings"}
        command = [sys.executable, "-m", "benchmarks.asked", str(options.videos), str(options.rounds)]
        done = subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE)
    lines: list[dict[str, Any]] = json.loads(done.stdout)
    return lines


def table(lines: list[dict[str, Any]]) -> list[list[str]]:
    """Return the cells of each kind of request, and of all together."""
    kinds = list(dict.fromkeys(line["kind"] for line in lines))
    rows = [(kind, [line for line in lines if line["kind"] == kind]) for kind in kinds]
    return [_cells(kind, some) for kind, some in [*rows, ("all", lines)]]


def _cells(kind: str, lines: list[dict[str, Any]]) -> list[str]:
    cpu, wall, again = ([line[name] for line in lines] for name in ("cpu", "wall", "again"))
    figures = [percentile(cpu, 0.5), percentile(cpu, 0.95), max(cpu), percentile(wall, 0.5), percentile(wall, 0.95)]
    figures += [percentile(again, 0.5), percentile(again, 0.95)]
    queries = max(line.get("queries", 0) for line in lines)
    return [kind, *(f"{figure:.0f}" for figure in figures), str(queries), f"{max(x['bytes'] for x in lines) / 1e3:.0f}"]
