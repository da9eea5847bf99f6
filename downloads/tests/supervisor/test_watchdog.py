"""Frozen processes: killed with their group and restarted; those beside them are left alone."""

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from downloads.tests.support.processes import process_parents
from downloads.tests.support.redis_server import RedisServer
from downloads.tests.support.waiting import wait_until
from ytarchive.supervisor.listener import open_listener
from ytarchive.supervisor.process import ManagedProcess
from ytarchive.supervisor.stack import Stack
from ytarchive.supervisor.watchdog import PipeHeartbeat, RedisHeartbeat

# A part whose loop turns, with a child of its own in its group.
PART = """
import os, subprocess, sys, time
sys.path.insert(0, {folder!r})
from downloads.liveness.heartbeat import process_heartbeat
process_heartbeat.start(int(os.environ["YTARCHIVE_HEARTBEAT_FD"]), 1.2)
subprocess.Popen(["sleep", "120"])
while not os.path.exists({stop_file!r}):
    process_heartbeat.beat()
    time.sleep(0.05)
{then}
"""


@pytest.fixture(autouse=True)
def short_timeout(settings, monkeypatch) -> None:
    settings.WATCHDOG_SECONDS = 1.2


def part(folder: Path, name: str, then: str = "") -> ManagedProcess:
    program = PART.format(folder=str(settings.BASE_DIR), stop_file=str(folder / f"{name}.stop"), then=then)
    return ManagedProcess(name, [sys.executable, "-c", program], heartbeat=PipeHeartbeat())


class Supervision:
    """The stack's loop over a few parts, in a thread of this process."""

    def __init__(self, parts: list[ManagedProcess]) -> None:
        self.listener = open_listener("127.0.0.1", 0)
        self.stack = Stack(self.listener, parts, [], None, write_line=print)
        self.stack.is_ready = True
        self.parts = parts

    def turn(self, seconds: float) -> None:
        """Run the stack's loop for so long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.stack._check_processes()
            time.sleep(0.05)  # as the stack does, which is woken by signals too

    def turn_until(self, holds, what: str) -> None:
        def turned() -> bool:
            self.stack._check_processes()
            return bool(holds())

        wait_until(turned, what)

    def close(self) -> None:
        for process in self.parts:
            process.kill()
            if process.process:
                process.process.wait()
        self.listener.close()


@pytest.fixture
def supervise() -> Iterator:
    supervisions: list[Supervision] = []

    def start(*parts: ManagedProcess) -> Supervision:
        supervisions.append(Supervision(list(parts)))
        for process in parts:
            process.start()
        for process in parts:
            supervisions[-1].turn_until(
                lambda process=process: process.missed_heartbeats._max_missed_checks == 12, "it has beaten"
            )
        return supervisions[-1]

    yield start
    for supervision in supervisions:
        supervision.close()


def group_members(group: int) -> set[int]:
    """Return the living processes of a group; a dead one stays until its new parent, process 1, takes note of it."""
    members = set()
    for pid in process_parents():
        with contextlib.suppress(ProcessLookupError):
            if os.getpgid(pid) == group:
                members.add(pid)
    return members


def test_a_frozen_part_is_killed_with_its_group_and_restarted(tmp_path: Path, supervise, caplog) -> None:
    frozen = part(tmp_path, "stopped")
    looping = part(tmp_path, "looping", "while True: pass")
    healthy = part(tmp_path, "healthy")
    supervision = supervise(frozen, looping, healthy)
    pids = {process.name: process.process.pid for process in (frozen, looping, healthy)}

    os.kill(pids["stopped"], signal.SIGSTOP)
    (tmp_path / "looping.stop").touch()
    supervision.turn_until(lambda: not looping.is_running, "the looping one is killed")
    (tmp_path / "looping.stop").unlink()
    supervision.turn_until(
        lambda: all(p.is_running and p.process.pid != pids[p.name] for p in (frozen, looping)),
        "both are started again",
    )

    assert {frozen.process.pid, looping.process.pid}.isdisjoint(pids.values())
    wait_until(lambda: not group_members(pids["stopped"]), "its child is gone")
    assert healthy.process.pid == pids["healthy"]
    for name in ("stopped", "looping"):
        assert caplog.text.count(f"{name} ended (no sign of life for 1.2 s: killed), restarting in 0.5 s") == 1
    assert "healthy" not in caplog.text


def test_nothing_is_killed_after_all_have_slept(tmp_path: Path, supervise, caplog) -> None:
    first, second = part(tmp_path, "first"), part(tmp_path, "second")
    supervision = supervise(first, second)
    for _ in range(2):
        for process in (first, second):
            os.kill(process.process.pid, signal.SIGSTOP)
        time.sleep(2)  # the stack does not turn either: as when the machine sleeps
        for process in (first, second):
            os.kill(process.process.pid, signal.SIGCONT)

        supervision.turn(0.6)

    assert caplog.text == ""


def test_redis_gives_a_sign_of_life_by_any_answer(tmp_path: Path) -> None:
    """Also an error, such as while it loads its data or has too many clients."""
    path = tmp_path / "redis.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        beats = RedisHeartbeat(path)
        for answer in (
            b"-LOADING Valkey is loading the dataset in memory\r\n",
            b"-ERR max number of clients reached\r\n",
        ):
            assert not beats.has_new_beat()
            connection, _ = server.accept()
            assert connection.recv(100) == b"PING\r\n"
            connection.sendall(answer)
            assert beats.has_new_beat()
            connection.close()
            beats.reset()


def test_a_frozen_redis_gives_none(tmp_path: Path) -> None:
    server = RedisServer(tmp_path / "r.sock", tmp_path)
    server.start()
    beats = RedisHeartbeat(server.socket)
    try:
        beats.has_new_beat()
        wait_until(beats.has_new_beat, "it beats")
        server.freeze()
        beats.has_new_beat()  # perhaps the answer to a ping before
        assert not any(beats.has_new_beat() for _ in range(50))
        beats.reset()
        assert not any(beats.has_new_beat() for _ in range(50)), "a new connection waits in the backlog"
        server.resume()
        wait_until(beats.has_new_beat, "it beats again")
    finally:
        server.resume()
        server.kill()
    assert not beats.has_new_beat()
    assert not beats.has_new_beat(), "nobody listens"


def test_a_pipe_is_read_to_its_end() -> None:
    beats = PipeHeartbeat()
    writer = threading.Thread(target=os.write, args=(beats.fd, bytes(60_000)))
    writer.start()
    writer.join()

    assert beats.has_new_beat()
    assert not beats.has_new_beat()
