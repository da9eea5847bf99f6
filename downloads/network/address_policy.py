"""Policy on the IP addresses that downloads may reach: public ones, and private ones if ALLOW_PRIVATE_HOSTS is set."""

import ipaddress
import socket
from collections.abc import Callable

from django.conf import settings

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], list[str]]
CONNECT_TIMEOUT_SECONDS = 8.0  # for each address of a host
CLOUD_METADATA_ADDRESSES = frozenset(
    map(ipaddress.ip_address, ("169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254"))
)
# IPv6 networks whose addresses carry an IPv4 address in their last 32 bits: IPv4-mapped and IPv4-compatible
# (RFC 4291), IPv4-translated (RFC 2765), and NAT64 (RFC 6052).
IPV4_EMBEDDING_NETWORKS = tuple(
    map(ipaddress.IPv6Network, ("::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "::/96"))
)
# 6to4 (RFC 3056), Teredo (RFC 4380), and NAT64 for local use (RFC 8215).
TUNNEL_NETWORKS = tuple(map(ipaddress.IPv6Network, ("2002::/16", "2001::/32", "64:ff9b:1::/48")))
GLOBAL_IPV6_NETWORK = ipaddress.IPv6Network("2000::/3")


class AddressForbidden(Exception):
    """The policy forbids this host; the message has the reason."""


class HostUnreachable(Exception):
    """The host has no address or does not answer; the message has the reason."""


def is_forbidden(address: str | IPAddress) -> bool:
    """Return True if downloads must not reach this IP address."""
    return bool(forbidden_reason(address))


def forbidden_reason(address: str | IPAddress) -> str:
    """Return the kind of a forbidden IP address, such as "a private address"; "" if the address is allowed."""
    ip_address = _unwrap_ipv4(ipaddress.ip_address(address))
    if ip_address in CLOUD_METADATA_ADDRESSES:
        return "the metadata address of a cloud"
    if ip_address.is_multicast or ip_address == ipaddress.IPv4Address("255.255.255.255"):
        return "a multicast address"
    return "" if settings.ALLOW_PRIVATE_HOSTS else _not_public_reason(ip_address)


def _unwrap_ipv4(address: IPAddress) -> IPAddress:
    """Return the IPv4 address embedded in an IPv6 address, else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    # :: and ::1 lie in ::/96 but are IPv6's unspecified and loopback addresses.
    if int(address) > 1 and any(address in network for network in IPV4_EMBEDDING_NETWORKS):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _not_public_reason(address: IPAddress) -> str:
    if address.is_loopback or address.is_unspecified:
        return "this machine itself"
    if address.is_link_local:
        return "a link-local address"
    if isinstance(address, ipaddress.IPv6Address):
        # The interface identifier of ISATAP, with or without the universal bit (RFC 5214).
        is_isatap = (int(address) >> 32) & 0xFDFFFFFF == 0x00005EFE
        if is_isatap or any(address in network for network in TUNNEL_NETWORKS):
            return "a tunnel address"
        return "" if address.is_global and address in GLOBAL_IPV6_NETWORK else "a private address"
    return "" if address.is_global and not address.is_reserved else "a private address"


def resolve_host(host: str, port: int) -> list[str]:
    """Return the IP addresses of a host, in the resolver's order of preference; raise HostUnreachable."""
    try:
        address_infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno == socket.EAI_AGAIN:  # the name server does not answer: the name may well exist
            raise HostUnreachable(f"the host name {host} cannot be looked up now") from error
        raise HostUnreachable(f"unknown host name {host}") from error
    except (OSError, UnicodeError) as error:
        raise HostUnreachable(f"unknown host name {host}") from error
    return list(dict.fromkeys(str(socket_address[0]) for *_, socket_address in address_infos))


def connect_to_host(host: str, port: int, resolver: Resolver = resolve_host) -> socket.socket:
    """Connect to the first address of the host that answers; raise AddressForbidden or HostUnreachable.

    One forbidden address forbids the host. The name is resolved once, so the address connected to is one that
    was checked (DNS rebinding).
    """
    addresses = resolver(host, port)
    for address in addresses:
        if reason := forbidden_reason(address):
            raise AddressForbidden(f"{host} is {reason}, which downloads may not reach")
    last_error = "no address"
    for address in addresses:
        try:
            upstream = socket.create_connection((address, port), CONNECT_TIMEOUT_SECONDS)
        except OSError as error:
            last_error = error.strerror or str(error)
            continue
        upstream.settimeout(None)
        return upstream
    raise HostUnreachable(f"{host} does not answer: {last_error}")
