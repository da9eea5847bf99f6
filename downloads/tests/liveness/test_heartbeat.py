"""Heartbeats: missed ones are counted in checks, and a process that nobody watches ends itself when its loop stands."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings

from downloads.liveness import heartbeat
from downloads.liveness.heartbeat import CHECKS_PER_TIMEOUT, Heartbeat, MissedHeartbeatCounter


class FakeTime:
    """A replacement for the `time` module in the tested module."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    clock = FakeTime()
    monkeypatch.setattr(heartbeat, "time", clock)
    return clock


def pass_seconds(counter: MissedHeartbeatCounter, clock: FakeTime, seconds: float, *, beats: bool) -> bool:
    """Poll each second; return whether too many were missed at the end."""
    is_frozen = False
    for _ in range(int(seconds)):
        clock.now += 1
        is_frozen = counter.poll(lambda: beats)
    return is_frozen


def test_a_process_that_beats_is_never_frozen(clock: FakeTime) -> None:
    assert not pass_seconds(MissedHeartbeatCounter(60), clock, 1000, beats=True)


def test_it_is_frozen_after_the_timeout(clock: FakeTime) -> None:
    counter = MissedHeartbeatCounter(60)
    pass_seconds(counter, clock, 10, beats=True)

    assert not pass_seconds(counter, clock, 59, beats=False)
    assert pass_seconds(counter, clock, 6, beats=False)


def test_one_beat_resets_the_counter(clock: FakeTime) -> None:
    counter = MissedHeartbeatCounter(60)
    for _ in range(10):
        pass_seconds(counter, clock, 5, beats=True)
        assert not pass_seconds(counter, clock, 55, beats=False)


def test_time_in_which_the_watching_process_did_not_run_is_not_counted(clock: FakeTime) -> None:
    counter = MissedHeartbeatCounter(60)
    pass_seconds(counter, clock, 10, beats=True)
    for _ in range(5):
        clock.now += 86_400  # a laptop that sleeps, with a moment between two nights

        assert not counter.poll(lambda: False)


def test_the_first_beat_may_take_a_minute(clock: FakeTime) -> None:
    counter = MissedHeartbeatCounter(12)

    assert not pass_seconds(counter, clock, 59, beats=False)
    assert pass_seconds(counter, clock, 2, beats=False), "a process that freezes while it starts is found too"
    counter.reset()
    assert not pass_seconds(counter, clock, 10, beats=False)


def test_a_full_pipe_and_a_broken_one_do_not_stop_a_loop() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    beating = Heartbeat()
    beating.start(writer, CHECKS_PER_TIMEOUT)
    while True:
        try:
            os.write(writer, bytes(4096))
        except BlockingIOError:
            break

    beating.beat()
    os.close(reader)
    beating._write_at = 0
    beating.beat()
    os.close(writer)


# A process alone ---------------------------------------------------------------------------------------

ALONE = """
import os, re, signal, sys, threading, time
from downloads.liveness.heartbeat import process_heartbeat
process_heartbeat.start(0, 1.2)
for _ in range(3):
    process_heartbeat.beat()
    time.sleep(0.3)
print("beaten", flush=True)
"""
FREEZES = {
    "a lock that nobody releases": "lock = threading.Lock(); lock.acquire(); lock.acquire()",
    "an endless loop": "while True: pass",
    "a read that never returns": "os.read(os.pipe()[0], 1)",
    "an endless loop in C": "re.match(r'(a+)+$', 'a' * 64 + 'b')",
}


def run_alone(program: str, start_timeout: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", f"{ALONE}{start_timeout}\n{program}"],
        cwd=settings.BASE_DIR,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_process_alone_ends_when_its_loop_stands() -> None:
    """All in one test, since they wait at the same time."""
    processes = {name: run_alone(program) for name, program in FREEZES.items()}
    for name, process in processes.items():
        output, errors = process.communicate(timeout=30)
        assert output == "beaten\n"
        if name == "an endless loop in C":
            assert process.returncode == -signal.SIGPROF, "no thread of Python runs: the kernel ends it"
        else:
            assert process.returncode == heartbeat.EXIT_STATUS_FROZEN, name
            assert errors.startswith("The main loop has stood still for 1.2 s"), name
            assert 'File "<string>"' in errors, f"{name}: the log says where"


def test_a_process_alone_survives_being_stopped() -> None:
    """As by `docker pause`, for longer than the timeout."""
    process = run_alone("for _ in range(8):\n    process_heartbeat.beat()\n    time.sleep(0.2)")
    assert process.stdout
    assert process.stdout.readline() == "beaten\n"
    os.kill(process.pid, signal.SIGSTOP)
    time.sleep(2)  # longer than its timeout; nothing happens meanwhile that could be awaited
    os.kill(process.pid, signal.SIGCONT)

    assert process.wait(30) == 0


@pytest.mark.parametrize("name", ["web", "bridge_progress", "work"])
def test_each_part_starts_its_heartbeat(name: str) -> None:
    source = Path(settings.BASE_DIR, "downloads/management/commands", f"{name}.py").read_text()
    assert "(settings.HEARTBEAT_FD, settings.WATCHDOG_SECONDS)" in source
