"""Tables of results, and the machine they were measured on.

The pipeline's table has a row for each figure and a column for each stack.
"""

import datetime
import json
import math
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.pipeline.measure import MAX_LAG_SECONDS
from benchmarks.statistics import percentile

RESULTS_FOLDER = Path(__file__).resolve().parent / "results"
Runs = Mapping[str, Sequence[Mapping[str, float]]]

# Name of the figure, its title, and its number format.
TABLE_ROWS = [
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
# Figures that are compared with ours in the peers' cells; less is better.
COMPARED_FIGURES = {"cpu_us", "median_ms", "p99_ms", "frame_us", "rest_kib", "load_kib"}
LATENCY_FIGURES = {"median_ms", "p99_ms", "newest_median_ms", "newest_p99_ms"}


def median(runs: Sequence[Mapping[str, float]], name: str) -> float:
    """Return the median of a figure over the runs that have it; NaN if no run has it."""
    return percentile(_values(runs, name), 0.5)


def _values(runs: Sequence[Mapping[str, float]], name: str) -> list[float]:
    if name == "unread_ratio":
        pairs = [(run.get("unread_p99_ms"), run.get("unread_p99_alone_ms")) for run in runs]
        return [stalled / alone for stalled, alone in pairs if stalled and alone]
    return [value for run in runs if (value := run.get(name)) is not None and not math.isnan(value)]


def table_cells(runs: Runs, titles: Mapping[str, str]) -> list[list[str]]:
    """Return the cells of the pipeline's table by row, the heading first; rows without any figure are left out."""
    names = list(runs)
    rows = [["figure", *[titles.get(name, name) for name in names]]]
    for name, title, number_format in TABLE_ROWS:
        cells = [_cell(runs, stack, name, number_format) for stack in names]
        if any(cells):
            rows.append([title, *cells])
    return rows


def _cell(runs: Runs, stack: str, name: str, number_format: str) -> str:
    values = _values(runs[stack], name)
    if not values:
        return ""
    behind = median(runs[stack], "behind_s")
    if name in LATENCY_FIGURES and behind > MAX_LAG_SECONDS:
        return f"{behind:.1f} s behind"
    if name == "unread_ratio" and median(runs[stack], "unread_behind_s") > MAX_LAG_SECONDS:
        return "behind"
    text = number_format.format(percentile(values, 0.5))
    if len(values) > 1:
        text += f" [{number_format.format(min(values))}–{number_format.format(max(values))}]"
    return text + _ratio(runs, stack, name)


def _ratio(runs: Runs, stack: str, name: str) -> str:
    if name not in COMPARED_FIGURES or stack == "ours" or "ours" not in runs:
        return ""
    ours, theirs = median(runs["ours"], name), median(runs[stack], name)
    return f" · {ours / theirs:.2g}" if theirs > 0 and not math.isnan(ours) else ""


def format_markdown(cells: list[list[str]]) -> str:
    """Return a table as Markdown, the first row as its heading."""
    heading, *lines = cells
    rule = ["---"] + ["---:"] * (len(heading) - 1)
    return "\n".join("| " + " | ".join(line) + " |" for line in [heading, rule, *lines])


def format_plain(cells: list[list[str]]) -> str:
    """Return a table as text with aligned columns."""
    widths = [max(len(line[number]) for line in cells) for number in range(len(cells[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells)


def describe_machine() -> dict[str, Any]:
    """Return the date, the load, and the versions and processor of this machine."""
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="minutes"),
        "cores": os.cpu_count(),
        "cpu": models[0] if models else platform.machine(),
        "python": platform.python_version(),
        "kernel": platform.release(),
        "load_average": os.getloadavg()[0],
    }


def save_results(content: dict[str, Any]) -> Path:
    """Write the results as JSON into RESULTS_FOLDER, and return the path."""
    RESULTS_FOLDER.mkdir(exist_ok=True)
    timestamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S")
    path = RESULTS_FOLDER / f"{timestamp}.json"
    path.write_text(json.dumps(content, indent=1))
    return path
