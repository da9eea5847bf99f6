"""Policy on the addresses that downloads may reach."""

import ipaddress
import socket
from collections.abc import Callable

from django.conf import settings

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], list[str]]
CONNECT_TIMEOUT_SECONDS = 8.0  # seconds, for each address of a name
CLOUD_METADATA_ADDRESSES = frozenset(
    map(ipaddress.ip_address, ("169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254"))
)
# Prefixes of IPv6 that carry an IPv4 address in their last 32 bits.
IPV4_EMBEDDING_NETWORKS = tuple(
    map(ipaddress.IPv6Network, ("::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "::/96"))
)
TUNNEL_NETWORKS = tuple(map(ipaddress.IPv6Network, ("2002::/16", "2001::/32", "64:ff9b:1::/48")))
GLOBAL_IPV6_NETWORK = ipaddress.IPv6Network("2000::/3")


class AddressForbidden(Exception):
    """This host may not be reached; the message says why."""


class HostUnreachable(Exception):
    """This host cannot be reached; the message says why."""


def is_forbidden(address: str | IPAddress) -> bool:
    """Tell whether downloads must not reach this IP address."""
    return bool(forbidden_reason(address))


def forbidden_reason(address: str | IPAddress) -> str:
    """Return what kind of forbidden IP address this is, such as "a private address"; "" if it may be reached."""
    found = _unwrap_ipv4(ipaddress.ip_address(address))
    if found in CLOUD_METADATA_ADDRESSES:
        return "the metadata address of a cloud"
    if found.is_multicast or found == ipaddress.IPv4Address("255.255.255.255"):
        return "a multicast address"
    return "" if settings.ALLOW_PRIVATE_HOSTS else _not_public_reason(found)


def _unwrap_ipv4(address: IPAddress) -> IPAddress:
    """Return the IPv4 address that an IPv6 one stands for, else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    # :: and ::1 are IPv6's own, not IPv4's.
    if int(address) > 1 and any(address in network for network in IPV4_EMBEDDING_NETWORKS):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _not_public_reason(address: IPAddress) -> str:
    if address.is_loopback or address.is_unspecified:
        return "this machine itself"
    if address.is_link_local:
        return "a link-local address"
    if isinstance(address, ipaddress.IPv6Address):
        is_isatap = (int(address) >> 32) & 0xFDFFFFFF == 0x00005EFE
        if is_isatap or any(address in network for network in TUNNEL_NETWORKS):
            return "a tunnel address"
        return "" if address.is_global and address in GLOBAL_IPV6_NETWORK else "a private address"
    return "" if address.is_global and not address.is_reserved else "a private address"


def resolve_host(host: str, port: int) -> list[str]:
    """Return a host's IP addresses, the preferred first; raise Unreachable."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise HostUnreachable(f"unknown host name {host}") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def connect_to_host(host: str, port: int, resolver: Resolver = resolve_host) -> socket.socket:
    """Connect to one of the host's addresses, all of which were judged; raise Refused or Unreachable."""
    addresses = resolver(host, port)
    for address in addresses:
        if why := forbidden_reason(address):
            raise AddressForbidden(f"{host} is {why}, which downloads may not reach")
    problem = "no address"
    for address in addresses:
        try:
            upstream = socket.create_connection((address, port), CONNECT_TIMEOUT_SECONDS)
        except OSError as error:
            problem = error.strerror or str(error)
            continue
        upstream.settimeout(None)
        return upstream
    raise HostUnreachable(f"{host} does not answer: {problem}")
