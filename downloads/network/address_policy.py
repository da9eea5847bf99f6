"""Policy on the addresses that downloads may reach."""

import ipaddress
import socket
from collections.abc import Callable

from django.conf import settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], list[str]]
CONNECT_TIMEOUT = 8.0  # seconds, for each address of a name
METADATA = frozenset(
    map(ipaddress.ip_address, ("169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254"))
)
# Prefixes of IPv6 that carry an IPv4 address in their last 32 bits.
EMBEDDING = tuple(map(ipaddress.IPv6Network, ("::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "::/96")))
TUNNELS = tuple(map(ipaddress.IPv6Network, ("2002::/16", "2001::/32", "64:ff9b:1::/48")))
GLOBAL_IPV6 = ipaddress.IPv6Network("2000::/3")


class Refused(Exception):
    """This host may not be reached; the message says why."""


class Unreachable(Exception):
    """This host cannot be reached; the message says why."""


def is_forbidden(address: str | Address) -> bool:
    """Tell whether downloads must not reach this IP address."""
    return bool(why_forbidden(address))


def why_forbidden(address: str | Address) -> str:
    """Return what kind of forbidden IP address this is, such as "a private address"; "" if it may be reached."""
    found = _plain(ipaddress.ip_address(address))
    if found in METADATA:
        return "the metadata address of a cloud"
    if found.is_multicast or found == ipaddress.IPv4Address("255.255.255.255"):
        return "a multicast address"
    return "" if settings.ALLOW_PRIVATE_HOSTS else _why_not_public(found)


def _plain(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one stands for, else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    # :: and ::1 are IPv6's own, not IPv4's.
    if int(address) > 1 and any(address in network for network in EMBEDDING):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _why_not_public(address: Address) -> str:
    if address.is_loopback or address.is_unspecified:
        return "this machine itself"
    if address.is_link_local:
        return "a link-local address"
    if isinstance(address, ipaddress.IPv6Address):
        is_isatap = (int(address) >> 32) & 0xFDFFFFFF == 0x00005EFE
        if is_isatap or any(address in network for network in TUNNELS):
            return "a tunnel address"
        return "" if address.is_global and address in GLOBAL_IPV6 else "a private address"
    return "" if address.is_global and not address.is_reserved else "a private address"


def resolve(host: str, port: int) -> list[str]:
    """Return a host's IP addresses, the preferred first; raise Unreachable."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"unknown host name {host}") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def connect(host: str, port: int, resolve: Resolve = resolve) -> socket.socket:
    """Connect to one of the host's addresses, all of which were judged; raise Refused or Unreachable."""
    addresses = resolve(host, port)
    for address in addresses:
        if why := why_forbidden(address):
            raise Refused(f"{host} is {why}, which downloads may not reach")
    problem = "no address"
    for address in addresses:
        try:
            upstream = socket.create_connection((address, port), CONNECT_TIMEOUT)
        except OSError as error:
            problem = error.strerror or str(error)
            continue
        upstream.settimeout(None)
        return upstream
    raise Unreachable(f"{host} does not answer: {problem}")
