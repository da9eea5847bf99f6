"""The yt-dlp command line, a process for each video, as a shell script would run it."""

import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg


@dataclass(frozen=True)
class Cost:
    """Seconds of the clock and of CPU, user and system."""

    wall: float
    cpu: float


def download(urls: list[str], at_once: int = 1) -> Cost:
    """Download each URL by a command of its own, `at_once` in parallel; return what all took together."""
    with tempfile.TemporaryDirectory(prefix="yta-bench-") as folder, ThreadPoolExecutor(at_once) as pool:
        used, started_at = _children_cpu(), time.monotonic()
        list(pool.map(lambda url: _run(url, Path(folder)), urls))
        return Cost(time.monotonic() - started_at, _children_cpu() - used)


def _run(url: str, folder: Path) -> None:
    command = [sys.executable, "-m", "yt_dlp", "--quiet", "--ignore-config", "--no-cache-dir"]
    command += ["--ffmpeg-location", imageio_ffmpeg.get_ffmpeg_exe(), "--write-info-json"]
    output = folder / f"{url.replace('/', '_').rpartition('.')[0]}.%(ext)s"
    subprocess.run([*command, "--output", str(output), url], check=True)


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
