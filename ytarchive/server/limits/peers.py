"""The other end of a connection: its address, and what the kernel keeps for it."""

import socket
from typing import Any

from django.conf import settings

from downloads.accounts.client_address import find_client_address
from ytarchive.server.http.response_stream import write_buffer_size

# The most that the kernel keeps of a response that the client does not take (tcp(7)); what is on its way is not
# limited by it, so that distant clients are served as fast as before.
MAX_UNSENT_BYTES = 128 * 1024


def accepted_address(peer: str) -> str:
    """Return the address that a connection counts for, "" behind proxies, where each request says whose it is."""
    return "" if settings.PROXIES else find_client_address("", peer) or peer


def limit_send_buffer(transport: Any) -> None:
    """Limit what the kernel keeps of data that the client does not take."""
    option = getattr(socket, "TCP_NOTSENT_LOWAT", None)
    connection = getattr(transport, "socket", None)
    if option is not None and isinstance(connection, socket.socket):
        connection.setsockopt(socket.IPPROTO_TCP, option, MAX_UNSENT_BYTES)


def send_rest_and_close(transport: Any) -> bool:
    """Close a connection in order if the kernel takes what waits for it; return False if it does not."""
    transport.doWrite()
    if write_buffer_size(transport):
        return False
    transport.loseConnection()
    return True


def plain_address(host: str) -> str:
    """Return a client's address; a socket for both versions of IP gives IPv4 addresses as ::ffff:192.0.2.1."""
    return host.removeprefix("::ffff:")
