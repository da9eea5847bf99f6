"""A process that asks for it is killed with its parent."""

import select
import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="prctl(2) is Linux only")

CHILD = """
import time
from downloads.parent_death import kill_when_parent_dies
{}
print("ready", flush=True)
time.sleep(60)
"""
PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', {!r}])"


def test_it_exits_if_its_parent_ended_before():
    process = subprocess.run([sys.executable, "-c", CHILD.format("kill_when_parent_dies(2**30)")], check=False)
    assert process.returncode == 1


def test_it_is_killed_when_its_parent_is_killed():
    child = CHILD.format("kill_when_parent_dies()")
    with subprocess.Popen([sys.executable, "-c", PARENT.format(child)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout.readline() == b"ready\n"
        parent.send_signal(signal.SIGKILL)
        # The child holds the pipe open as long as it lives.
        assert select.select([parent.stdout], [], [], 10)[0]
        assert parent.stdout.read() == b""
