"""Lease and SnapshotStore: only the holder of the lease writes, and each write renews it."""

from collections.abc import AsyncIterator

import pytest
import redis.asyncio

from downloads.bridge.lease import BRIDGE_LEASE_SECONDS, LeadershipLost, Lease
from downloads.bridge.snapshot_store import SnapshotStore
from downloads.progress.keys import LEADER_KEY, SNAPSHOT_KEY


class Clock:
    """A clock that the test advances."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def client(redis_server) -> AsyncIterator[redis.asyncio.Redis]:
    client = redis.asyncio.Redis.from_url(redis_server.url)
    yield client
    await client.aclose()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lease(client, clock) -> Lease:
    return Lease(client, clock)


@pytest.fixture
def store(client, lease) -> SnapshotStore:
    return SnapshotStore(client, lease)


async def test_a_lease_held_by_another_bridge_is_not_acquired(client, clock, lease):
    other = Lease(client, clock)
    assert await other.acquire()
    assert not await lease.acquire()
    assert not lease.is_held
    await lease.release()  # held by the other bridge: it stays
    assert await client.get(LEADER_KEY) == other.token.encode()
    await other.release()
    assert await lease.acquire()
    assert lease.is_held


@pytest.mark.parametrize("remaining_ms", [10_000, 86_400_000, None])
async def test_a_lease_longer_than_any_is_taken(client, clock, lease, remaining_ms):
    await client.set(LEADER_KEY, "dead", px=remaining_ms)  # Redis' clock was set back, or somebody wrote this
    assert await lease.acquire()
    assert 0 < await client.pttl(LEADER_KEY) <= BRIDGE_LEASE_SECONDS * 1000


async def test_a_lease_expires_here_without_asking_redis(clock, lease):
    assert not lease.is_held
    assert await lease.acquire()
    clock.now += BRIDGE_LEASE_SECONDS
    assert not lease.is_held


async def test_a_lease_of_an_earlier_epoch_counts_as_acquired(client, lease):
    assert await lease.acquire()
    await client.pexpire(LEADER_KEY, 60_000)
    assert await lease.acquire()
    assert await client.pttl(LEADER_KEY) > BRIDGE_LEASE_SECONDS * 1000, "the first write renews it, not this"


async def test_a_write_renews_the_lease(client, clock, lease, store):
    assert await lease.acquire()
    await client.pexpire(LEADER_KEY, 500)
    clock.now += BRIDGE_LEASE_SECONDS
    await store.write(head='{"seq":1}', updates={"a": "{}"}, removed_ids=[])
    assert lease.is_held
    assert await client.pttl(LEADER_KEY) > 1000


async def test_a_write_without_the_lease_changes_nothing(client, lease, store):
    assert await lease.acquire()
    await client.set(LEADER_KEY, "another")
    with pytest.raises(LeadershipLost, match="Another bridge leads"):
        await store.write(head="{}", updates={"a": "{}"}, removed_ids=[])
    assert not await client.exists(SNAPSHOT_KEY)


async def test_it_loads_what_was_written(client, lease, store):
    assert await lease.acquire()
    assert not (await store.load()).has_head
    text = '{"percent":null,"last_percent":42,"total_bytes":7}'
    await store.write(head="{}", updates={"a": text, "b": '{"percent":1}'}, removed_ids=[])
    await store.write(head="{}", updates={"c": '{"percent":2}'}, removed_ids=["b"])
    await client.hset(SNAPSHOT_KEY, b"\xff", b"not ours")
    stored = await store.load()
    assert stored.has_head
    assert {video_id: progress.percent for video_id, progress in stored.progress.items()} == {"a": None, "c": 2.0}
    assert stored.last_percents == {"a": 42.0}
    await store.write(head="{}", updates={"d": "{}"}, removed_ids=[], replace=True)
    assert await store.list_ids() == {"d"}


async def test_it_notices_that_the_store_was_emptied(client, lease, store):
    assert await lease.acquire()
    await store.write(head="{}", updates={"a": "{}"}, removed_ids=[])
    await client.delete(SNAPSHOT_KEY)
    with pytest.raises(LeadershipLost, match="emptied"):
        await store.list_ids()
