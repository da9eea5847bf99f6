"""One supervised process: restarts, exit, log lines."""

from pathlib import Path

import pytest

from downloads.tests.support.managed_process import python_process
from ytarchive.supervisor import process as process_module
from ytarchive.supervisor.process import ManagedProcess, describe_exit_status


class FakeTime:
    """A replacement for the `time` module in the tested module."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def fake_time(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    clock = FakeTime()
    monkeypatch.setattr(process_module, "time", clock)
    return clock


def wait_and_reap(part: ManagedProcess) -> int | None:
    assert part.process
    part.process.wait(10)
    return part.reap()


def test_it_waits_longer_after_each_early_end(fake_time: FakeTime) -> None:
    part = python_process("")

    delays = [part.schedule_restart() for _ in range(8)]

    assert delays == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


def test_a_process_that_ran_long_resets_its_restart_delay(fake_time: FakeTime) -> None:
    part = python_process("")
    for _ in range(5):
        part.schedule_restart()
    part.start()
    fake_time.now += 60

    assert wait_and_reap(part) == 0
    assert part.schedule_restart() == 0.5
    assert part.restart_at == fake_time.now + 0.5


def test_stopping_cancels_a_scheduled_restart() -> None:
    part = python_process("")
    part.schedule_restart()

    part.request_stop()

    assert part.restart_at is None


def test_reap_returns_the_exit_status_once() -> None:
    part = python_process("raise SystemExit(7)")
    part.start()

    assert wait_and_reap(part) == 7
    assert part.reap() is None
    assert not part.is_running


def test_kill_ends_the_children_too() -> None:
    part = python_process("import subprocess; subprocess.run(['sleep', '60'])")
    part.start()

    part.kill()

    assert wait_and_reap(part) == -9


def test_it_keeps_the_last_log_line(tmp_path: Path) -> None:
    part = python_process("print('one'); print('two')", log_path=tmp_path / "log")
    part.start()
    wait_and_reap(part)

    assert part.last_log_line() == "two"


@pytest.mark.parametrize(("status", "description"), [(1, "exit status 1"), (-9, "SIGKILL"), (-77, "signal 77")])
def test_it_says_how_a_process_ended(status: int, description: str) -> None:
    assert describe_exit_status(status) == description
