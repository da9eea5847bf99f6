"""Sources of the heartbeats of supervised processes: pipes that they inherit, and Redis' answers to pings."""

import os
import socket
from pathlib import Path
from typing import Protocol


class HeartbeatSource(Protocol):
    """The heartbeats of one process."""

    fd: int  # that the process inherits and writes to; 0 for none

    def has_new_beat(self) -> bool:
        """Return whether there was a beat since the last call; never blocks."""

    def reset(self) -> None:
        """Forget the beats of a process that has ended."""


class PipeHeartbeat:
    """Pipe that a process of ours inherits; downloads.liveness.heartbeat writes to it."""

    def __init__(self) -> None:
        self._read_fd, self.fd = os.pipe()
        os.set_blocking(self._read_fd, False)
        os.set_blocking(self.fd, False)

    def has_new_beat(self) -> bool:
        """Return whether the process has written since the last call."""
        try:
            # More than a pipe holds (pipe(7)).
            return bool(os.read(self._read_fd, 1 << 20))
        except BlockingIOError:
            return False

    def reset(self) -> None:
        """Drop what an earlier process has written."""
        self.has_new_beat()


class RedisHeartbeat:
    """Pings on a connection to the embedded server; any answer is a sign of life, also that it is still loading."""

    fd = 0

    def __init__(self, socket_path: Path) -> None:
        self._socket_path = socket_path
        self._connection: socket.socket | None = None

    def has_new_beat(self) -> bool:
        """Return whether the last ping was answered, and send the next one."""
        try:
            if self._connection is not None and not self._connection.recv(4096):
                self.reset()
            is_answered = self._connection is not None
            self._send_ping()
        except BlockingIOError:
            return False
        except OSError:
            self.reset()
            return False
        return is_answered

    def _send_ping(self) -> None:
        if self._connection is None:
            self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._connection.setblocking(False)
            self._connection.connect(str(self._socket_path))
        self._connection.send(b"PING\r\n")

    def reset(self) -> None:
        """Close the connection to a server that has ended."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
