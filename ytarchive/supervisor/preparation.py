"""Preparations in a process of their own, which ends before the archive runs.

They import Django's models and migrate the database; the supervisor, which stays, would keep all that memory.
"""

import json
import os
import signal
import socket
import sys
import time
import traceback
from typing import Any, NoReturn

from downloads.parent_death import kill_when_parent_dies
from ytarchive.supervisor.startup import StartupError, WriteLine

STOP_TIMEOUT_SECONDS = 10.0  # a migration that is interrupted is rolled back
STOP_POLL_SECONDS = 0.02


class PreparationProcess:
    """A child that checks the folders, and prepares the archive later; a context manager. One thread may fork."""

    def __init__(self, write_line: WriteLine) -> None:
        self._write_line = write_line
        self._is_busy = False

    def __enter__(self) -> "PreparationProcess":
        self._requests, theirs = socket.socketpair()
        sys.stdout.flush()
        sys.stderr.flush()
        parent_pid = os.getpid()
        self._pid = os.fork()
        if not self._pid:
            self._requests.close()
            _serve(theirs, parent_pid, self._write_line)
        theirs.close()
        self._answers = self._requests.makefile(encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        """End the child: it exits by itself when it has nothing to do, else it is interrupted."""
        self._answers.close()
        self._requests.close()
        if self._is_busy:
            # The supervisor's handler, which the child has as well, raises KeyboardInterrupt the first time only.
            os.kill(self._pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
        while os.waitpid(self._pid, os.WNOHANG) == (0, 0):
            if time.monotonic() > deadline:
                os.kill(self._pid, signal.SIGKILL)
            time.sleep(STOP_POLL_SECONDS)

    def check_folders(self) -> None:
        """Run `bootstrap.check_folders`; raise StartupError."""
        self._request("check_folders")

    def prepare_all(self) -> str:
        """Run `bootstrap.prepare_all`, and return its result; raise StartupError."""
        return str(self._request("prepare_all") or "")

    def _request(self, name: str) -> Any:
        self._is_busy = True
        self._requests.sendall(f"{name}\n".encode())
        line = self._answers.readline()
        self._is_busy = False
        if not line:
            raise StartupError("The preparation of the archive ended early: its own lines are above.")
        answer = json.loads(line)
        if "error" in answer:
            raise StartupError(answer["error"])
        return answer["result"]


def _serve(requests: socket.socket, parent_pid: int, write_line: WriteLine) -> NoReturn:
    """Run the functions that are asked for until the supervisor closes its end; end this process."""
    status = 1
    try:
        kill_when_parent_dies(parent_pid)
        signal.set_wakeup_fd(-1)
        with requests, requests.makefile(encoding="utf-8") as lines:
            for line in lines:
                requests.sendall(json.dumps(_run(line.strip(), write_line)).encode() + b"\n")
        status = 0
    except (KeyboardInterrupt, BrokenPipeError):
        pass  # the start is given up
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _run(name: str, write_line: WriteLine) -> dict[str, Any]:
    import django  # noqa: PLC0415 - this process alone needs the applications
    from django.apps import apps  # noqa: PLC0415

    if not apps.ready:
        django.setup()
    from ytarchive.supervisor import bootstrap  # noqa: PLC0415 - it imports the models

    functions = {"check_folders": bootstrap.check_folders, "prepare_all": lambda: bootstrap.prepare_all(write_line)}
    try:
        return {"result": functions[name]()}
    except StartupError as error:
        return {"error": str(error)}
