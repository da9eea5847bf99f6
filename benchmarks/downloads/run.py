"""`python -m benchmarks downloads`: what a person waits for and a video costs, next to plain yt-dlp."""

import argparse
import contextlib
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator

from websockets.sync.client import connect
from websockets.typing import Subprotocol

from benchmarks import report
from benchmarks.downloads import command_line
from benchmarks.downloads.archive import RunningArchive, running_archive
from benchmarks.downloads.command_line import Cost
from benchmarks.pipeline.stacks import PROJECT_ROOT

CLIP_COUNT = 20
SMALL_COUNT = 10
PAGE_COUNT = 1_000
IDLE_SETTLE_SECONDS = 3.0
IDLE_SECONDS = 20.0
LOOKING_UP = '"phase":"looking up"'
Figures = dict[str, float]

# Name of the figure, its title, and its number format.
ROWS = [
    ("first_frame_ms", "added → first frame that says it is being looked up, ms", "{:.0f}"),
    ("found_ms", "added → found, ms", "{:.0f}"),
    ("filed_ms", "fetched → complete, ms", "{:.0f}"),
    ("clips_wall_ratio", "20 clips of 18 MB, two at a time: wall, ÷ yt-dlp", "{:.2f}"),
    ("clips_wall", "… seconds", "{:.1f}"),
    ("video_cpu_ratio", "CPU per small video, ÷ yt-dlp", "{:.2f}"),
    ("video_cpu", "… seconds", "{:.2f}"),
    ("large_wall_ratio", "1 GB in one file: wall, ÷ yt-dlp", "{:.2f}"),
    ("large_cpu_ratio", "… CPU, ÷ yt-dlp", "{:.2f}"),
    ("hls_wall_ratio", "HLS, 30 segments of 6 MB: wall, ÷ yt-dlp", "{:.2f}"),
    ("slow_hls_wall_ratio", "… 80 ms to each first byte: wall, ÷ yt-dlp", "{:.2f}"),
    ("push_cpu_ms", "1,000 open library pages, one video completes: CPU of the web process per page, ms", "{:.2f}"),
    ("push_right_ms", "… the last page is right after, ms", "{:.0f}"),
    ("push_fetched", "… cards that pages had to fetch", "{:.0f}"),
    ("fetch_cpu_ms", "… the same if each page fetches its card: CPU per page, ms", "{:.2f}"),
    ("fetch_right_ms", "… the last page is right after, ms", "{:.0f}"),
    ("idle_mb", "idle: memory (PSS) of all processes, MB", "{:.0f}"),
    ("idle_cpu_percent", "idle: CPU, % of a core", "{:.2f}"),
]


def main(arguments: list[str]) -> None:
    """Measure each figure, ours and yt-dlp's in turn, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks downloads", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="how often everything is measured")
    parser.add_argument("--only", nargs="+", choices=[scenario.__name__ for scenario in SCENARIOS])
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    options = parser.parse_args(arguments)
    runs: list[Figures] = []
    with local_site() as site_url, running_archive() as archive:
        benchmark = Benchmark(archive, site_url)
        benchmark.warm_up()
        for number in range(options.runs):
            runs.append({})
            for scenario in SCENARIOS:
                if not options.only or scenario.__name__ in options.only:
                    runs[-1] |= scenario(benchmark)
            print(f"Run {number + 1}: {json.dumps(runs[-1])}", file=sys.stderr)
        memory = archive.memory_by_process()
    cells = [["figure", "median [least–greatest]"], *table_rows(runs)]
    print(report.format_markdown(cells) if options.markdown else report.format_plain(cells))
    print("Memory at the end, MB: " + ", ".join(f"{name} {size:.0f}" for name, size in memory.items()))
    machine = ", ".join(f"{name} {value}" for name, value in report.describe_machine().items())
    print(f"\n{options.runs} runs. {machine}.")


def table_rows(runs: list[Figures]) -> list[list[str]]:
    """Return the cells of each figure that was measured."""
    rows = []
    for name, title, number_format in ROWS:
        if values := sorted(run[name] for run in runs if name in run):
            median, least, most = (number_format.format(x) for x in (statistics.median(values), values[0], values[-1]))
            rows.append([title, f"{median} [{least}–{most}]"])
    return rows


@contextlib.contextmanager
def local_site() -> Iterator[str]:
    """Run the video site as a process of its own; yield its address."""
    with tempfile.TemporaryDirectory(prefix="yta-bench-") as folder:
        command = [sys.executable, "-m", "benchmarks.downloads.site", folder]
        with subprocess.Popen(command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            try:
                yield f"http://127.0.0.1:{int(process.stdout.readline())}"
            finally:
                process.kill()


class Benchmark:
    """An archive and a site, and the scenarios, each of which returns some figures."""

    def __init__(self, archive: RunningArchive, site_url: str) -> None:
        self.archive = archive
        self.site_url = site_url
        self._numbers = itertools.count()

    def new_urls(self, pattern: str, count: int = 1) -> list[str]:
        """Return URLs that neither the archive nor yt-dlp has seen; `pattern` has a place for the number."""
        return [self.site_url + pattern.format(next(self._numbers)) for _ in range(count)]

    def compare(self, pattern: str, count: int = 1) -> tuple[Cost, Cost]:
        """Download so many videos, two at a time, by the archive and then by yt-dlp; return what each took."""
        urls = self.new_urls(pattern, count)
        used = self.archive.cpu_seconds()
        self.archive.add(*urls)
        moments = self.archive.wait_until_complete(urls)
        wall = max(times["complete"] for times in moments) - min(times["queued"] for times in moments)
        ours = Cost(wall, self.archive.cpu_seconds() - used)
        return ours, command_line.download(urls, at_once=2)

    def warm_up(self) -> None:
        """Download a video after a start, when the processes that are to be warm still import."""
        urls = self.new_urls("/small/{}.mp4")
        self.archive.add(*urls)
        self.archive.wait_until_complete(urls)

    def one_clip(self) -> Figures:
        """Follow one clip from its addition to its end, on an open page's socket as well."""
        urls = self.new_urls("/clip/{}.mp4")
        address = f"ws://127.0.0.1:{self.archive.port}/ws/progress"
        with connect(address, subprotocols=[Subprotocol("ytarchive.progress.v2")]) as socket:
            socket.recv()  # the snapshot
            # Beside it: the process that adds the video ends long after the video is added.
            adding = threading.Thread(target=self.archive.add, args=urls)
            adding.start()
            while LOOKING_UP not in str(socket.recv(timeout=10)):
                pass
            first_frame_at = time.time()
            adding.join()
        (moments,) = self.archive.wait_until_complete(urls)
        seconds = {
            "first_frame_ms": first_frame_at - moments["queued"],
            "found_ms": moments["found"] - moments["queued"],
            "filed_ms": moments["complete"] - moments["processing"],
        }
        return {name: 1000 * value for name, value in seconds.items()}

    def clips(self) -> Figures:
        """Download many clips, two at a time."""
        ours, theirs = self.compare("/clip/{}.mp4", CLIP_COUNT)
        return {"clips_wall": ours.wall, "clips_wall_ratio": ours.wall / theirs.wall}

    def small(self) -> Figures:
        """Download videos of hardly any bytes: what a video costs besides them."""
        ours, theirs = self.compare("/small/{}.mp4", SMALL_COUNT)
        return {"video_cpu": ours.cpu / SMALL_COUNT, "video_cpu_ratio": ours.cpu / theirs.cpu}

    def large(self) -> Figures:
        """Download one large file."""
        ours, theirs = self.compare("/large/{}.mp4")
        return {"large_wall_ratio": ours.wall / theirs.wall, "large_cpu_ratio": ours.cpu / theirs.cpu}

    def hls(self) -> Figures:
        """Download many segments, from a fast and from a slow site."""
        figures = {}
        for name, delay_ms in (("hls", 0), ("slow_hls", 80)):
            ours, theirs = self.compare(f"/hls/{delay_ms}/{{}}/index.m3u8")
            figures[f"{name}_wall_ratio"] = ours.wall / theirs.wall
        return figures

    def pages(self) -> Figures:
        """Complete a video while many library pages are open, which are sent its card, and then fetch it."""
        figures = {}
        for mode in ("push", "fetch"):
            command = [
                sys.executable,
                "-m",
                "benchmarks.downloads.pages",
                str(self.archive.port),
                str(PAGE_COUNT),
                mode,
            ]
            with subprocess.Popen(command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True) as process:
                assert process.stdout
                assert process.stdout.readline() == "ready\n"
                used = self.archive.cpu_seconds("web")
                urls = self.new_urls("/small/{}.mp4")
                self.archive.add(*urls)
                result = json.loads(process.stdout.readline())
                figures[f"{mode}_cpu_ms"] = 1000 * (self.archive.cpu_seconds("web") - used) / PAGE_COUNT
                (moments,) = self.archive.wait_until_complete(urls)
            figures[f"{mode}_right_ms"] = 1000 * (result["right_at"] - moments["complete"])
            figures[f"{mode}_fetched"] = result["fetched"]
        return figures

    def idle(self) -> Figures:
        """Measure the archive while it has nothing to do."""
        time.sleep(IDLE_SETTLE_SECONDS)
        used = self.archive.cpu_seconds()
        time.sleep(IDLE_SECONDS)
        percent = 100 * (self.archive.cpu_seconds() - used) / IDLE_SECONDS
        return {"idle_cpu_percent": percent, "idle_mb": sum(self.archive.memory_by_process().values())}


SCENARIOS = [
    Benchmark.idle,
    Benchmark.one_clip,
    Benchmark.clips,
    Benchmark.small,
    Benchmark.large,
    Benchmark.hls,
    Benchmark.pages,
]
