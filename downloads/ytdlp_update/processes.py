"""Processes of an update: a time limit, and an end with the process that started them."""

import contextlib
import functools
import os
import signal
import subprocess
from pathlib import Path

from downloads.parent_death import kill_when_parent_dies


def run_process(
    command: list[str], timeout_seconds: float, *, env: dict[str, str], cwd: Path
) -> "subprocess.CompletedProcess[str]":
    """Run a command in a process group of its own, which is killed after the timeout (raises TimeoutExpired)."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env=env,
        cwd=cwd,
        start_new_session=True,
        preexec_fn=functools.partial(kill_when_parent_dies, os.getpid()),  # noqa: PLW1509  we have one thread
    )
    try:
        output, errors = process.communicate(timeout=timeout_seconds)
    finally:
        # What it left behind too, and all of it when the wait was interrupted.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return subprocess.CompletedProcess(command, process.returncode, output, errors)
