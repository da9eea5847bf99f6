"""Epoch: each batch is written to the snapshot store before it is sent; the next epoch gets a Handover."""

import asyncio
from collections import OrderedDict
from typing import Any

import pytest

from downloads.bridge.epoch import Epoch, EpochContext, Handover
from downloads.bridge.lease import LeadershipLost, Lease
from downloads.bridge.snapshot_store import StoredSnapshot
from downloads.bridge.video_state import VideoState
from downloads.bridge.worker_presence import WorkerPresence
from downloads.progress.batch import Batch
from downloads.progress.counters import Counters
from downloads.progress.message import Progress


class Store:
    """A snapshot store that records its writes in the list of the batches sent."""

    def __init__(self, calls: list[str]) -> None:
        self.calls = calls
        self.has_head = True
        self.error: Exception | None = None

    async def load(self) -> StoredSnapshot:
        return StoredSnapshot(self.has_head, {"stored": Progress(percent=5.0)}, {})

    async def write(self, **arguments: Any) -> None:
        if self.error:
            raise self.error
        self.calls.append(f"write {sorted(arguments['updates'])}")


class Rows:
    """A database without rows, whose newest event is 9."""

    def __init__(self) -> None:
        self.revs_read: list[int | None] = []

    async def fetch_events_since(self, after_rev: int | None) -> tuple[int, set[str]]:
        self.revs_read.append(after_rev)
        return 9, set()

    async def fetch_rows_to_reconcile(self, *ids: Any) -> list[Any]:
        return []


@pytest.fixture
def calls() -> list[str]:
    return []


@pytest.fixture
def store(calls) -> Store:
    return Store(calls)


@pytest.fixture
def rows() -> Rows:
    return Rows()


@pytest.fixture
def context(calls, store, rows) -> EpochContext:
    def clock() -> float:
        return 100.0

    async def send(batch: Batch) -> None:
        calls.append(f"send {batch.seq}")

    parts: dict[str, Any] = {"redis_client": None, "snapshot_store": store, "row_reader": rows}
    return EpochContext(
        **parts,
        worker_presence=WorkerPresence(),
        lease=Lease(None, clock),
        counters=Counters(),
        send=send,
        count_invalid=lambda reason, channel_name: calls.append(f"invalid {reason}"),
        tick_seconds=0.05,
        clock=clock,
        stopping=asyncio.Event(),
    )


async def test_it_writes_the_store_before_it_sends(context, calls):
    await Epoch(context, Handover()).start_epoch()
    assert calls == ["write ['stored']", "send 1"]


async def test_it_sends_nothing_when_the_lease_is_lost(context, calls, store):
    store.error = LeadershipLost("Another bridge leads")
    with pytest.raises(LeadershipLost):
        await Epoch(context, Handover()).start_epoch()
    assert not calls


async def test_it_hands_its_states_and_its_rev_to_the_next_epoch(context, rows):
    ended = VideoState(attempt=3, has_row=False, status="complete", updated_at=100.0)
    first = Epoch(context, Handover(OrderedDict(ended=ended), 4))
    await first.start_epoch()
    handover = await first.end_epoch()
    assert handover.inactive_states == {"ended": ended}
    assert handover.reconciled_rev == 9
    await Epoch(context, handover).start_epoch()
    assert rows.revs_read == [4, 9]


async def test_it_reads_the_events_of_ten_minutes_after_redis_lost_its_data(context, store, rows):
    store.has_head = False
    await Epoch(context, Handover(reconciled_rev=4)).start_epoch()
    assert rows.revs_read == [None]


async def test_it_counts_an_invalid_message(context, calls):
    Epoch(context, Handover()).handle_message(b"progress:a", b"[]")
    assert calls == ["invalid no_object"]
