"""Fork server: a process that has imported everything, and forks a child for each download.

A new interpreter takes more than a second to import Django and yt-dlp; a fork takes milliseconds, and shares their
memory. The server has one thread, no connection and no open file of a download, so that nothing of it, and nothing of
an earlier download, is in a child.

The worker is the parent of the children: it waits for them, and a killed server takes no download with it. A request is
one packet with the standard input and output of the child; the answer is a packet with its process id.
"""

import contextlib
import gc
import os
import signal
import socket
import sys
import threading

import setproctitle
from django.conf import settings
from django.db import connections

from downloads import forked_process
from downloads.parent_death import kill_when_parent_dies
from downloads.worker import child
from downloads.worker.processes import protocol
from downloads.ytdlp import preloading


def main(requests: socket.socket, worker_pid: int) -> None:
    """Fork a child for each request, until the worker closes its end or dies."""
    kill_when_parent_dies(worker_pid)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _prepare_for_forks()
    setproctitle.setproctitle(f"{sys.executable} -m {protocol.PACKAGE}: ready")
    # A worker that leaves answers unread resets the connection.
    with contextlib.suppress(ConnectionError):
        requests.send(protocol.READY)
        _serve(requests, worker_pid)


def _serve(requests: socket.socket, worker_pid: int) -> None:
    while True:
        packet, fds, _, _ = socket.recv_fds(requests, protocol.MAX_PACKET_BYTES, 2)
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
    """Fork a child of the worker, and answer."""

    def run_child() -> int:
        requests.close()
        return run_download(fds)

    requests.send(forked_process.fork_for(worker_pid, run_child))


def run_download(fds: list[int]) -> int:
    """Become a process like one that the worker has started, and run the download; return the exit status.

    Damaged files of yt-dlp are never used: a new interpreter selects another version.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for standard_fd, fd in enumerate(fds):
        os.dup2(fd, standard_fd)
        os.close(fd)
    if not preloading.is_still_selected():
        os.execv(sys.executable, [sys.executable, str(settings.BASE_DIR / "manage.py"), "download"])  # noqa: S606 - fixed
    setproctitle.setproctitle(f"{sys.executable} manage.py download")
    return forked_process.run_to_exit_status(child.main)
