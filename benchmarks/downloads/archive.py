"""A whole archive as `manage.py up` runs it: its videos, their events, its CPU time and its memory."""

import contextlib
import datetime as dt
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.pipeline.stacks import PROJECT_ROOT, clean_environment

CLOCK_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
START_TIMEOUT_SECONDS = 120.0
DOWNLOAD_TIMEOUT_SECONDS = 300.0
POLL_SECONDS = 0.02
READY_PATTERN = re.compile(r"Ready on http://\S+:(\d+)/")
EVENTS_QUERY = """
SELECT event.public_id, event.status, event.reason, event.at
FROM downloads_videoevent event JOIN downloads_video video ON video.id = event.video_id
WHERE video.url IN ({}) ORDER BY event.id
"""


class DownloadFailed(RuntimeError):
    """A video failed, or did not end in time; the message has its events and the end of the log."""


def process_tree(root: int) -> list[int]:
    """Return the process ids of `root` and its descendants."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    pids = [root]
    for pid in pids:
        pids += [child for child, parent in parents.items() if parent == pid]
    return pids


def cpu_seconds(root: int) -> float:
    """Return the seconds of CPU time of `root` and its descendants since their start, ended ones included."""
    ticks = 0
    for pid in process_tree(root):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks / CLOCK_TICKS_PER_SECOND


class RunningArchive:
    """`manage.py up` in a temporary folder, with two download slots."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.log = data.parent / "archive.log"
        self.env = clean_environment() | {"YTARCHIVE_DATA": str(data), "YTARCHIVE_ALLOW_PRIVATE_HOSTS": "1"}
        self.env |= {"YTARCHIVE_WORKERS": "2", "DJANGO_SUPERUSER_PASSWORD": "not a secret"}
        with self.log.open("wb") as log:
            command = [sys.executable, "manage.py", "up", "--port", str(_free_port())]
            self.process = subprocess.Popen(
                command, cwd=PROJECT_ROOT, env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self.port = self._await_port()
        self.database = sqlite3.connect(data / "db.sqlite3", timeout=20)

    def _await_port(self) -> int:
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not (match := READY_PATTERN.search(self.log.read_text())):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise DownloadFailed(f"the archive did not start:\n{self.log.read_text()[-2000:]}")
            time.sleep(POLL_SECONDS)
        return int(match[1])

    def stop(self) -> None:
        """Stop all its processes in order."""
        self.database.close()
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def add(self, *urls: str) -> None:
        """Add videos, by a process that is not counted."""
        command = [sys.executable, "manage.py", "ingest", *urls]
        subprocess.run(command, cwd=PROJECT_ROOT, env=self.env, check=True, capture_output=True)

    def wait_until_complete(self, urls: list[str]) -> list[dict[str, float]]:
        """Return the moments of each video, once all are complete: names of events to UNIX seconds."""
        deadline = time.monotonic() + DOWNLOAD_TIMEOUT_SECONDS
        while True:
            moments, failures = self._read_moments(urls)
            if sum("complete" in times for times in moments) == len(urls):
                return moments
            if failures or time.monotonic() > deadline:
                raise DownloadFailed(f"{urls}: {moments}, {failures}\n{self.log.read_text()[-2000:]}")
            time.sleep(POLL_SECONDS)

    def _read_moments(self, urls: list[str]) -> tuple[list[dict[str, float]], list[str]]:
        moments: dict[str, dict[str, float]] = {}
        failures = []
        query = EVENTS_QUERY.format(", ".join("?" * len(urls)))
        for public_id, status, reason, at in self.database.execute(query, urls):
            seconds = dt.datetime.fromisoformat(f"{at}+00:00").timestamp()
            moments.setdefault(public_id, {}).setdefault("found" if reason == "Found" else status, seconds)
            if status == "failed":
                failures.append(reason)
        return list(moments.values()), failures

    # Measurements ----------------------------------------------------------------------------------

    def cpu_seconds(self, name: str = "") -> float:
        """Return the seconds of CPU time of all its processes, or of one, since their start, ended ones included."""
        ticks = 0
        for pid in process_tree(self.process.pid):
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").split()
                if name and _process_name(words) != name:
                    continue
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                ticks += sum(map(int, fields[11:15]))
        return ticks / CLOCK_TICKS_PER_SECOND

    def memory_by_process(self) -> dict[str, float]:
        """Return the proportional share of memory (PSS) of each process, in MB, by its name or command."""
        megabytes: dict[str, float] = {}
        for pid in process_tree(self.process.pid):
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").split()
                name = _process_name(words)
                rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
                pss = int(re.search(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)[1])  # type: ignore[index]
                megabytes[name] = megabytes.get(name, 0.0) + pss / 1024
        return megabytes


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def _process_name(words: list[str]) -> str:
    """Return the command of manage.py, the module, or the program of a command line."""
    for position, word in enumerate(words[:-1]):
        if word == "-m" or word.endswith("manage.py"):
            return words[position + 1].rstrip(":")
    return Path(words[0]).name


@contextlib.contextmanager
def running_archive() -> Iterator[RunningArchive]:
    """Start an archive in a temporary folder; stop it, and delete the folder."""
    with tempfile.TemporaryDirectory(prefix="yta-bench-") as folder:
        archive = RunningArchive(Path(folder, "data"))
        try:
            yield archive
        finally:
            archive.stop()
