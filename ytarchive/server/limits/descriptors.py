"""File descriptors: as many as the system allows, and a spare one with which connections are refused at the limit."""

import contextlib
import errno
import os
import resource
import socket
from typing import Any

from ytarchive.server.limits.answers import build_answer, count_refusal

# Kept free for the database, Redis, and the files of responses.
MAX_RESERVED_DESCRIPTORS = 4096
MIN_RESERVED_DESCRIPTORS = 64
MAX_REFUSED_AT_ONCE = 100


def raise_descriptor_limit() -> int:
    """Raise this process' limit of open files to the most that the system allows; return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(OSError, ValueError):  # macOS refuses RLIM_INFINITY
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
    return 2**20 if soft == resource.RLIM_INFINITY else soft


def max_open_connections(limit: int) -> int:
    """Return how many connections fit into `limit` descriptors, beside a reserve for files and databases."""
    reserved = max(MIN_RESERVED_DESCRIPTORS, min(limit // 4, MAX_RESERVED_DESCRIPTORS))
    return max(16, limit - reserved)


class SparingListener(socket.socket):
    """Listening socket that answers 503 to what arrives while no descriptor is left.

    A connection that cannot be accepted would stay in the backlog, and wake the event loop for ever.
    """

    __slots__ = ("_spare",)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.setblocking(False)
        self._spare = os.open(os.devnull, os.O_RDONLY)

    def accept(self) -> Any:
        """Accept a connection; raise BlockingIOError if there is none, or none can be kept."""
        if self._spare < 0 <= self.fileno():  # another thread took the descriptor while connections were refused
            self._open_spare()
        try:
            return super().accept()
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE) or self._spare < 0:
                raise
        self._refuse_waiting()
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    def close(self) -> None:
        """Close the socket and the spare descriptor."""
        if self._spare >= 0:
            os.close(self._spare)
            self._spare = -1
        super().close()

    def _refuse_waiting(self) -> None:
        os.close(self._spare)
        self._spare = -1
        try:
            for _ in range(MAX_REFUSED_AT_ONCE):
                connection, address = super().accept()
                with contextlib.suppress(OSError), connection:
                    connection.setblocking(False)
                    connection.send(build_answer(503))
                    connection.shutdown(socket.SHUT_WR)
                count_refusal(503, str(address[0]))
        except OSError:
            pass  # none waits any more, or another thread took the descriptor
        self._open_spare()

    def _open_spare(self) -> None:
        with contextlib.suppress(OSError):
            self._spare = os.open(os.devnull, os.O_RDONLY)
