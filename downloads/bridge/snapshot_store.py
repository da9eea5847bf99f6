"""Snapshot store: the hash in Redis that new clients and new leaders read."""

import json
import logging
from collections.abc import Iterator

from downloads.progress.message import InvalidMessage, Progress

logger = logging.getLogger(__name__)


# Write the snapshot store and renew the lease, if it is ours: one atomic step, as a MULTI is.
# KEYS: lease, store. ARGV: token, lease in ms, 1 to begin anew, head or "", number of puts, id, text…, dropped ids…
WRITE_SNAPSHOT_SCRIPT = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
if ARGV[3] == '1' then redis.call('DEL', KEYS[2]) end
local last = 5 + 2 * tonumber(ARGV[5])
for i = last + 1, #ARGV do redis.call('HDEL', KEYS[2], ARGV[i]) end
for i = 6, last, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
if ARGV[4] ~= '' then redis.call('HSET', KEYS[2], '@', ARGV[4]) end
return 1
"""


def parse_stored_entries(stored: dict[bytes, bytes]) -> Iterator[tuple[str, Progress]]:
    """Return the store's entries; one that cannot be read (nobody else writes here) is logged and left out."""
    for video_id, text in stored.items():
        try:
            yield video_id.decode(), Progress.from_json(text)
        except (InvalidMessage, UnicodeDecodeError) as error:
            logger.warning("an entry of the snapshot store cannot be read: %r: %r", video_id, error)


def parse_last_percent(text: bytes) -> float | None:
    """Return the last known percent beside an unknown one; Progress has no field for it."""
    try:
        found = json.loads(text).get("last_percent")
    except (ValueError, AttributeError):
        return None
    return float(found) if isinstance(found, int | float) else None
