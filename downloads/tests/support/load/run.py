"""A run of the load: steady updates, then storms of reconnects, then a comparison of all viewers with the truth."""

import dataclasses
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from django.conf import settings

from downloads.models import Video
from downloads.tests.support.factories import running_with_metadata
from downloads.tests.support.load.figures import first_answer_after, memory_growth, percentile
from downloads.tests.support.load.prober import Prober, summarise
from downloads.tests.support.load.stack import LoadStack
from downloads.tests.support.waiting import wait_until

INTERVAL_SECONDS = 10.0
REPLY_TIMEOUT_SECONDS = 60.0
STORM_TIMEOUT_SECONDS = 180.0
CANCELLED_AT_THE_END = 5  # one in so many
Record = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class LoadShape:
    """How many viewers (so many from each address), videos and updates per second of each, and for how long."""

    viewers: int
    videos: int
    rate: float
    seconds: float
    per_address: int = 10
    kills_web: bool = True


class Helper:
    """A child process of the load that talks in lines of JSON."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=settings.BASE_DIR,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.replies: queue.Queue[Record] = queue.Queue()
        self.intervals: queue.Queue[Record] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            record = json.loads(line)
            (self.intervals if "interval" in record else self.replies).put(record)

    def send(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def ask(self, line: str) -> Record:
        """Send a command, and return its reply."""
        self.send(line)
        return self.replies.get(timeout=REPLY_TIMEOUT_SECONDS)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class LoadRun:
    """One run; `on_record` gets each figure as it comes."""

    def __init__(self, stack: LoadStack, shape: LoadShape, on_record: Callable[[Record], None]) -> None:
        self.stack = stack
        self.shape = shape
        self.on_record = on_record
        self.samples: list[Record] = []
        self.latencies: Counter[int] = Counter()
        self.churned = 0
        self.churn_video: Video | None = None

    def run(self) -> Record:
        """Run all of it; return the summary."""
        shape = self.shape
        self.videos = [running_with_metadata(f"film {number}") for number in range(shape.videos)]
        self.crowd = Helper(
            *("downloads.tests.support.load.crowd", str(self.stack.port), str(shape.viewers), str(shape.per_address))
        )
        socket_path = str(self.stack.redis_server.socket)
        self.publisher = Helper("downloads.tests.support.load.publisher", socket_path, str(shape.rate))
        self.prober = Prober(self.stack.port)
        try:
            began = time.monotonic()
            self._wait_until_all_are_live()
            connected = round(time.monotonic() - began, 1)
            self.publisher.send(json.dumps({video.video_id: video.attempt for video in self.videos}))
            self.prober.start()
            self._hold_steady()
            storms = [self._storm("all connections cut", self._cut)]
            if shape.kills_web:
                storms.append(self._storm("web killed", self.stack.kill_web, is_web_away=True))
            return self._finish({"connected_seconds": connected, "storms": storms})
        finally:
            if self.prober.ident:
                self.prober.stop()
            self.crowd.kill()
            self.publisher.kill()

    def _wait_until_all_are_live(self) -> None:
        wait_until(self._are_all_live, "all are live", within=STORM_TIMEOUT_SECONDS)

    def _are_all_live(self) -> bool:
        time.sleep(0.05)  # the crowd has other things to do than to answer
        return bool(self.crowd.ask("live")["live"] == self.shape.viewers)

    # The steady state --------------------------------------------------------------------------------

    def _hold_steady(self) -> None:
        """Sample every INTERVAL_SECONDS; change a row now and then, as downloads that begin and end do."""
        deadline = time.monotonic() + self.shape.seconds
        while (remaining := deadline - time.monotonic()) > 0:
            time.sleep(min(INTERVAL_SECONDS, remaining))
            self._churn()
            self._sample("steady")

    def _churn(self) -> None:
        """Begin another download, and end the one before."""
        if self.churn_video:
            assert self.churn_video.cancel()
        self.churned += 1
        self.churn_video = running_with_metadata(f"other {self.churned}")

    def _sample(self, phase: str) -> Record:
        intervals = [self.crowd.intervals.get()["interval"] for _ in range(self.crowd.intervals.qsize())]
        latencies: Counter[int] = Counter()
        for interval in intervals:
            latencies.update(dict(interval.pop("latencies")))
        self.latencies.update(latencies)
        counts: Counter[str] = Counter()
        for interval in intervals:
            counts.update({name: value for name, value in interval.items() if name not in ("live", "worst_ms", "cpu")})
        sample = {
            "phase": phase,
            "at": round(time.monotonic(), 1),
            "load": os.getloadavg()[0],
            "costs": {name: dataclasses.asdict(cost) for name, cost in self.stack.costs().items()},
            "live": intervals[-1]["live"] if intervals else None,
            "counts": dict(counts),
            "crowd_cpu_seconds": intervals[-1]["cpu"] if intervals else None,
            "worst_ms": max((interval["worst_ms"] for interval in intervals), default=None),
            "p50_ms": percentile(latencies, 0.5),
            "p99_ms": percentile(latencies, 0.99),
            "probes": summarise(self.prober.take()),
        }
        self.samples.append(sample)
        self.on_record(sample)
        return sample

    # Storms ------------------------------------------------------------------------------------------

    def _cut(self) -> float:
        return float(self.crowd.ask("cut")["cut_at"])

    def _storm(self, name: str, begin: Callable[[], float], *, is_web_away: bool = False) -> Record:
        """Disconnect all, and wait until all are live again, while the prober asks for pages.

        While no web server runs, no request can be answered: with `is_web_away`, those count that were sent later.
        """
        self.prober.take()
        began = begin()
        self._wait_until_all_are_live()
        seconds = round(time.monotonic() - began, 2)
        time.sleep(2)  # for the answers to what was asked last
        probes = self.prober.take()
        answered_at = first_answer_after(probes, began) if is_web_away else began
        later = [probe for probe in probes if probe.sent_at >= answered_at or not is_web_away]
        record = {
            "storm": name,
            "all_live_seconds": seconds,
            "web_away_seconds": round(answered_at - began, 2),
            "probes": summarise(later),
            "all_probes": summarise(probes),
            "load": os.getloadavg()[0],
        }
        self.on_record(record)
        return record

    # The end -----------------------------------------------------------------------------------------

    def _finish(self, summary: Record) -> Record:
        """Publish the last updates, end some videos, and compare all viewers with what is true."""
        last = self.publisher.ask("stop")
        if self.churn_video:
            assert self.churn_video.cancel()
        cancelled = self.videos[::CANCELLED_AT_THE_END]
        for video in cancelled:
            assert video.cancel()
        gone = {video.video_id for video in cancelled}
        truth = {video_id: values for video_id, values in last["final"].items() if video_id not in gone}
        began = time.monotonic()
        check = self.crowd.ask(f"check {json.dumps(truth)}")["check"]
        while check["wrong"] and time.monotonic() - began < 10:
            time.sleep(0.2)
            check = self.crowd.ask(f"check {json.dumps(truth)}")["check"]
        sample = self._sample("end")
        summary |= {
            "shape": dataclasses.asdict(self.shape),
            "sent": last["sent"],
            "wrong": check["wrong"],
            "example": check["example"],
            "true_after_seconds": round(time.monotonic() - began, 1),
            "gaps": sum(sample["counts"].get("gaps", 0) for sample in self.samples if sample["phase"] == "steady"),
            "dropped": {
                reason: sum(sample["counts"].get(reason, 0) for sample in self.samples if sample["phase"] == "steady")
                for reason in ("closed", "refused", "silent", "timed out")
            },
            "latency_ms": [percentile(self.latencies, share) for share in (0.5, 0.99)],
            "worst_ms": max(sample["worst_ms"] or 0 for sample in self.samples if sample["phase"] == "steady"),
            "memory": {name: memory_growth(self.samples, name) for name in sample["costs"]},
            "slowest_probe": max(
                (sample["probes"]["slowest"] or [0, ""] for sample in self.samples), key=lambda slowest: slowest[0]
            ),
        }
        self.on_record({"summary": summary})
        return summary
