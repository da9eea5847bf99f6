"""Packets by which a worker and its servers talk to each other."""

import socket

PACKAGE = "downloads.worker.processes"  # what `python -m` runs
READY = b"ready"
FORK = b"fork"
MAX_PACKET_BYTES = 64
MAX_FILES = 4  # that come with a packet


def create_socket_pair() -> tuple[socket.socket, socket.socket]:
    """Return both ends of a connection that keeps packets apart."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
