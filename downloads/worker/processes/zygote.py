"""Zygote: a process forked from the worker before it has threads and connections.

Fork servers are forked from it, as apps are from the zygote of Android: they share the memory of Django and the models
with the worker, and with all that was forked from `up`; a new interpreter would have them once more. yt-dlp is not
imported here: a newer version needs another fork server, and no other zygote. A download that comes while there is no
fork server is forked from the zygote too, and imports yt-dlp itself.
"""

import contextlib
import functools
import gc
import os
import select
import socket
import sys
from dataclasses import dataclass

import setproctitle
from django.db import connections

from downloads import forked_process
from downloads.forked_process import ForkedProcess
from downloads.worker.processes import protocol

ANSWER_TIMEOUT_SECONDS = 2.0  # a fork takes milliseconds


@dataclass
class Zygote:
    """The zygote of this worker, and the connection to it."""

    process: ForkedProcess
    requests: socket.socket

    def fork_server(self, requests: socket.socket, inherited_fds: tuple[int, ...]) -> ForkedProcess | None:
        """Return a fork server, a child of this process, that serves the other end of `requests`; None if it cannot."""
        pid = self._request(protocol.SERVE, [requests.fileno(), *inherited_fds])
        return ForkedProcess(pid) if pid else None

    def fork_download(self, standard_fds: tuple[int, int], inherited_fds: tuple[int, ...]) -> int | None:
        """Return the process id of a download with this standard input and output; None if it cannot be forked."""
        return self._request(protocol.FORK, [*standard_fds, *inherited_fds])

    def _request(self, request: bytes, fds: list[int]) -> int | None:
        try:
            socket.send_fds(self.requests, [request], fds)
            if select.select([self.requests], [], [], ANSWER_TIMEOUT_SECONDS)[0]:
                return int(self.requests.recv(protocol.MAX_PACKET_BYTES) or 0) or None
        except OSError:
            pass  # it has died
        return None

    def stop(self) -> None:
        """End the zygote, and a fork server whose process id it has sent too late."""
        self.process.kill()
        self.process.wait()
        with self.requests, contextlib.suppress(OSError):  # there is nothing to read, as a rule
            if late := self.requests.recv(protocol.MAX_PACKET_BYTES, socket.MSG_DONTWAIT):
                server = ForkedProcess(int(late))
                server.kill()
                server.wait()


def fork_zygote() -> Zygote | None:
    """Fork a zygote of this process, which has no other thread; None where that is not supported."""
    if not forked_process.IS_SUPPORTED:
        return None
    connections.close_all()
    gc.freeze()
    ours, theirs = protocol.create_socket_pair()
    worker_pid = os.getpid()
    with theirs:
        return Zygote(forked_process.fork(lambda: _serve(theirs, worker_pid)), ours)


def _serve(requests: socket.socket, worker_pid: int) -> int:
    """Fork a server or a download for each packet, until the worker closes its end."""
    forked_process.redirect_files_to_devnull([requests.fileno()])
    setproctitle.setproctitle(f"{sys.executable} -m {protocol.PACKAGE}: zygote")
    while True:
        packet, fds, _, _ = socket.recv_fds(requests, protocol.MAX_PACKET_BYTES, protocol.MAX_FILES)
        if not packet:
            return 0
        answer = forked_process.fork_for(worker_pid, functools.partial(_run, packet, worker_pid, fds))
        with contextlib.suppress(ConnectionError):  # the worker has given up
            requests.send(answer)
        for fd in fds:
            os.close(fd)


def _run(request: bytes, worker_pid: int, fds: list[int]) -> int:
    forked_process.redirect_files_to_devnull(fds)  # before the import, which locks the folder of a version of yt-dlp
    forked_process.replace_environment(protocol.build_environment())
    from downloads.worker.processes import fork_server  # noqa: PLC0415 - it imports yt-dlp, which may change

    if request == protocol.FORK:
        return fork_server.run_download(fds[:2])
    with socket.socket(fileno=fds[0]) as requests:
        fork_server.main(requests, worker_pid)
    return 0
