"""The listening socket, bound before any process is started and inherited by every web process."""

import contextlib
import errno
import http.client
import ipaddress
import os
import socket
import time

from django.conf import settings

from ytarchive.supervisor.startup import StartupError

BACKLOG = 4096  # many pages reconnect at once after a restart; the system may lower it (net.core.somaxconn)
MAX_PORT = 65535
PROBE_RETRY_SECONDS = 0.5


def open_listener(host: str, port: int) -> socket.socket:
    """Return a socket that listens on host and port, on `::` for IPv4 too; raise StartupError."""
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]  # as in a URL
    if not 0 <= port <= MAX_PORT:
        raise StartupError(f"{port} is not a port. Choose one from 0 to {MAX_PORT}.")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        hears_both = _is_ipv4_too(str(address[0])) and socket.has_dualstack_ipv6()
        return socket.create_server(address[:2], family=family, backlog=BACKLOG, dualstack_ipv6=hears_both)
    except (socket.gaierror, UnicodeError) as error:
        raise StartupError(f"{host!r} is not an address to listen on. Use an IP address or a host name.") from error
    except OSError as error:
        raise StartupError(_bind_error_message(error, host, port)) from error


def _other_port(port: int) -> str:
    """Return how to choose the next port, as an option and for make."""
    option = f"--port {port + 1 if port < MAX_PORT else 8000}"
    return f'{option} (make run ARGS="{option}")'


def _bind_error_message(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} of {host} is in use. Choose another: {_other_port(port)}."
    if error.errno == errno.EACCES:
        return f"Port {port} of {host} needs more rights than you have. Choose 1024 or above."
    if error.errno == errno.EAFNOSUPPORT:
        return f"{host} is an IPv6 address, and this machine has only IPv4. Use 0.0.0.0, for example."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this machine. Choose another one."
    return f"{host}:{port} can’t be used: {os.strerror(error.errno or 0)}."


def _is_ipv4_too(host: str) -> bool:
    """Return True for an IPv6 address at which IPv4 clients arrive: `::`, or an IPv4 address in IPv6 form."""
    address = ipaddress.ip_address(host.partition("%")[0])
    return isinstance(address, ipaddress.IPv6Address) and (address.is_unspecified or address.ipv4_mapped is not None)


def _bound_address(listener: socket.socket) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    address = ipaddress.ip_address(listener.getsockname()[0].partition("%")[0])
    return getattr(address, "ipv4_mapped", None) or address


def _hears_ipv4(listener: socket.socket) -> bool:
    is_ipv6 = listener.family == socket.AF_INET6
    return not is_ipv6 or not listener.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)


def is_loopback(listener: socket.socket) -> bool:
    """Return True if only this machine can reach the socket."""
    return _bound_address(listener).is_loopback


def local_address(listener: socket.socket) -> tuple[str, int]:
    """Return the (host, port) at which this machine reaches the socket."""
    host, port = listener.getsockname()[:2]
    address = _bound_address(listener)
    if address.is_unspecified:
        # Preferred, since a container often has `::` without an address ::1.
        return "127.0.0.1" if _hears_ipv4(listener) else "::1", port
    return host if address.version == 6 else str(address), port


def local_url(listener: socket.socket) -> str:
    """Return the URL of the library, as a browser on this machine reaches it."""
    host, port = local_address(listener)
    host = host.replace("%", "%25")  # the zone of a link-local address (RFC 6874)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{settings.URL_PREFIX}"


class HttpReadinessProbe:
    """Non-blocking request of the library page, repeated until it succeeds.

    The socket listens before a web process runs, so the first request waits in its backlog until one accepts it.
    """

    def __init__(self, listener: socket.socket) -> None:
        self.address = local_address(listener)
        self.is_ready = False
        self._connection: socket.socket | None = None
        self._retry_at = 0.0

    def poll(self) -> bool:
        """Return True once a request has succeeded; send the next one if the last has failed."""
        if not self.is_ready and time.monotonic() >= self._retry_at:
            try:
                self._try_request()
            except BlockingIOError:
                pass  # sent, and not answered yet
            except (OSError, http.client.HTTPException, ValueError, IndexError):
                self.close()
                self._retry_at = time.monotonic() + PROBE_RETRY_SECONDS
        return self.is_ready

    def _try_request(self) -> None:
        if self._connection is None:
            self._connection = socket.create_connection(self.address, timeout=1)
            request = f"GET {settings.URL_PREFIX} HTTP/1.1\r\nHost: {_allowed_host()}\r\nConnection: close\r\n\r\n"
            self._connection.sendall(request.encode())
            self._connection.setblocking(False)
        status = int(self._connection.recv(64).split()[1])
        if status >= http.client.BAD_REQUEST:
            raise http.client.HTTPException(status)
        self.is_ready = True
        self.close()

    def close(self) -> None:
        """Close the connection of a request that is not answered yet."""
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.close()
            self._connection = None


def _allowed_host() -> str:
    """Return a host name that ALLOWED_HOSTS accepts."""
    host = settings.ALLOWED_HOSTS[0].lstrip(".")
    return "localhost" if host == "*" else host
