"""Packets by which a worker and its servers talk to each other."""

import os
import socket

from django.conf import settings

from downloads.files import ffmpeg

PACKAGE = "downloads.worker.processes"  # what `python -m` runs
READY = b"ready"
FORK = b"fork"  # a download
SERVE = b"serve"  # be a fork server
MAX_PACKET_BYTES = 64
MAX_FILES = 4  # that come with a packet


def create_socket_pair() -> tuple[socket.socket, socket.socket]:
    """Return both ends of a connection that keeps packets apart."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def build_environment() -> dict[str, str]:
    """Return the environment of a process that downloads: its PATH has the ffmpeg and the deno of the archive."""
    return {**os.environ, "YTARCHIVE_DATA": str(settings.DATA), "PATH": ffmpeg.build_search_path()}
