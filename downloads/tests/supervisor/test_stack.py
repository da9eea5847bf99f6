"""The stack's rules that real processes would need minutes to show: delays, and giving up."""

from pathlib import Path

import pytest

from downloads.tests.support.managed_process import python_process
from ytarchive.supervisor import process as part_module
from ytarchive.supervisor.bootstrap import StartupError, first_error_line
from ytarchive.supervisor.listener import HttpReadinessProbe, is_loopback, local_address, local_url, open_listener
from ytarchive.supervisor.process import ManagedProcess, describe_exit_status
from ytarchive.supervisor.stack import MAX_EARLY_EXITS, Stack, build_child_environment


class FakeTime:
    """Stands for the time module where parts look at it."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def fake_time(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    found = FakeTime()
    monkeypatch.setattr(part_module, "time", found)
    return found


def wait_and_reap(part: ManagedProcess) -> int | None:
    assert part.process
    part.process.wait(10)
    return part.reap()


# Parts -------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(("status", "said"), [(1, "exit status 1"), (-9, "SIGKILL"), (-77, "signal 77")])
def test_it_says_how_a_process_ended(status: int, said: str) -> None:
    assert describe_exit_status(status) == said


# The stack ---------------------------------------------------------------------------------------


def test_it_gives_up_when_a_process_never_starts() -> None:
    with open_listener("127.0.0.1", 0) as listener:
        stack = Stack(listener, [part := python_process("")], [], None, write_line=print)
        for _ in range(MAX_EARLY_EXITS - 1):
            stack._schedule_restart(part, 1)

        with pytest.raises(StartupError, match="“part” does not start"):
            stack._schedule_restart(part, 1)


def test_it_never_gives_up_once_it_was_ready() -> None:
    with open_listener("127.0.0.1", 0) as listener:
        stack = Stack(listener, [part := python_process("")], [], None, write_line=print)
        stack.is_ready = True

        for _ in range(MAX_EARLY_EXITS + 5):
            stack._schedule_restart(part, 1)


@pytest.mark.parametrize(("host", "given", "expected"), [
    ("127.0.0.1", None, None),
    ("0.0.0.0", None, "1"),
    ("0.0.0.0", "0", "0"),
    ("127.0.0.1", "1", "1"),
])  # fmt: skip
def test_it_is_private_when_others_can_reach_it(
    monkeypatch: pytest.MonkeyPatch, host: str, given: str | None, expected: str | None
) -> None:
    if given is not None:
        monkeypatch.setenv("YTARCHIVE_PRIVATE", given)
    with open_listener(host, 0) as listener:
        assert build_child_environment(listener).get("YTARCHIVE_PRIVATE") == expected


# Listening -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("host", "local", "reached"), [
    ("127.0.0.1", True, "127.0.0.1"),
    ("localhost", True, None),
    ("0.0.0.0", False, "127.0.0.1"),
])  # fmt: skip
def test_it_knows_where_it_is_reached(host: str, local: bool, reached: str | None) -> None:
    with open_listener(host, 0) as listener:
        assert is_loopback(listener) == local
        assert reached in (None, local_address(listener)[0])
        assert local_url(listener).endswith(f":{listener.getsockname()[1]}/")


def test_it_asks_for_the_first_page_until_it_is_well_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ytarchive.supervisor.listener.PROBE_RETRY_SECONDS", 0)
    with open_listener("127.0.0.1", 0) as listener:
        page = HttpReadinessProbe(listener)
        assert not page.poll()  # nobody answers yet
        for status, answered in [(500, False), (200, True)]:
            connection, _ = listener.accept()
            assert connection.recv(1024).startswith(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
            connection.sendall(f"HTTP/1.1 {status} word\r\n\r\n".encode())
            connection.close()
            assert page.poll() == answered
            page.poll()


def test_it_says_the_first_line_of_an_error() -> None:
    assert first_error_line(ValueError("one.\ntwo")) == "one"
    assert first_error_line(ValueError()) == "ValueError"
