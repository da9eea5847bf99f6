"""The processes of one stack with their own Redis, and their CPU time and memory as the kernel counts them."""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import redis

from benchmarks.pipeline.stacks import Process, Stack, StackAddress, clean_environment
from ytarchive.supervisor import embedded_redis

CLOCK_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
START_TIMEOUT_SECONDS = 30.0


class StartTimeout(RuntimeError):
    """A process ended early or was not ready within START_TIMEOUT_SECONDS; the message has the end of its output."""


class StackServer:
    """The processes of one stack: start, stop, and measure them."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.stack = stack
        self.folder = folder
        self.socket = folder / "redis.sock"
        self.port = 0
        self.processes: list[tuple[str, subprocess.Popen[bytes]]] = []
        self.client = redis.Redis(unix_socket_path=str(self.socket))

    def start(self, data: Path, webs: int) -> None:
        """Start Redis, then the stack with `webs` web processes, and wait until it accepts connections."""
        (self.folder / "redis").mkdir()
        self._start_process(
            Process("redis", embedded_redis.redis_server_command(self.socket, self.folder / "redis")), ()
        )
        self._wait_until(self._redis_replies, "Redis replies")
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", 0))
            self.port = listener.getsockname()[1]
            descriptor = listener.fileno() if webs > 1 else None
            if descriptor is not None:
                listener.listen(1024)
            else:
                listener.close()
            address = StackAddress(self.port, f"unix://{self.socket}", data, descriptor, webs)
            for process in self.stack.processes(address):
                self._start_process(process, () if descriptor is None else (descriptor,))
        self._wait_until(self._accepts_connections, "it accepts connections")

    def stop(self) -> None:
        """Terminate the processes in reverse order; kill those that have not ended after 8 s."""
        for _, process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(8)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start_process(self, process: Process, descriptors: tuple[int, ...]) -> None:
        with (self.folder / f"{len(self.processes)}-{process.role}.log").open("wb") as log:
            child = subprocess.Popen(
                process.command,
                cwd=process.folder,
                env=clean_environment() | process.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=descriptors,
            )
        self.processes.append((process.role, child))

    def _wait_until(self, condition: Callable[[], bool], description: str) -> None:
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not condition():
            ended = any(process.poll() is not None for _, process in self.processes)
            if ended or time.monotonic() > deadline:
                raise StartTimeout(f"{self.stack.title}: not ready: waited until {description}.\n{self.log_tails()}")
            time.sleep(0.05)

    def _redis_replies(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False

    def _accepts_connections(self) -> bool:
        if self.stack.subscribes and not self.client.pubsub_numpat():
            return False
        if self.stack.is_ours and not self.sent_batches():
            return False
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    # Measurements ----------------------------------------------------------------------------------

    def cpu_seconds_by_role(self) -> dict[str, float]:
        """Return the seconds of CPU time, user and system, of each role since its start."""
        seconds: dict[str, float] = {}
        for role, process in self.processes:
            fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
            seconds[role] = seconds.get(role, 0.0) + (int(fields[11]) + int(fields[12])) / CLOCK_TICKS_PER_SECOND
        return seconds

    @staticmethod
    def machine_cpu_seconds() -> float:
        """Return the CPU seconds of the whole machine since its boot, other programs included."""
        user, nice, system, _idle, _wait, irq, soft, steal = Path("/proc/stat").read_text().split()[1:9]
        return sum(map(int, (user, nice, system, irq, soft, steal))) / CLOCK_TICKS_PER_SECOND

    def resident_bytes(self) -> int:
        """Return the resident bytes of all processes except Redis."""
        pids = [process.pid for role, process in self.processes if role != "redis"]
        return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES for pid in pids)

    def sent_batches(self) -> int:
        """Return the number of batches that our bridge has sent in this epoch; 0 for another stack."""
        head = self.client.hget("ytarchive:progress", "@")
        return int(head.partition(b'"seq":')[2].partition(b",")[0]) if isinstance(head, bytes) else 0

    def log_tails(self) -> str:
        """Return the last 1,500 characters of each process's output."""
        return "\n".join(log.read_text(errors="replace")[-1500:] for log in sorted(self.folder.glob("*.log")))


@contextlib.contextmanager
def running_stack(stack: Stack, folder: Path, data: Path, webs: int = 1) -> Iterator[StackServer]:
    """Yield a started stack; it is stopped in any case."""
    folder.mkdir()
    server = StackServer(stack, folder)
    try:
        server.start(data, webs)
        yield server
    finally:
        server.stop()
        server.client.close()
