"""The processes under load: web server, bridge and Redis, without a worker, and what they cost."""

import dataclasses
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from django.conf import settings

from downloads.tests.support.processes import get_status
from downloads.tests.support.redis_server import RedisServer
from downloads.tests.support.waiting import wait_until

RESTART_DELAY_SECONDS = 0.5  # as of `manage.py up`
BACKLOG = 1024  # as of `manage.py up`
CLOCK_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PSS = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)
RSS = re.compile(r"^Rss:\s+(\d+) kB", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Cost:
    """Memory and CPU time of one process."""

    pss_mb: float
    rss_mb: float
    cpu_seconds: float


class LoadStack:
    """Web server and bridge on the data folder of the tests, and their Redis; a test kills the web server."""

    def __init__(self, folder: Path, redis_server: RedisServer, env: dict[str, str]) -> None:
        self.folder = folder
        self.redis_server = redis_server
        self.env = {**os.environ, "YTARCHIVE_DATA": str(settings.DATA), **env}
        # Open all the while, as that of `up`: requests wait in its backlog while no web server runs.
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Start both, and wait until they are ready."""
        self.start_web()
        self._start("bridge", "bridge_progress")
        wait_until(lambda: get_status(f"{self.url}/healthz") == 200, "the web server answers")
        with self.redis_server.client() as client:
            wait_until(lambda: client.exists("ytarchive:progress"), "the bridge leads")

    def start_web(self) -> None:
        descriptor = self.listener.fileno()
        self._start("web", "web", "--fd", str(descriptor), pass_fds=(descriptor,))

    def kill_web(self) -> float:
        """Kill the web server and start the next one, as `up` does; return the time of the kill."""
        killed_at = time.monotonic()
        self.processes["web"].send_signal(signal.SIGKILL)
        self.processes["web"].wait()
        time.sleep(RESTART_DELAY_SECONDS)  # the delay of `up`
        self.start_web()
        return killed_at

    def _start(self, name: str, *arguments: str, pass_fds: tuple[int, ...] = ()) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments],
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=pass_fds,
            )

    def stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait(20)
        self.listener.close()

    def costs(self) -> dict[str, Cost]:
        """Return memory and CPU time of each process."""
        assert self.redis_server.process
        pids = {name: process.pid for name, process in self.processes.items()}
        return {name: measure_cost(pid) for name, pid in {**pids, "redis": self.redis_server.process.pid}.items()}


def measure_cost(pid: int) -> Cost:
    """Return the proportional and the resident set size, and the CPU time, as the kernel counts them."""
    memory = Path(f"/proc/{pid}/smaps_rollup").read_text()
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    pss, rss = (int(pattern.findall(memory)[0]) / 1024 for pattern in (PSS, RSS))
    return Cost(round(pss, 1), round(rss, 1), (int(fields[11]) + int(fields[12])) / CLOCK_TICKS_PER_SECOND)
