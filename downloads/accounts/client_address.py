"""IP addresses of clients, behind proxies too."""

import contextlib
import ipaddress
import logging

from django.conf import settings
from django.http import HttpRequest

logger = logging.getLogger(__name__)


def client_address(request: HttpRequest) -> str:
    """Return the address of whoever asks; only what our own proxies say of it is believed.

    Of an IPv6 address the first 64 bits, for a single line has all the others (RFC 6177).
    """
    said = request.headers.get("X-Forwarded-For", "").split(",")
    if 0 < settings.PROXIES <= len(said):
        entry = said[-settings.PROXIES].strip()
        # Some add a port: 192.0.2.1:5678, [2001:db8::1]:5678.
        bare = entry[1:].partition("]")[0] if entry.startswith("[") else entry
        bare = bare.partition(":")[0] if bare.count(":") == 1 else bare
        with contextlib.suppress(ValueError):
            return _normalize_address(bare)
        logger.warning("X-Forwarded-For has %r where the client's address should be", entry[:100])
    with contextlib.suppress(ValueError):
        return _normalize_address(str(request.META.get("REMOTE_ADDR")))
    return ""


def _normalize_address(text: str) -> str:
    found = ipaddress.ip_address(text)
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False).network_address)
