"""Fork server: a process that has imported everything, and forks a child for each download.

A new interpreter takes more than a second to import Django and yt-dlp; a fork takes milliseconds, and shares their
memory. The server has one thread, no connection and no open file of a download, so that nothing of it, and nothing of
an earlier download, is in a child.

It forks twice: the first child ends at once, so that the kernel makes the worker, which is a subreaper
(PR_SET_CHILD_SUBREAPER, prctl(2)), the parent of the second. The worker waits for it, and a killed server takes no
download with it. A request is one packet with the standard input and output of the child; the answer is a packet with
its process id.
"""

import contextlib
import gc
import logging
import os
import signal
import socket
import sys
import threading
import time
import traceback
from typing import NoReturn

import setproctitle
from django.conf import settings
from django.db import connections

from downloads.parent_death import kill_when_parent_dies
from downloads.worker import child
from downloads.ytdlp import preloading

PACKAGE = "downloads.worker.processes"  # what `python -m` runs
READY = b"ready"
FORK = b"fork"
MAX_PACKET_BYTES = 64
REPARENTING_POLL_SECONDS = 0.001

logger = logging.getLogger(__name__)


def main(requests: socket.socket, worker_pid: int) -> None:
    """Fork a child for each request, until the worker closes its end or dies."""
    kill_when_parent_dies(worker_pid)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _prepare_for_forks()
    setproctitle.setproctitle(f"{sys.executable} -m {PACKAGE}: ready")
    # A worker that leaves answers unread resets the connection.
    with contextlib.suppress(ConnectionError):
        requests.send(READY)
        _serve(requests, worker_pid)


def _serve(requests: socket.socket, worker_pid: int) -> None:
    while True:
        packet, fds, _, _ = socket.recv_fds(requests, MAX_PACKET_BYTES, 2)
        if not packet:
            return
        try:
            _fork_child(requests, fds, worker_pid)
        finally:
            for fd in fds:
                os.close(fd)


def _prepare_for_forks() -> None:
    """Import what every download needs, and leave nothing behind that may not be shared by forks."""
    preloading.preload()
    connections.close_all()
    if threading.active_count() > 1:
        raise RuntimeError(f"threads were started before the fork: {threading.enumerate()}")
    # What exists now is never collected, so that the collector does not write to pages that are shared.
    gc.collect()
    gc.freeze()


def _fork_child(requests: socket.socket, fds: list[int], worker_pid: int) -> None:
    """Fork twice, and answer once the worker is the parent of the second child."""
    read_fd, write_fd = os.pipe()
    intermediate_pid = os.fork()
    if not intermediate_pid:
        os.close(read_fd)
        _fork_again(requests, write_fd, fds, worker_pid)
    os.close(write_fd)
    with os.fdopen(read_fd, "rb") as answer:
        os.waitpid(intermediate_pid, 0)
        requests.send(answer.read())


def _fork_again(requests: socket.socket, answer_fd: int, fds: list[int], worker_pid: int) -> NoReturn:
    status = 1
    try:
        intermediate_pid = os.getpid()
        child_pid = os.fork()
        if child_pid:
            os.write(answer_fd, str(child_pid).encode())
            status = 0
        else:
            os.close(answer_fd)
            requests.close()
            status = _run_child(fds, intermediate_pid, worker_pid)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _run_child(fds: list[int], intermediate_pid: int, worker_pid: int) -> int:
    """Become a process like one that the worker has started, and run the download; return the exit status.

    Damaged files of yt-dlp are never used: a new interpreter selects another version.
    """
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for standard_fd, fd in enumerate(fds):
        os.dup2(fd, standard_fd)
        os.close(fd)
    while os.getppid() == intermediate_pid:
        time.sleep(REPARENTING_POLL_SECONDS)
    kill_when_parent_dies(worker_pid)
    if not preloading.is_still_selected():
        os.execv(sys.executable, [sys.executable, str(settings.BASE_DIR / "manage.py"), "download"])  # noqa: S606 - fixed
    setproctitle.setproctitle(f"{sys.executable} manage.py download")
    return _run_to_exit_status()


def _run_to_exit_status() -> int:
    """Run the child, and return what the interpreter would exit with."""
    try:
        child.main()
    except SystemExit as error:
        if isinstance(error.code, int) or error.code is None:
            return error.code or 0
        sys.stderr.write(f"{error.code}\n")
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0
