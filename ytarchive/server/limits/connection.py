"""A connection and the usage of its client address, as counted for the limits."""

import enum
import time
from typing import Protocol

from ytarchive.server.limits.bodies import BodyMeter

HEAD_TIMEOUT_SECONDS = 15.0  # from the first byte of a request, or the beginning of the connection
DEFAULT_MAX_CONNECTIONS_PER_CLIENT = 256
# This machine's own programs, and its proxy that YTARCHIVE_PROXIES does not declare, which sends all visitors from
# here. ::1 is written as a network (client_address.py).
LOCAL_ADDRESSES = ("127.0.0.1", "::")
LOCAL_SHARE = 0.75  # of all connections; the rest is for others
# Of its connections, one client may have so many WebSockets; the rest is for pages.
SOCKET_SHARE = 0.75


class Channel(Protocol):
    """The protocol of a connection, as far as limits need it."""

    def refuse(self, status: int) -> None:
        """Answer with this status, and close."""

    def close_idle(self) -> None:
        """Close a connection on which no request is in progress."""

    def abort(self) -> None:
        """Close at once."""

    def release_request(self) -> None:
        """Let go of the request of a connection that has become a WebSocket."""


class ConnectionState(enum.Enum):
    """State of a connection."""

    IDLE = enum.auto()  # between two requests
    HEAD = enum.auto()
    BODY = enum.auto()
    BUSY = enum.auto()  # its request is being answered
    SOCKET = enum.auto()
    REFUSED = enum.auto()


class AddressUsage:
    """Connections and buffered bytes of one client address; of unknown ones, such as those of a proxy, together."""

    __slots__ = (
        "address",
        "body_bytes",
        "connections",
        "frames",
        "max_connections",
        "sockets",
        "waiting",
        "window_start",
    )

    def __init__(self, address: str, max_connections: int) -> None:
        self.address = address
        self.max_connections = max_connections
        self.connections = self.sockets = self.body_bytes = self.frames = 0
        self.window_start = 0.0
        self.waiting: dict[Connection, None] = {}

    @property
    def label(self) -> str:
        """The address for the log; those of IPv6 are networks."""
        return f"{self.address}/64" if ":" in self.address else self.address

    @property
    def max_sockets(self) -> int:
        """The most WebSockets of this address."""
        return max(1, int(self.max_connections * SOCKET_SHARE))


def max_connections_of(address: str, max_connections: int, max_per_client: int) -> int:
    """Return how many of `max_connections` an address may have; `max_per_client` is 0 where nobody has set it."""
    if not max_per_client and address in LOCAL_ADDRESSES:
        return max(1, int(max_connections * LOCAL_SHARE))
    return min(max_per_client or DEFAULT_MAX_CONNECTIONS_PER_CLIENT, max_connections)


class Connection:
    """One connection, counted in the usage of its client address."""

    __slots__ = (
        "accepted_for",
        "body",
        "channel",
        "deadline",
        "held_body_bytes",
        "is_extra",
        "over_limit_status",
        "stalled_since",
        "state",
        "unread_bytes",
        "usage",
    )

    def __init__(self, channel: Channel, usage: AddressUsage) -> None:
        self.channel = channel
        self.usage = self.accepted_for = usage
        self.state = ConnectionState.HEAD
        self.deadline = time.monotonic() + HEAD_TIMEOUT_SECONDS
        self.is_extra = False
        self.over_limit_status = 0  # with which everything but /healthz is refused
        self.body: BodyMeter | None = None
        self.held_body_bytes = self.unread_bytes = 0
        self.stalled_since = float("inf")
