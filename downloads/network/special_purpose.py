"""Special-purpose IP addresses, by IANA's registries, and the IPv4 addresses that IPv6 addresses carry.

https://www.iana.org/assignments/iana-ipv4-special-registry and …/iana-ipv6-special-registry, as of 2026. Written out
here, since the `is_global` of Python's ipaddress differs between its versions and omits what tunnels lead to. The few
entries that are "globally reachable" are for network services (anycast relays, AS112), none of which has videos.
"""

import ipaddress
from collections.abc import Iterator

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

PRIVATE, TUNNEL, RESERVED = "a private address", "a tunnel address", "a reserved address"
THIS_MACHINE, LINK_LOCAL, MULTICAST = "this machine itself", "a link-local address", "a multicast address"

# (network, kind); the first that contains an address counts.
SPECIAL_NETWORKS: tuple[tuple[IPNetwork, str], ...] = tuple(
    (ipaddress.ip_network(network), kind)
    for network, kind in (
        ("0.0.0.0/32", THIS_MACHINE),
        ("0.0.0.0/8", RESERVED),  # "this network" (RFC 791)
        ("10.0.0.0/8", PRIVATE),
        ("100.64.0.0/10", PRIVATE),  # carrier-grade NAT (RFC 6598)
        ("127.0.0.0/8", THIS_MACHINE),
        ("169.254.0.0/16", LINK_LOCAL),
        ("172.16.0.0/12", PRIVATE),
        ("192.0.0.0/24", RESERVED),  # IETF protocol assignments, DS-Lite and the PCP and TURN anycast addresses too
        ("192.0.2.0/24", RESERVED),  # documentation, as are 198.51.100.0/24 and 203.0.113.0/24
        ("192.31.196.0/24", RESERVED),  # AS112, as is 192.175.48.0/24
        ("192.52.193.0/24", TUNNEL),  # AMT relays
        ("192.88.99.0/24", TUNNEL),  # 6to4 relays (RFC 3068, deprecated by RFC 7526)
        ("192.168.0.0/16", PRIVATE),
        ("192.175.48.0/24", RESERVED),
        ("198.18.0.0/15", RESERVED),  # benchmarking
        ("198.51.100.0/24", RESERVED),
        ("203.0.113.0/24", RESERVED),
        ("224.0.0.0/4", MULTICAST),
        ("255.255.255.255/32", MULTICAST),  # the limited broadcast
        ("240.0.0.0/4", RESERVED),
        ("::/127", THIS_MACHINE),
        ("64:ff9b:1::/48", TUNNEL),  # NAT64 for local use (RFC 8215)
        ("fe80::/10", LINK_LOCAL),
        ("ff00::/8", MULTICAST),
        ("fc00::/7", PRIVATE),
        ("fec0::/10", PRIVATE),  # site-local (RFC 3879)
        ("100::/63", RESERVED),  # discard-only, and the dummy prefix next to it
        ("5f00::/16", RESERVED),  # SRv6 segment identifiers (RFC 9602)
        ("2001::/32", TUNNEL),  # Teredo
        # IETF protocol assignments: anycast, benchmarking, AMT, AS112, both ORCHIDs, drone remote identification
        ("2001::/23", RESERVED),
        ("2001:db8::/32", RESERVED),  # documentation, as is 3fff::/20
        ("2002::/16", TUNNEL),  # 6to4
        ("2620:4f:8000::/48", RESERVED),  # AS112
        ("3ffe::/16", RESERVED),  # 6bone (RFC 3701)
        ("3fff::/20", RESERVED),
    )
)
# Of IPv6, IANA gives out global unicast addresses from here only (RFC 3587).
GLOBAL_IPV6_NETWORK = ipaddress.IPv6Network("2000::/3")
# IPv6 addresses that stand for an IPv4 address and are judged as that one: IPv4-mapped (RFC 4291) and NAT64 (RFC 6052).
TRANSLATED_NETWORKS = tuple(map(ipaddress.IPv6Network, ("::ffff:0:0/96", "64:ff9b::/96")))
# As TRANSLATED_NETWORKS, the IPv4 address in the last 32 bits: IPv4-compatible (RFC 4291), IPv4-translated (RFC 2765).
COMPATIBLE_NETWORKS = tuple(map(ipaddress.IPv6Network, ("::/96", "::ffff:0:0:0/96")))
TEREDO_NETWORK = ipaddress.IPv6Network("2001::/32")
SIX_TO_FOUR_NETWORK = ipaddress.IPv6Network("2002::/16")
LOCAL_NAT64_NETWORK = ipaddress.IPv6Network("64:ff9b:1::/48")
LOW_32_BITS = 0xFFFFFFFF


def special_purpose(address: IPAddress) -> str:
    """Return the kind of a special-purpose address, such as "a private address"; "" for a public one."""
    if isinstance(address, ipaddress.IPv6Address) and _is_in(address, TRANSLATED_NETWORKS):
        return special_purpose(ipaddress.IPv4Address(int(address) & LOW_32_BITS))
    for network, kind in SPECIAL_NETWORKS:
        if address in network:
            return kind
    if isinstance(address, ipaddress.IPv4Address):
        return ""
    if _is_isatap(address):
        return TUNNEL
    return "" if address in GLOBAL_IPV6_NETWORK else PRIVATE


def equivalent_addresses(address: IPAddress) -> Iterator[IPAddress]:
    """Yield the address, without a network interface (RFC 4007's zone), and the IPv4 addresses that it carries."""
    if isinstance(address, ipaddress.IPv4Address):
        yield address
        return
    number = int(address)
    yield ipaddress.IPv6Address(number)
    for ipv4_number in _carried_numbers(ipaddress.IPv6Address(number)):
        yield ipaddress.IPv4Address(ipv4_number & LOW_32_BITS)


def _carried_numbers(address: ipaddress.IPv6Address) -> Iterator[int]:
    number = int(address)
    # :: and ::1 lie in ::/96 but are IPv6's unspecified and loopback addresses.
    if (number > 1 and _is_in(address, (*TRANSLATED_NETWORKS, *COMPATIBLE_NETWORKS))) or _is_isatap(address):
        yield number
    if address in SIX_TO_FOUR_NETWORK:
        yield number >> 80
    if address in TEREDO_NETWORK:
        yield from (number >> 64, ~number)  # the server, and the client with all bits inverted (RFC 4380, 4)
    if address in LOCAL_NAT64_NETWORK:
        # The IPv4 address is the end of a /96, or stands around bits 64 to 71 of the /48 (RFC 6052, 2.2).
        yield from (number, (number >> 64 & 0xFFFF) << 16 | number >> 40 & 0xFFFF)


def _is_isatap(address: ipaddress.IPv6Address) -> bool:
    """Return whether an address has ISATAP's interface identifier, with or without the universal bit (RFC 5214)."""
    return (int(address) >> 32) & 0xFDFFFFFF == 0x00005EFE


def _is_in(address: ipaddress.IPv6Address, networks: tuple[ipaddress.IPv6Network, ...]) -> bool:
    return any(address in network for network in networks)
