"""Memory of responses and frames that clients do not take, in all and of one client."""

from collections import defaultdict
from typing import Any

from downloads.fanout import hub
from downloads.progress.counters import REQUESTS_REFUSED_PREFIX
from ytarchive.server.http.response_stream import write_buffer_size
from ytarchive.server.limits.answers import count_refusal, refusal_counts
from ytarchive.server.limits.connection import Connection
from ytarchive.server.limits.connection_registry import ConnectionRegistry

MAX_UNREAD_BYTES = 128 * 1024 * 1024
MAX_UNREAD_BYTES_PER_CLIENT = 48 * 1024 * 1024


def abort_unread(registry: ConnectionRegistry) -> None:
    """Abort the connections with the most unread bytes, of clients with too many and then of all."""
    by_client: dict[str, list[tuple[int, Connection]]] = defaultdict(list)
    for connection in registry.open:
        size = write_buffer_size(_transport(connection))
        registry.record_unread(connection, size)
        if size:
            by_client[connection.usage.address].append((size, connection))
    for address, pending in by_client.items():
        if address:
            by_client[address] = _abort_until(pending, MAX_UNREAD_BYTES_PER_CLIENT)
    _abort_until([one for pending in by_client.values() for one in pending], MAX_UNREAD_BYTES)


def _abort_until(pending: list[tuple[int, Connection]], limit: int) -> list[tuple[int, Connection]]:
    """Abort the largest until the rest is within the limit; return the rest."""
    unread_bytes = sum(size for size, _ in pending)
    if unread_bytes <= limit:
        return pending
    rest = sorted(pending, key=lambda one: one[0])
    while rest and unread_bytes > limit:
        size, connection = rest.pop()
        unread_bytes -= size
        count_refusal(503, connection.usage.label)
        connection.channel.abort()
    return rest


def _transport(connection: Connection) -> Any:
    return getattr(connection.channel, "transport", None)


def report_refusals() -> None:
    """Add what was refused to the counters of this process."""
    if refusal_counts:
        counts = hub.get_hub().counters.counts
        for status, count in refusal_counts.items():
            counts[REQUESTS_REFUSED_PREFIX + status] += count
        refusal_counts.clear()
