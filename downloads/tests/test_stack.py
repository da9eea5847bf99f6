"""The stack's rules that real processes would need minutes to show: delays, and giving up."""

import sys
from pathlib import Path

import pytest

from ytarchive.supervisor import process as part_module
from ytarchive.supervisor.bootstrap import CannotStart, first_line
from ytarchive.supervisor.listener import FirstPage, is_loopback, listen, reach, url
from ytarchive.supervisor.process import Part, in_words
from ytarchive.supervisor.stack import TRIES, Stack, environment


class Clock:
    """Stands for the time module where parts look at it."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(part_module, "time", found)
    return found


def python(program: str, **options) -> Part:
    return Part("part", [sys.executable, "-c", program], **options)


def end(part: Part) -> int | None:
    assert part.process
    part.process.wait(10)
    return part.reap()


# Parts -------------------------------------------------------------------------------------------


def test_it_waits_longer_after_each_early_end(clock: Clock) -> None:
    part = python("")

    delays = [part.put_off() for _ in range(8)]

    assert delays == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


def test_it_forgives_a_part_that_ran_well(clock: Clock) -> None:
    part = python("")
    for _ in range(5):
        part.put_off()
    part.start()
    clock.now += 60

    assert end(part) == 0
    assert part.put_off() == 0.5
    assert part.due == clock.now + 0.5


def test_it_calls_off_a_start_when_it_is_to_stop() -> None:
    part = python("")
    part.put_off()

    part.ask_to_stop()

    assert part.due is None


def test_it_tells_an_end_once() -> None:
    part = python("raise SystemExit(7)")
    part.start()

    assert end(part) == 7
    assert part.reap() is None
    assert not part.running


def test_it_ends_what_the_part_started_as_well() -> None:
    part = python("import subprocess; subprocess.run(['sleep', '60'])")
    part.start()

    part.kill()

    assert end(part) == -9


def test_it_keeps_the_last_words_of_a_part(tmp_path: Path) -> None:
    part = python("print('one'); print('two')", log=tmp_path / "log")
    part.start()
    end(part)

    assert part.last_words() == "two"


@pytest.mark.parametrize(("status", "said"), [(1, "exit status 1"), (-9, "SIGKILL"), (-77, "signal 77")])
def test_it_says_how_a_process_ended(status: int, said: str) -> None:
    assert in_words(status) == said


# The stack ---------------------------------------------------------------------------------------


def test_it_gives_up_before_ready_when_a_part_never_runs() -> None:
    with listen("127.0.0.1", 0) as listener:
        stack = Stack(listener, [part := python("")], [], None, say=print)
        for _ in range(TRIES - 1):
            stack._put_off(part, 1)

        with pytest.raises(CannotStart, match="“part” does not start"):
            stack._put_off(part, 1)


def test_it_never_gives_up_once_it_was_ready() -> None:
    with listen("127.0.0.1", 0) as listener:
        stack = Stack(listener, [part := python("")], [], None, say=print)
        stack.ready = True

        for _ in range(TRIES + 5):
            stack._put_off(part, 1)


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
    with listen(host, 0) as listener:
        assert environment(listener).get("YTARCHIVE_PRIVATE") == expected


# Listening -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("host", "local", "reached"), [
    ("127.0.0.1", True, "127.0.0.1"),
    ("localhost", True, None),
    ("0.0.0.0", False, "127.0.0.1"),
])  # fmt: skip
def test_it_knows_where_it_is_reached(host: str, local: bool, reached: str | None) -> None:
    with listen(host, 0) as listener:
        assert is_loopback(listener) == local
        assert reached in (None, reach(listener)[0])
        assert url(listener).endswith(f":{listener.getsockname()[1]}/")


def test_it_asks_for_the_first_page_until_it_is_well_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ytarchive.supervisor.listener.RETRY", 0)
    with listen("127.0.0.1", 0) as listener:
        page = FirstPage(listener)
        assert not page.poll()  # nobody answers yet
        for status, answered in [(500, False), (200, True)]:
            connection, _ = listener.accept()
            assert connection.recv(1024).startswith(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
            connection.sendall(f"HTTP/1.1 {status} word\r\n\r\n".encode())
            connection.close()
            assert page.poll() == answered
            page.poll()


def test_it_says_the_first_line_of_an_error() -> None:
    assert first_line(ValueError("one.\ntwo")) == "one"
    assert first_line(ValueError()) == "ValueError"
