"""Policy on the IP addresses that downloads may reach: public ones, and private ones if ALLOW_PRIVATE_HOSTS is set.

The public addresses of this machine and of its neighbours count as private; BLOCKED_NETWORKS are never reached.
"""

import ipaddress
import socket
from collections.abc import Callable

from django.conf import settings

from downloads.network import own_networks
from downloads.network.special_purpose import MULTICAST, IPAddress, equivalent_addresses, special_purpose

Resolver = Callable[[str, int], list[str]]
CONNECT_TIMEOUT_SECONDS = 8.0  # for each address of a host
# What clouds tell their machines, passwords too: AWS, Azure, Google, Alibaba, Oracle, Scaleway. Some look public.
CLOUD_METADATA_ADDRESSES = frozenset(
    map(
        ipaddress.ip_address,
        (
            *("169.254.169.254", "169.254.170.2", "169.254.170.23", "169.254.42.42", "100.100.100.200"),
            *("168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:42::42"),
        ),
    )
)


class AddressForbidden(Exception):
    """The policy forbids this host; the message has the reason."""


class HostUnreachable(Exception):
    """The host has no address or does not answer; the message has the reason."""


def is_forbidden(address: str | IPAddress) -> bool:
    """Return True if downloads must not reach this IP address."""
    return bool(forbidden_reason(address))


def forbidden_reason(address: str | IPAddress) -> str:
    """Return the kind of a forbidden IP address, such as "a private address"; "" if the address is allowed.

    An IPv6 address is also forbidden if an IPv4 address that it carries is.
    """
    ip_address = ipaddress.ip_address(address)
    equivalents = list(equivalent_addresses(ip_address))
    if any(equivalent in CLOUD_METADATA_ADDRESSES for equivalent in equivalents):
        return "the metadata address of a cloud"
    if any(equivalent in network for equivalent in equivalents for network in settings.BLOCKED_NETWORKS):
        return "in a network that the archive's settings block"
    kind = special_purpose(ip_address)
    if kind == MULTICAST or settings.ALLOW_PRIVATE_HOSTS:
        return MULTICAST if kind == MULTICAST else ""
    return kind or next(filter(None, map(own_networks.find_kind, equivalents)), "")


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
