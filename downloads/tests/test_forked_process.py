"""Forks that go on with the memory of their parent, as real processes of a program with one thread."""

import signal
import subprocess
import sys

import pytest
from django.conf import settings

from downloads.tests.support.processes import still_running
from downloads.tests.support.waiting import wait_until

PRELUDE = """
import ctypes, os, signal, socket, sys, threading, time
from downloads import forked_process
from downloads.forked_process import fork, fork_for, run_to_exit_status
"""


def run_program(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PRELUDE + program],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(("function", "status", "error"), [
    ("lambda: 3", 0, ""),
    ("lambda: sys.exit(7)", 7, ""),
    ("lambda: sys.exit()", 0, ""),
    ("lambda: sys.exit('in words')", 1, "in words\n"),
    ("lambda: 1 / 0", 1, "ZeroDivisionError: division by zero\n"),
    ("lambda: os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL, ""),
    ("lambda: os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM, ""),
])  # fmt: skip
def test_it_ends_as_an_interpreter_would(function: str, status: int, error: str) -> None:
    result = run_program(
        "signal.signal(signal.SIGTERM, lambda *_: print('handled by the parent'))\n"
        f"print(fork(lambda: run_to_exit_status({function})).wait(20))"
    )

    assert result.stdout == f"{status}\n"
    assert result.stderr.endswith(error)


def test_it_waits_for_the_threads_of_a_child() -> None:
    result = run_program(
        "threaded = lambda: threading.Thread(target=lambda: (time.sleep(0.1), print('done'))).start()\n"
        "fork(lambda: run_to_exit_status(threaded)).wait(20)"
    )

    assert result.stdout == "done\n"


def test_a_signal_during_the_fork_reaches_each_process_once() -> None:
    """It is the parent's handler that is called in the parent, and none of it in the child, which ends."""
    result = run_program("""
signal.signal(signal.SIGTERM, lambda *_: print("parent"))
def stopped_at_once():
    raise AssertionError("the order to stop was lost")
before = forked_process._run_child
def run_child(run, parent_pid):
    os.kill(os.getpid(), signal.SIGTERM)
    before(run, parent_pid)
forked_process._run_child = run_child
print(fork(stopped_at_once).wait(20))
""")

    assert (result.stdout, result.stderr) == (f"{-signal.SIGTERM}\n", "")


def test_files_of_the_parent_are_redirected_and_never_closed_by_mistake() -> None:
    """An object of the parent that is deleted in the child closes its own number, which is nobody else's."""
    result = run_program("""
held, kept = socket.socketpair()
def child():
    global held
    forked_process.redirect_files_to_devnull([kept.fileno()])
    number = held.fileno()
    new = os.open("/dev/zero", os.O_RDONLY)
    assert new != number, "it is not used again"
    held = None
    assert os.read(new, 1) == b"\\0"
    assert os.read(0, 1) == b""
    kept.send(b"kept")
    return 5
status = fork(child).wait(20)
print(status, held.recv(10).decode())
""")

    assert (result.stdout, result.stderr) == ("5 kept\n", "")


def test_a_child_for_a_subreaper_is_its_own_and_dies_with_it() -> None:
    result = run_program("""
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
reader, writer = os.pipe()
def intermediate():
    def child():
        os.write(writer, f"{os.getppid()} {os.getsid(0) == os.getpid()} ".encode())
        time.sleep(60)
    os.write(writer, fork_for(worker, child) + b" ")
    return 0
worker = os.getpid()
fork(intermediate).wait(20)
words = b""
while words.count(b" ") < 3:
    words += os.read(reader, 100)
words = words.decode().split()
child_pid = next(word for word in words if word not in (str(worker), "True"))
print(str(worker) in words, "True" in words, child_pid, flush=True)
os.kill(worker, signal.SIGKILL)
""")

    is_parent, leads_session, child = result.stdout.split()
    assert (is_parent, leads_session) == ("True", "True")
    wait_until(lambda: not still_running({int(child)}), "it is killed")


def test_a_signal_to_stop_calls_the_handler_and_wakes_the_selector() -> None:
    result = run_program("""
with forked_process.handled_signals(lambda number, _: print(signal.Signals(number).name)) as receiver:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        os.kill(os.getpid(), number)
        print(receiver.recv(10) == bytes([number]))
""")

    assert result.stdout.split() == ["SIGINT", "True", "SIGTERM", "True", "SIGHUP", "True", "True"]


def test_a_signal_to_hang_up_that_nohup_ignores_stays_ignored() -> None:
    result = run_program("""
signal.signal(signal.SIGHUP, signal.SIG_IGN)
with forked_process.handled_signals(lambda number, _: print("stopped")) as receiver:
    os.kill(os.getpid(), signal.SIGHUP)
    os.kill(os.getpid(), signal.SIGCHLD)
    print(receiver.recv(10) == bytes([signal.SIGCHLD]))
""")

    assert result.stdout == "True\n"
