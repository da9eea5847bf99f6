"""Activity of a process' programs: a stopped one stands still, one that computes or waits for a disk does not."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from downloads.liveness import process_activity
from downloads.liveness.process_activity import GroupActivity

# Prints whether the counter changed, with these programs in the group of the process.
PROGRAM = """
import os, signal, subprocess, sys, time
sys.path.insert(0, {folder!r})
from downloads.liveness.process_activity import GroupActivity
os.setpgid(0, 0)
program = subprocess.Popen([sys.executable, "-c", "while True: pass"])
activity = GroupActivity()

def changes(patience=0.1):
    before, deadline = activity.count(), time.monotonic() + patience
    while not (is_changed := activity.count() != before) and time.monotonic() < deadline:
        time.sleep(0.05)
    return is_changed

activity.count()
time.sleep(0.3)
print("computes", changes(60))
program.send_signal(signal.SIGSTOP)
os.waitid(os.P_PID, program.pid, os.WSTOPPED)
activity.count()
print("stopped", changes())
program.send_signal(signal.SIGCONT)
time.sleep(0.1)
print("computes again", changes(60))
program.kill()
program.wait()
activity.count()
print("none", changes())
"""


def test_only_a_program_that_stands_still_does_nothing() -> None:
    output = subprocess.check_output([sys.executable, "-c", PROGRAM.format(folder=str(settings.BASE_DIR))], text=True)

    assert output.splitlines() == ["computes True", "stopped False", "computes again True", "none True"]


@pytest.mark.parametrize(("state", "changes"), [("S", False), ("T", False), ("D", True)])
def test_one_that_waits_for_a_slow_disk_works(tmp_path: Path, monkeypatch, state: str, changes: bool) -> None:
    monkeypatch.setattr(process_activity, "PROC", tmp_path)
    monkeypatch.setattr(process_activity.os, "getpgrp", lambda: 7)
    (tmp_path / "8").mkdir()
    (tmp_path / "8" / "stat").write_text(f"8 (ff) (mpeg) {state} 7 7 7 0 0 0 0 0 0 0 30 5 0 0")
    activity = GroupActivity()
    first = activity.count()

    assert (activity.count() != first) == changes


def test_without_proc_everything_works(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(process_activity, "PROC", tmp_path / "none")
    activity = GroupActivity()

    assert activity.count() != activity.count()
