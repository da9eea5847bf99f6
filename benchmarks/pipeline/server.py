"""One stack's processes with a Redis of their own, and what the kernel says of them."""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import redis

from benchmarks.pipeline.stacks import Place, Process, Stack, clean_environment
from ytarchive.supervisor import embedded_redis

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
PATIENCE = 30.0  # seconds for a process to be ready


class NotReady(RuntimeError):
    """A process ended early, or was not ready in time; the message holds the end of its output."""


class Server:
    """A running stack."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.stack = stack
        self.folder = folder
        self.socket = folder / "redis.sock"
        self.port = 0
        self.processes: list[tuple[str, subprocess.Popen[bytes]]] = []
        self.client = redis.Redis(unix_socket_path=str(self.socket))

    def start(self, data: Path, webs: int) -> None:
        """Start Redis, then the stack, and wait until it serves."""
        (self.folder / "redis").mkdir()
        self._run(Process("redis", embedded_redis.redis_server_command(self.socket, self.folder / "redis")), ())
        self._wait(self._redis_answers, "Redis answers")
        with socket.socket() as listening:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(("127.0.0.1", 0))
            self.port = listening.getsockname()[1]
            shared = listening.fileno() if webs > 1 else None
            if shared is not None:
                listening.listen(1024)
            else:
                listening.close()
            place = Place(self.port, f"unix://{self.socket}", data, shared, webs)
            for process in self.stack.processes(place):
                self._run(process, () if shared is None else (shared,))
        self._wait(self._serves, "it serves")

    def stop(self) -> None:
        """End what was started, in the reverse order."""
        for _, process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(8)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _run(self, process: Process, descriptors: tuple[int, ...]) -> None:
        with (self.folder / f"{len(self.processes)}-{process.part}.log").open("wb") as log:
            started = subprocess.Popen(
                process.words,
                cwd=process.folder,
                env=clean_environment() | process.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=descriptors,
            )
        self.processes.append((process.part, started))

    def _wait(self, holds: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not holds():
            ended = any(process.poll() is not None for _, process in self.processes)
            if ended or time.monotonic() > deadline:
                raise NotReady(f"{self.stack.title}: waited in vain until {what}.\n{self.output()}")
            time.sleep(0.05)

    def _redis_answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False

    def _serves(self) -> bool:
        if self.stack.subscribes and not self.client.pubsub_numpat():
            return False
        if self.stack.is_ours and not self.batches():
            return False
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    # What the kernel says --------------------------------------------------------------------------

    def cpu(self) -> dict[str, float]:
        """Return the seconds of CPU time, user and system, of each part so far."""
        found: dict[str, float] = {}
        for part, process in self.processes:
            fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
            found[part] = found.get(part, 0.0) + (int(fields[11]) + int(fields[12])) / TICKS
        return found

    @staticmethod
    def machine() -> float:
        """Return the seconds of CPU time that all cores have spent on anything so far, others' work included."""
        user, nice, system, _idle, _wait, irq, soft, steal = Path("/proc/stat").read_text().split()[1:9]
        return sum(map(int, (user, nice, system, irq, soft, steal))) / TICKS

    def memory(self) -> int:
        """Return the resident bytes of all processes but Redis."""
        pids = [process.pid for part, process in self.processes if part != "redis"]
        return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE for pid in pids)

    def batches(self) -> int:
        """Return how many batches our bridge has sent in this epoch."""
        head = self.client.hget("ytarchive:progress", "@")
        return int(head.partition(b'"seq":')[2].partition(b",")[0]) if isinstance(head, bytes) else 0

    def output(self) -> str:
        """Return the end of what the processes said."""
        return "\n".join(log.read_text(errors="replace")[-1500:] for log in sorted(self.folder.glob("*.log")))


@contextlib.contextmanager
def running(stack: Stack, folder: Path, data: Path, webs: int = 1) -> Iterator[Server]:
    """Yield a stack that serves; it is ended in any case."""
    folder.mkdir()
    server = Server(stack, folder)
    try:
        server.start(data, webs)
        yield server
    finally:
        server.stop()
        server.client.close()
