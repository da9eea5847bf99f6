"""The table: a row for each figure, a column for each stack."""

import datetime
import json
import math
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.pipeline.measure import LATE
from benchmarks.statistics import percentile

RESULTS = Path(__file__).resolve().parent / "results"
Runs = Mapping[str, Sequence[Mapping[str, float]]]

# Name of the figure, what it is, and how it is written.
ROWS = [
    ("cpu_us", "CPU per update per client, µs", "{:.3g}"),
    ("cores", "CPU in all, cores", "{:.2f}"),
    ("machine_cores", "… all that the machine ran meanwhile, cores", "{:.2f}"),
    ("median_ms", "publish → client, median, ms", "{:.0f}"),
    ("p99_ms", "publish → client, 99th percentile, ms", "{:.0f}"),
    ("newest_median_ms", "… newest update of each frame, median, ms", "{:.0f}"),
    ("newest_p99_ms", "… newest update of each frame, 99th percentile, ms", "{:.0f}"),
    ("frame_us", "CPU per frame per client, µs", "{:.3g}"),
    ("web_frame_us", "… of the web process alone, µs", "{:.3g}"),
    ("bridge_us", "CPU of the bridge per update, µs", "{:.0f}"),
    ("idle_ms", "idle: publish → client, median, ms", "{:.1f}"),
    ("rest_kib", "memory per connection, at rest, KiB", "{:.0f}"),
    ("load_kib", "memory per connection, under load, KiB", "{:.0f}"),
    ("lost", "connections lost, or in error", "{:.0f}"),
    ("unread_mb", "5 clients that do not read, 500/s: growth, MB", "{:.1f}"),
    ("unread_ratio", "… 99th percentile of the others, with ÷ without", "{:.2f}"),
    ("flood_sent", "flood: messages published per second", "{:.0f}"),
    ("flood_sends", "… group sends per second", "{:.1f}"),
    ("flood_cores", "… CPU of the bridge, cores", "{:.2f}"),
    ("flood_p99_ms", "… publish → client, 99th percentile, ms", "{:.0f}"),
    ("clients_x2", "clients × 2: CPU ×", "{:.2f}"),
    ("clients_x2_web", "… of the web process alone ×", "{:.2f}"),
    ("videos_x2_frame", "videos × 2: CPU per frame ×", "{:.2f}"),
    ("crowd1_p99_ms", "3,000 clients, one web process: 99th percentile, ms", "{:.0f}"),
    ("crowd1_frames", "… frames per second for each", "{:.1f}"),
    ("crowd1_web_cores", "… CPU of the web process, cores", "{:.2f}"),
    ("crowd1_lost", "… connections lost, or in error", "{:.0f}"),
    ("crowd2_p99_ms", "6,000 clients, two web processes: 99th percentile, ms", "{:.0f}"),
    ("crowd2_frames", "… frames per second for each", "{:.1f}"),
    ("crowd2_web_cores", "… CPU of the web processes, cores", "{:.2f}"),
    ("crowd2_lost", "… connections lost, or in error", "{:.0f}"),
]
# Where less is better, and a peer's figure is comparable with ours.
COMPARED = {"cpu_us", "median_ms", "p99_ms", "frame_us", "rest_kib", "load_kib"}
LATENCIES = {"median_ms", "p99_ms", "newest_median_ms", "newest_p99_ms"}


def median(runs: Sequence[Mapping[str, float]], name: str) -> float:
    """Return the median of a figure over the runs that have it; NaN if none has."""
    return percentile(_values(runs, name), 0.5)


def _values(runs: Sequence[Mapping[str, float]], name: str) -> list[float]:
    if name == "unread_ratio":
        parts = [(run.get("unread_p99_ms"), run.get("unread_p99_alone_ms")) for run in runs]
        return [one / other for one, other in parts if one and other]
    return [value for run in runs if (value := run.get(name)) is not None and not math.isnan(value)]


def table(runs: Runs, titles: Mapping[str, str]) -> list[list[str]]:
    """Return the table's cells, the heading first."""
    names = list(runs)
    lines = [["figure", *[titles.get(name, name) for name in names]]]
    for name, title, form in ROWS:
        cells = [_cell(runs, stack, name, form) for stack in names]
        if any(cells):
            lines.append([title, *cells])
    return lines


def _cell(runs: Runs, stack: str, name: str, form: str) -> str:
    values = _values(runs[stack], name)
    if not values:
        return ""
    behind = median(runs[stack], "behind_s")
    if name in LATENCIES and behind > LATE:
        return f"{behind:.1f} s behind"
    late = name == "unread_ratio" and median(runs[stack], "unread_behind_s") > LATE
    if late:
        return "behind"
    text = form.format(percentile(values, 0.5))
    if len(values) > 1:
        text += f" [{form.format(min(values))}–{form.format(max(values))}]"
    return text + _ratio(runs, stack, name)


def _ratio(runs: Runs, stack: str, name: str) -> str:
    if name not in COMPARED or stack == "ours" or "ours" not in runs:
        return ""
    ours, theirs = median(runs["ours"], name), median(runs[stack], name)
    return f" · {ours / theirs:.2g}" if theirs > 0 and not math.isnan(ours) else ""


def markdown(cells: list[list[str]]) -> str:
    """Return the table as Markdown."""
    heading, *lines = cells
    rule = ["---"] + ["---:"] * (len(heading) - 1)
    return "\n".join("| " + " | ".join(line) + " |" for line in [heading, rule, *lines])


def plain(cells: list[list[str]]) -> str:
    """Return the table with aligned columns."""
    widths = [max(len(line[number]) for line in cells) for number in range(len(cells[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells)


def machine() -> dict[str, Any]:
    """Return where and when this is."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="minutes"),
        "cores": os.cpu_count(),
        "cpu": names[0] if names else platform.machine(),
        "python": platform.python_version(),
        "kernel": platform.release(),
        "load_average": os.getloadavg()[0],
    }


def save(content: dict[str, Any]) -> Path:
    """Write the results as JSON and return where."""
    RESULTS.mkdir(exist_ok=True)
    moment = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S")
    found = RESULTS / f"{moment}.json"
    found.write_text(json.dumps(content, indent=1))
    return found
