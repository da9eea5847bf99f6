"""Client IP addresses, taken from X-Forwarded-For when `settings.PROXIES` declares reverse proxies."""

import contextlib
import ipaddress

from django.conf import settings
from django.http import HttpRequest

from downloads.outage_log import LogLimiter

bad_headers = LogLimiter(__name__)


def get_client_address(request: HttpRequest) -> str:
    """Return the client's IP address, "" if it is unknown; only entries added by our own proxies are trusted.

    An IPv6 address is reduced to its /64 network, since one subscriber gets at least that much (RFC 6177).
    """
    return find_client_address(request.headers.get("X-Forwarded-For", ""), str(request.META.get("REMOTE_ADDR")))


def find_client_address(forwarded_for: str, peer: str) -> str:
    """Return the client's address from X-Forwarded-For and the address at the other end of the connection."""
    entries = forwarded_for.split(",")
    if 0 < settings.PROXIES <= len(entries):
        entry = entries[-settings.PROXIES].strip()
        # Some proxies add a port: 192.0.2.1:5678, [2001:db8::1]:5678.
        address = entry[1:].partition("]")[0] if entry.startswith("[") else entry
        address = address.partition(":")[0] if address.count(":") == 1 else address
        with contextlib.suppress(ValueError):
            return normalize_address(address)
        if entry:
            message = "X-Forwarded-For holds %s in place of the client's address"
            bad_headers.warning("entry", message, ascii(entry[:100]))
    with contextlib.suppress(ValueError):
        return normalize_address(peer)
    return ""


def normalize_address(text: str) -> str:
    """Return an IPv4 address as it is, an IPv6 address as its /64 network; raise ValueError for anything else."""
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False).network_address)
