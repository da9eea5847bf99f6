"""Open connections: how many one client, and all together, may have, and how long each may wait."""

import itertools
import time

from ytarchive.server.limits.bodies import BodyMeter
from ytarchive.server.limits.connection import (
    HEAD_TIMEOUT_SECONDS,
    SOCKET_SHARE,
    AddressUsage,
    Channel,
    Connection,
    ConnectionState,
    max_connections_of,
)

KEEP_ALIVE_SECONDS = 60.0  # until the next request
SWEEP_INTERVAL_SECONDS = 0.5
MAX_ENDED_PER_SWEEP = 250  # a thousand at once would hold up the rest for a second
# Connections over a limit are still asked what they want, since /healthz is always answered.
MAX_EXTRA_CONNECTIONS = 64
EXTRA_HEAD_TIMEOUT_SECONDS = 3.0
# A client over its limit, or all together, lose the response of which nothing was taken for longest, after so long.
STALLED_SECONDS = 5.0
# Refused connections that may still read their answer.
MAX_LINGERING = 256
# Bodies of requests, in memory and on disk.
MAX_BODY_BYTES = 256 * 1024 * 1024
MAX_BODY_BYTES_PER_CLIENT = 96 * 1024 * 1024


class ConnectionRegistry:
    """All open connections of a process."""

    def __init__(self, max_connections: int, max_per_client: int) -> None:
        self.max_connections = max_connections
        self._max_per_client = max_per_client
        self.usage_by_address: dict[str, AddressUsage] = {}
        self.waiting: dict[Connection, None] = {}  # idle or reading a head, the longest first
        self.reading_bodies: dict[Connection, None] = {}
        self.extra: dict[Connection, None] = {}
        self.lingering: dict[Connection, None] = {}
        self.open: dict[Connection, None] = {}
        self.upgrading: Connection | None = None  # becomes a WebSocket just now
        self.sockets = self.body_bytes = 0

    # Beginning and end ------------------------------------------------------------------------------

    def add(self, channel: Channel, address: str) -> Connection:
        """Register a new connection; `address` is "" if only its requests will say whose it is."""
        connection = Connection(channel, self._usage_of(address))
        connection.usage.connections += 1
        self.open[connection] = None
        self._wait(connection)
        if address and connection.usage.connections > connection.usage.max_connections:
            self._make_room(connection, connection.usage.waiting, 429)
        elif len(self.open) - len(self.lingering) - len(self.extra) > self.max_connections:
            self._make_room(connection, self.waiting, 503)
        return connection

    def remove(self, connection: Connection) -> None:
        """Forget a connection that has ended."""
        if connection not in self.open:
            return
        del self.open[connection]
        self._stop_waiting(connection)
        self._end_body(connection)
        self.extra.pop(connection, None)
        self.lingering.pop(connection, None)
        self._end_socket(connection)
        self._release(connection)

    def linger(self, connection: Connection) -> None:
        """Count a refused connection no longer, while it reads its answer."""
        if connection not in self.open or connection.state is ConnectionState.REFUSED:
            return
        self._stop_waiting(connection)
        self._end_body(connection)
        self.extra.pop(connection, None)
        self._end_socket(connection)
        connection.state = ConnectionState.REFUSED
        self._release(connection)
        connection.usage = AddressUsage("", 0)
        self.lingering[connection] = None
        if len(self.lingering) > MAX_LINGERING:
            oldest = next(iter(self.lingering))
            del self.lingering[oldest]
            oldest.channel.abort()

    # Requests ---------------------------------------------------------------------------------------

    def begin_head(self, connection: Connection) -> None:
        """Record the first byte of a request."""
        if connection.state is ConnectionState.IDLE:
            connection.state = ConnectionState.HEAD
            connection.deadline = time.monotonic() + HEAD_TIMEOUT_SECONDS

    def begin_request(self, connection: Connection, address: str, body: BodyMeter | None) -> int:
        """Record a complete head; return the status with which the request is to be refused, 0 for none.

        `address` is the client's, where a proxy has forwarded the request.
        """
        self._stop_waiting(connection)
        if address:
            self._assign(connection, self._usage_of(address))
        connection.state, connection.body = ConnectionState.BUSY, body
        if body:
            connection.state = ConnectionState.BODY
            self.reading_bodies[connection] = None
        is_over_limit = address and connection.usage.connections > connection.usage.max_connections
        return connection.over_limit_status or (429 if is_over_limit else 0)

    def add_body_bytes(self, connection: Connection, count: int) -> int:
        """Count arrived bytes of a body; return the status with which it is to be refused, 0 for none."""
        body, usage = connection.body, connection.usage
        if body is None or connection.state is ConnectionState.REFUSED:
            return 0
        body.add_raw(count)
        connection.held_body_bytes += count
        usage.body_bytes += count
        self.body_bytes += count
        if body.is_too_large():
            return 413
        if usage.body_bytes > MAX_BODY_BYTES_PER_CLIENT:
            return 429
        return 503 if self.body_bytes > MAX_BODY_BYTES else 0

    def record_unread(self, connection: Connection, size: int) -> None:
        """Record how many bytes of its response a client has not taken yet."""
        if size == 0:
            connection.stalled_since = float("inf")
        elif size != connection.unread_bytes:
            connection.stalled_since = time.monotonic()
        connection.unread_bytes = size

    def end_body(self, connection: Connection) -> None:
        """Record that the body is complete, and is held while the request is answered."""
        self.reading_bodies.pop(connection, None)
        connection.body = None
        if connection.state is ConnectionState.BODY:
            connection.state = ConnectionState.BUSY

    def end_request(self, connection: Connection) -> None:
        """Record that a request is answered, and that the connection waits for the next."""
        self._end_body(connection)
        if connection.state is ConnectionState.BUSY:
            connection.state = ConnectionState.IDLE
            connection.deadline = time.monotonic() + KEEP_ALIVE_SECONDS
            self._assign(connection, connection.accepted_for)
            self._wait(connection)

    def begin_socket(self, connection: Connection) -> int:
        """Record that a WebSocket begins; return the status with which it is to be refused, 0 for none."""
        usage = connection.usage
        if usage.address and usage.sockets >= usage.max_sockets:
            return 429
        if self.sockets >= self.max_connections * SOCKET_SHARE:
            return 503
        self._end_body(connection)
        connection.state, self.upgrading = ConnectionState.SOCKET, connection
        self.sockets += 1
        usage.sockets += 1
        return 0

    # Time -------------------------------------------------------------------------------------------

    def sweep(self) -> None:
        """Refuse heads and bodies that take too long, and close idle connections."""
        now = time.monotonic()
        overdue = (one for one in self.waiting if one.deadline < now)
        for connection in list(itertools.islice(overdue, MAX_ENDED_PER_SWEEP)):
            if connection.state is ConnectionState.IDLE:
                connection.channel.close_idle()
            else:
                connection.channel.refuse(connection.over_limit_status or 408)
        for connection in [one for one in self.reading_bodies if one.body and one.body.is_too_slow(now)]:
            connection.channel.refuse(408)

    # Limits -----------------------------------------------------------------------------------------

    def _make_room(self, newcomer: Connection, candidates: dict[Connection, None], status: int) -> None:
        """Close the connection that has waited longest, or let the newcomer ask for /healthz only."""
        longest = next((one for one in candidates if not one.is_extra), newcomer)
        if longest is not newcomer:
            self._evict(longest, status)
            return
        stalled = self._longest_stalled(newcomer.usage if status == 429 else None)
        if stalled is not None:
            stalled.channel.abort()
            self.linger(stalled)
            return
        newcomer.is_extra, newcomer.over_limit_status = True, status
        newcomer.deadline = time.monotonic() + EXTRA_HEAD_TIMEOUT_SECONDS
        self.extra[newcomer] = None
        if len(self.extra) > MAX_EXTRA_CONNECTIONS:
            oldest = next(iter(self.extra))
            oldest.channel.refuse(oldest.over_limit_status)

    def _longest_stalled(self, usage: AddressUsage | None) -> Connection | None:
        """Return the connection of this address, or of all, whose response was not taken for longest."""
        candidates = (one for one in self.open if usage is None or one.usage is usage)
        longest = min(candidates, key=lambda one: one.stalled_since, default=None)
        is_stalled = longest is not None and longest.stalled_since < time.monotonic() - STALLED_SECONDS
        return longest if is_stalled else None

    @staticmethod
    def _evict(connection: Connection, status: int) -> None:
        if connection.state is ConnectionState.IDLE:
            connection.channel.close_idle()
        else:
            connection.channel.refuse(status)

    def _usage_of(self, address: str) -> AddressUsage:
        usage = self.usage_by_address.get(address)
        if usage is None:
            max_connections = max_connections_of(address, self.max_connections, self._max_per_client)
            usage = self.usage_by_address[address] = AddressUsage(address, max_connections)
        return usage

    def _assign(self, connection: Connection, usage: AddressUsage) -> None:
        if usage is not connection.usage:
            self._release(connection)
            connection.usage = usage
            self.usage_by_address.setdefault(usage.address, usage)
            usage.connections += 1

    def _release(self, connection: Connection) -> None:
        usage = connection.usage
        usage.connections -= 1
        if usage.connections <= 0 and self.usage_by_address.get(usage.address) is usage:
            del self.usage_by_address[usage.address]

    def _wait(self, connection: Connection) -> None:
        self.waiting[connection] = connection.usage.waiting[connection] = None

    def _stop_waiting(self, connection: Connection) -> None:
        self.waiting.pop(connection, None)
        connection.usage.waiting.pop(connection, None)

    def _end_socket(self, connection: Connection) -> None:
        if connection.state is ConnectionState.SOCKET:
            self.sockets -= 1
            connection.usage.sockets -= 1

    def _end_body(self, connection: Connection) -> None:
        self.reading_bodies.pop(connection, None)
        self.body_bytes -= connection.held_body_bytes
        connection.usage.body_bytes -= connection.held_body_bytes
        connection.held_body_bytes, connection.body = 0, None
