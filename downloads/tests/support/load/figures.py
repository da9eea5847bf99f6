"""Figures of a run: percentiles, growth of memory, and when a server answered again."""

import statistics
from collections import Counter
from typing import Any

from downloads.tests.support.load.prober import Probe

Record = dict[str, Any]


def percentile(latencies: Counter[int], share: float) -> int | None:
    """Return the latency (ms) below which this share of the updates is; None without any."""
    rank = share * sum(latencies.values())
    for milliseconds, count in sorted(latencies.items()):
        rank -= count
        if rank <= 0:
            return milliseconds
    return None


def first_answer_after(probes: list[Probe], began: float) -> float:
    """Return when the first request was answered that was sent after `began`."""
    answered = [probe.sent_at + probe.seconds for probe in probes if probe.sent_at >= began and probe.status]
    return min(answered, default=began)


def memory_growth(samples: list[Record], name: str, window: float = 300.0, warm_up: float = 300.0) -> Record:
    """Return the memory (MB) after the warm-up and at the end, each the mean of a window, and the growth between."""
    steady = [sample for sample in samples if sample["phase"] == "steady"]
    if not steady:
        return {}
    began, ended = steady[0]["at"], steady[-1]["at"]
    warm_up, window = min(warm_up, (ended - began) / 6), min(window, (ended - began) / 6)
    first = [s for s in steady if began + warm_up <= s["at"] <= began + warm_up + window] or steady[:1]
    last = [s for s in steady if s["at"] >= ended - window] or steady[-1:]
    figures: Record = {}
    for kind in ("pss_mb", "rss_mb"):
        before, after = (statistics.mean(s["costs"][name][kind] for s in part) for part in (first, last))
        figures[kind] = [round(before, 1), round(after, 1), round(after / before - 1, 4)]
    return figures
