"""Snapshot store: the hash in Redis that new clients and new leaders read."""

import dataclasses
import json
import logging
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from downloads.bridge.lease import LeadershipLost, Lease
from downloads.progress.keys import LEADER_KEY, SNAPSHOT_HEAD_FIELD, SNAPSHOT_KEY
from downloads.progress.message import InvalidMessage, Progress

logger = logging.getLogger(__name__)

# Write the snapshot store and renew the lease, if it is ours: one atomic step, as a MULTI is. The head gets the time
# by Redis' clock, which all machines share.
# KEYS: lease, store. ARGV: token, lease in ms, 1 to replace the store, head or "", number of updates, id, text…,
# removed ids…
WRITE_SNAPSHOT_SCRIPT = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
if ARGV[3] == '1' then redis.call('DEL', KEYS[2]) end
local last = 5 + 2 * tonumber(ARGV[5])
for i = last + 1, #ARGV do redis.call('HDEL', KEYS[2], ARGV[i]) end
for i = 6, last, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
if ARGV[4] ~= '' then
  local now = redis.call('TIME')
  local at = string.format('{"at":%d.%03d', now[1], math.floor(now[2] / 1000))
  local separator = ARGV[4] == '{}' and '' or ','
  redis.call('HSET', KEYS[2], '@', at .. separator .. string.sub(ARGV[4], 2))
end
return 1
"""


@dataclasses.dataclass(frozen=True, slots=True)
class StoredSnapshot:
    """Contents of the store that an earlier epoch has left."""

    has_head: bool  # False: Redis has lost its data, or no bridge has led yet
    progress: dict[str, Progress]
    last_percents: dict[str, float]


class SnapshotStore:
    """The newest progress text of every active video, and a head; only the holder of the lease writes."""

    def __init__(self, redis_client: Any, lease: Lease) -> None:
        self._redis_client = redis_client
        self._lease = lease

    async def load(self) -> StoredSnapshot:
        """Load the stored snapshot."""
        fields: dict[bytes, bytes] = await self._redis_client.hgetall(SNAPSHOT_KEY)
        has_head = fields.pop(SNAPSHOT_HEAD_FIELD.encode(), None) is not None
        progress = dict(_parse_entries(fields))
        last_percents = {
            name.decode("utf-8", "replace"): percent
            for name, text in fields.items()
            if (percent := _parse_last_percent(text)) is not None
        }
        return StoredSnapshot(has_head, progress, last_percents)

    async def write(
        self, *, head: str, updates: Mapping[str, str], removed_ids: Collection[str], replace: bool = False
    ) -> None:
        """Write one batch's changes and renew the lease, atomically; raise LeadershipLost if it is not ours."""
        started_at = self._lease.clock()
        id_and_text_pairs = [argument for pair in updates.items() for argument in pair]
        if not await self._redis_client.eval(
            WRITE_SNAPSHOT_SCRIPT,
            2,
            LEADER_KEY,
            SNAPSHOT_KEY,
            self._lease.token,
            self._lease.duration_ms,
            int(replace),
            head,
            len(updates),
            *id_and_text_pairs,
            *removed_ids,
        ):
            raise LeadershipLost("Another bridge leads")
        self._lease.mark_renewed(started_at)

    async def list_ids(self) -> set[str]:
        """Return the ids of the stored videos; raise LeadershipLost if the store was emptied."""
        fields = {name.decode("utf-8", "replace") for name in await self._redis_client.hkeys(SNAPSHOT_KEY)}
        if SNAPSHOT_HEAD_FIELD not in fields:
            raise LeadershipLost("The snapshot store was emptied")
        return fields - {SNAPSHOT_HEAD_FIELD}


def _parse_entries(fields: Mapping[bytes, bytes]) -> Iterator[tuple[str, Progress]]:
    """Yield the store's entries; an unreadable one (only bridges write here) is logged and left out."""
    for video_id, text in fields.items():
        try:
            yield video_id.decode(), Progress.from_json(text)
        except (InvalidMessage, UnicodeDecodeError) as error:
            logger.warning("unreadable entry in the snapshot store: %r: %r", video_id, error)


def _parse_last_percent(text: bytes) -> float | None:
    """Return the last known percent beside an unknown one; Progress has no field for it."""
    try:
        percent = json.loads(text).get("last_percent")
    except (ValueError, AttributeError):
        return None
    return float(percent) if isinstance(percent, int | float) else None
