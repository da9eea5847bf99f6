"""Networks of this machine: its own addresses, those of its neighbours, and its routers, whatever addresses they have.

Read from the kernel by netlink (rtnetlink(7)), which needs no privilege and no package, and works in containers. Where
the kernel has none (macOS) or refuses it, only this machine's own addresses are known, by the route to them.
"""

import contextlib
import dataclasses
import ipaddress
import logging
import socket
import struct
import threading
import time
from collections.abc import Iterator

from downloads.network.special_purpose import THIS_MACHINE, IPAddress, IPNetwork

logger = logging.getLogger(__name__)

NEIGHBOUR, ROUTER = "an address of this machine's own network", "a router of this machine's network"
REFRESH_SECONDS = 2.0
REFRESH_COST_FACTOR = 50  # a machine with very many routes reads them less often: 2 % of its time at most
DUMP_TIMEOUT_SECONDS = 2.0
RECEIVE_BUFFER_BYTES = 64 * 1024
# A shorter prefix is no network of neighbours but a route to all the world without a gateway, as of some providers.
MIN_PREFIX_LENGTH = {4: 8, 6: 16}

RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE = 18, 22, 26
NLMSG_ERROR, NLMSG_DONE = 2, 3
NLM_F_REQUEST_DUMP = 0x301
IFLA_IFNAME, IFA_ADDRESS, IFA_LOCAL, IFA_BROADCAST = 3, 1, 2, 4
RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_MULTIPATH, RTA_VIA = 1, 4, 5, 9, 18
RTN_UNICAST, RTN_LOCAL, RTN_BROADCAST, RTN_ANYCAST = 1, 2, 3, 4
IFF_POINTOPOINT = 0x10
TYPE_MASK = 0x3FFF  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER
IP_VERSIONS = {int(socket.AF_INET): 4, int(socket.AF_INET6): 6}
# struct nlmsghdr, rtattr, ifaddrmsg, rtmsg, ifinfomsg and rtnexthop
MESSAGE_HEADER, ATTRIBUTE_HEADER = struct.Struct("=IHHII"), struct.Struct("=HH")
ADDRESS_HEADER, ROUTE_HEADER = struct.Struct("=BBBBI"), struct.Struct("=BBBBBBBBI")
LINK_HEADER, NEXT_HOP_HEADER = struct.Struct("=BxHiII"), struct.Struct("=HBBi")


@dataclasses.dataclass(frozen=True)
class OwnNetworks:
    """This machine's addresses, and the networks that it reaches without a router, each with its kind."""

    networks: tuple[tuple[IPNetwork, str], ...]

    def find_kind(self, address: IPAddress) -> str:
        """Describe an address by its relation to this machine; "" for one outside its networks."""
        return next((kind for network, kind in self.networks if address in network), "")


class _Cache:
    """The networks as last read; read again after REFRESH_SECONDS, since interfaces come and go."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._networks: OwnNetworks | None = None
        self._expires_at = 0.0
        self._is_failing = False

    def get(self) -> OwnNetworks | None:
        """Return the networks; None where the kernel does not tell them."""
        with self._lock:
            started_at = time.monotonic()
            if started_at >= self._expires_at:
                self._networks = self._read()
                now = time.monotonic()
                self._expires_at = now + max(REFRESH_SECONDS, REFRESH_COST_FACTOR * (now - started_at))
            return self._networks

    def clear(self) -> None:
        """Read the networks again at the next call."""
        self._expires_at = 0.0

    def _read(self) -> OwnNetworks | None:
        try:
            networks = read_own_networks()
        except (OSError, AttributeError, ValueError, struct.error) as error:
            if not self._is_failing:
                logger.warning(
                    "This system does not tell which networks it is in (%s): downloads may reach its neighbours that "
                    "have public addresses. YTARCHIVE_BLOCKED_NETWORKS can name them.",
                    error,
                )
            self._is_failing = True
            return self._networks
        self._is_failing = False
        return networks


_cache = _Cache()
clear_cache = _cache.clear


def find_kind(address: IPAddress) -> str:
    """Return "this machine itself", or what else an address is to it; "" for one outside its networks."""
    networks = _cache.get()
    if networks is not None:
        return networks.find_kind(address)
    return THIS_MACHINE if _is_own_by_route(address) else ""


def read_own_networks() -> OwnNetworks:
    """Read all interfaces' addresses, and all routes to neighbours; raise OSError where the kernel does not tell."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
        netlink.settimeout(DUMP_TIMEOUT_SECONDS)
        peer_indexes = set(_parse_point_to_point(_dump(netlink, RTM_GETLINK)))
        addresses = list(_parse_addresses(_dump(netlink, RTM_GETADDR)))
        routes = list(_parse_routes(_dump(netlink, RTM_GETROUTE), peer_indexes))
    order = {THIS_MACHINE: 0, ROUTER: 1, NEIGHBOUR: 2}
    return OwnNetworks(tuple(sorted({*addresses, *routes}, key=lambda item: (order[item[1]], str(item[0])))))


def _is_own_by_route(address: IPAddress) -> bool:
    """Return whether the kernel would send from this address to itself, which it does to its own. Sends nothing."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((str(address), 9))
        return bool(ipaddress.ip_address(probe.getsockname()[0]) == address)
    return False


# Messages of netlink ---------------------------------------------------------------------------------


def _dump(netlink: socket.socket, kind: int) -> Iterator[bytes]:
    """Yield the payload of each message that answers a request for all objects of a kind."""
    body = LINK_HEADER.pack(socket.AF_UNSPEC, 0, 0, 0, 0) if kind == RTM_GETLINK else ROUTE_HEADER.pack(*[0] * 9)
    header = MESSAGE_HEADER.pack(MESSAGE_HEADER.size + len(body), kind, NLM_F_REQUEST_DUMP, kind, 0)
    netlink.sendto(header + body, (0, 0))
    while True:
        data = netlink.recv(RECEIVE_BUFFER_BYTES)
        offset = 0
        while offset + MESSAGE_HEADER.size <= len(data):
            length, message_type, _, sequence, _ = MESSAGE_HEADER.unpack_from(data, offset)
            payload = data[offset + MESSAGE_HEADER.size : offset + length]
            if message_type == NLMSG_ERROR:
                raise OSError(-struct.unpack_from("=i", payload)[0], "netlink refused the request")
            if message_type == NLMSG_DONE:
                return
            if sequence == kind:
                yield payload
            offset += _aligned(length, MESSAGE_HEADER.size)


def _parse_attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while offset + ATTRIBUTE_HEADER.size <= len(data):
        length, kind = ATTRIBUTE_HEADER.unpack_from(data, offset)
        yield kind & TYPE_MASK, data[offset + ATTRIBUTE_HEADER.size : offset + length]
        offset += _aligned(length, ATTRIBUTE_HEADER.size)


def _aligned(length: int, header_length: int) -> int:
    return max(header_length, (length + 3) & ~3)


def _parse_point_to_point(messages: Iterator[bytes]) -> Iterator[int]:
    """Yield the indexes of interfaces with one peer, such as WireGuard's: a route there says nothing of neighbours."""
    for message in messages:
        _, _, index, flags, _ = LINK_HEADER.unpack_from(message)
        if flags & IFF_POINTOPOINT:
            yield index


def _parse_addresses(messages: Iterator[bytes]) -> Iterator[tuple[IPNetwork, str]]:
    for message in messages:
        family, prefix_length, *_ = ADDRESS_HEADER.unpack_from(message)
        attributes = dict(_parse_attributes(message[ADDRESS_HEADER.size :]))
        if family not in IP_VERSIONS:
            continue
        # Of an interface with one peer, IFA_ADDRESS is the peer's; of any other it is the own one.
        own = attributes.get(IFA_LOCAL) or attributes.get(IFA_ADDRESS)
        if own:
            yield ipaddress.ip_network(own), THIS_MACHINE
        for kind in (IFA_ADDRESS, IFA_BROADCAST):
            if address := attributes.get(kind):
                yield ipaddress.ip_network(address), NEIGHBOUR
        if attributes.get(IFA_ADDRESS):
            yield from _neighbours(attributes[IFA_ADDRESS], prefix_length)


def _parse_routes(messages: Iterator[bytes], peer_indexes: set[int]) -> Iterator[tuple[IPNetwork, str]]:
    for message in messages:
        family, prefix_length, _, _, _, _, _, kind, _ = ROUTE_HEADER.unpack_from(message)
        if family not in IP_VERSIONS:
            continue
        attributes = dict(_parse_attributes(message[ROUTE_HEADER.size :]))
        gateways = list(_parse_gateways(attributes))
        yield from ((ipaddress.ip_network(gateway), ROUTER) for gateway in gateways)
        destination = attributes.get(RTA_DST)
        if destination is None:
            continue
        if kind in (RTN_LOCAL, RTN_BROADCAST, RTN_ANYCAST):
            yield from _networks(destination, prefix_length, THIS_MACHINE if kind == RTN_LOCAL else NEIGHBOUR)
        elif kind == RTN_UNICAST and not gateways and _interface_index(attributes) not in peer_indexes:
            yield from _neighbours(destination, prefix_length)


def _parse_gateways(attributes: dict[int, bytes]) -> Iterator[bytes]:
    """Yield the gateways of a route, those of each of its paths too."""
    if gateway := attributes.get(RTA_GATEWAY):
        yield gateway
    if via := attributes.get(RTA_VIA):
        yield via[2:]  # behind the family: an IPv4 route by an IPv6 router
    data = attributes.get(RTA_MULTIPATH, b"")
    while len(data) >= NEXT_HOP_HEADER.size:
        length = NEXT_HOP_HEADER.unpack_from(data)[0]
        yield from _parse_gateways(dict(_parse_attributes(data[NEXT_HOP_HEADER.size : length])))
        data = data[_aligned(length, NEXT_HOP_HEADER.size) :]


def _interface_index(attributes: dict[int, bytes]) -> int:
    return int(struct.unpack("=i", attributes[RTA_OIF])[0]) if RTA_OIF in attributes else 0


def _neighbours(address: bytes, prefix_length: int) -> Iterator[tuple[IPNetwork, str]]:
    return _networks(address, prefix_length, NEIGHBOUR)


def _networks(address: bytes, prefix_length: int, kind: str) -> Iterator[tuple[IPNetwork, str]]:
    network = ipaddress.ip_network((address, prefix_length), strict=False)
    if prefix_length >= MIN_PREFIX_LENGTH[network.version]:
        yield network, kind
