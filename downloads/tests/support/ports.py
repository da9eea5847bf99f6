"""Ports for servers that tests start, which no other process takes between the choice and the start."""

import itertools
import socket
from functools import cache
from pathlib import Path

FIRST_PORT = 12_000
PORTS_PER_PROCESS = 100
_claims: list[socket.socket] = []


def free_port() -> int:
    """Return a port on which no process listens, on any address of IPv4 and IPv6.

    The system gives none of these to a listener on port 0, nor to a connection to somewhere else, and each process of
    the tests has ports of its own.
    """
    for port in itertools.islice(_ports_of_this_process(), PORTS_PER_PROCESS):
        if _is_free(port):
            return port
    raise RuntimeError(f"All {PORTS_PER_PROCESS} ports of this process are in use.")


@cache
def _ports_of_this_process() -> "itertools.cycle[int]":
    end = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for first in range(FIRST_PORT, end - PORTS_PER_PROCESS, PORTS_PER_PROCESS):
        if _claim(first):
            return itertools.cycle(range(first, first + PORTS_PER_PROCESS))
    raise RuntimeError(f"All ports from {FIRST_PORT} to {end} are taken by other runs of the tests.")


def _claim(first_port: int) -> bool:
    """Take a name in the system's abstract namespace until this process ends; say whether nobody had it."""
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0ytarchive-tests-port-{first_port}")
    except OSError:
        claim.close()
        return False
    _claims.append(claim)
    return True


def _is_free(port: int) -> bool:
    family, address = (socket.AF_INET6, "::") if socket.has_dualstack_ipv6() else (socket.AF_INET, "")
    with socket.socket(family) as candidate:
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            candidate.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        try:
            candidate.bind((address, port))
        except OSError:
            return False
    return True
