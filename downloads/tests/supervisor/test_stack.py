"""Rules of the stack that would take minutes with real processes: restart delays, and giving up."""

import pytest

from downloads.tests.support.managed_process import python_process
from ytarchive.supervisor.listener import open_listener
from ytarchive.supervisor.stack import MAX_EARLY_EXITS, Stack, build_child_environment
from ytarchive.supervisor.startup import StartupError

# Processes ---------------------------------------------------------------------------------------


# The stack ---------------------------------------------------------------------------------------


def test_it_gives_up_when_a_process_never_starts() -> None:
    with open_listener("127.0.0.1", 0) as listener:
        stack = Stack(listener, [part := python_process("")], [], None, write_line=print)
        for _ in range(MAX_EARLY_EXITS - 1):
            stack._schedule_restart(part)

        with pytest.raises(StartupError, match="“part” does not start"):
            stack._schedule_restart(part)


def test_it_never_gives_up_once_it_was_ready() -> None:
    with open_listener("127.0.0.1", 0) as listener:
        stack = Stack(listener, [part := python_process("")], [], None, write_line=print)
        stack.is_ready = True

        for _ in range(MAX_EARLY_EXITS + 5):
            stack._schedule_restart(part)


@pytest.mark.parametrize(("host", "configured", "expected"), [
    ("127.0.0.1", None, None),
    ("0.0.0.0", None, "1"),
    ("0.0.0.0", "0", "0"),
    ("127.0.0.1", "1", "1"),
])  # fmt: skip
def test_it_is_private_when_others_can_reach_it(
    monkeypatch: pytest.MonkeyPatch, host: str, configured: str | None, expected: str | None
) -> None:
    if configured is not None:
        monkeypatch.setenv("YTARCHIVE_PRIVATE", configured)
    with open_listener(host, 0) as listener:
        assert build_child_environment(listener).get("YTARCHIVE_PRIVATE") == expected


# Listening -----------------------------------------------------------------------------------------
