"""The fan-out: who is behind gets one merged frame, who takes nothing is dropped, and nobody waits for another."""

import asyncio
import json

import pytest

from downloads.fanout.frames import V1, V2, Frames
from downloads.fanout.hub import Hub, Snapshot
from downloads.tests.support.batches import batch_event, batch_message


class FakeTransport:
    """An outlet that takes what it is given, or does not."""

    def __init__(self) -> None:
        self.sent: list[Frames] = []
        self.left = 0
        self.dropped = False

    def write_frames(self, sent: Frames) -> None:
        self.sent.append(sent)

    def get_write_buffer_size(self) -> int:
        return self.left

    def abort_connection(self) -> None:
        self.dropped = True

    @property
    def objects(self) -> list[dict]:
        return [json.loads(text) for sent in self.sent for text in sent.texts]


class HubWithSnapshot(Hub):
    """With a snapshot at hand."""

    stored_snapshot = Snapshot({"epoch": "e", "seq": 0, "rev": 1}, [])

    async def read_snapshot(self) -> Snapshot:
        return self.stored_snapshot


async def run_pending_tasks() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
async def hub():
    return HubWithSnapshot()


@pytest.fixture
async def transport(hub) -> FakeTransport:
    hand = FakeTransport()
    hub.add_client(hand, protocol=V2)
    await run_pending_tasks()
    assert [sent["type"] for sent in hand.objects] == ["snapshot"]
    hand.sent.clear()
    return hand


async def test_a_client_that_lags_gets_one_merged_frame(hub, transport):
    other = FakeTransport()
    hub.add_client(other, protocol=V1)
    await run_pending_tasks()
    transport.left = other.left = 1
    batches = [
        [batch_message("progress", "a", percent=1), batch_message("progress", "b", percent=1)],
        [batch_message("status", "a", status="processing"), batch_message("progress", "a", percent=2)],
        [batch_message("progress", "a", percent=3), batch_message("status", "b", status="complete")],
        [batch_message("changed", "c"), batch_message("progress", "d", percent=9)],
    ]
    for seq, messages in enumerate(batches, 1):
        hub.receive_batch(batch_event(seq, *messages))
        await run_pending_tasks()
    assert not transport.sent
    transport.left = other.left = 0
    hub.receive_batch(batch_event(5))
    await run_pending_tasks()
    (found,) = transport.objects
    assert (found["from"], found["seq"]) == (1, 5)
    kinds = [(sent["type"], sent["video_id"], sent.get("percent") or sent.get("status")) for sent in found["messages"]]
    assert kinds == [
        ("status", "a", "processing"),
        ("progress", "a", 3),
        ("status", "b", "complete"),
        ("changed", "c", None),
        ("progress", "d", 9),
    ]
    assert [(sent["type"], sent["video_id"]) for sent in other.objects] == [
        ("status", "a"),
        ("progress", "a"),
        ("status", "b"),
        ("progress", "d"),
    ]


async def test_it_encodes_a_frame_once_for_all(hub, transport):
    others = [FakeTransport() for _ in range(600)]
    for hand in others:
        hub.add_client(hand, protocol=V2)
    await run_pending_tasks()
    hub.receive_batch(batch_event(1, batch_message("progress", "a", percent=1)))
    await run_pending_tasks()
    assert {id(hand.sent[-1]) for hand in others} == {id(transport.sent[-1])}


async def test_it_drops_a_client_that_reads_nothing_and_delays_no_other(hub, transport, monkeypatch):
    now = 1000.0
    monkeypatch.setattr("downloads.fanout.hub.time.monotonic", lambda: now)
    slow, steady = FakeTransport(), FakeTransport()
    for hand in (slow, steady):
        hub.add_client(hand, protocol=V2)
    await run_pending_tasks()
    slow.left, steady.left = 5, 500
    for seq in range(1, 14):
        now += 1
        steady.left -= 1  # a long snapshot on a thin line: it comes forward
        hub.receive_batch(batch_event(seq))
        await run_pending_tasks()
    assert (slow.dropped, steady.dropped, transport.dropped) == (True, False, False)
    assert [found["seq"] for found in transport.objects] == list(range(1, 14))


async def test_it_holds_batches_back_until_the_snapshot_is_sent(hub):
    gate: asyncio.Future[Snapshot] = asyncio.get_running_loop().create_future()

    async def later() -> Snapshot:
        return await gate

    hub.read_snapshot = later
    hand = FakeTransport()
    hub.add_client(hand, protocol=V2)
    for seq in (1, 2, 3):
        hub.receive_batch(batch_event(seq, batch_message("progress", "a", percent=seq)))
        await run_pending_tasks()
    assert not hand.sent
    gate.set_result(Snapshot({"epoch": "e", "seq": 2, "rev": 1}, []))
    await run_pending_tasks()
    assert [(found["type"], found["seq"]) for found in hand.objects] == [("snapshot", 2), ("batch", 3)]


async def test_it_shows_a_client_that_it_missed_something(hub, transport):
    hub.receive_batch(batch_event(1))
    hub.receive_batch(batch_event(5))
    await run_pending_tasks()
    assert [(found["from"], found["seq"]) for found in transport.objects][-1] == (5, 5)
    hub.receive_batch(batch_event(1, epoch="f"))
    await run_pending_tasks()
    assert transport.objects[-1]["epoch"] == "f"


async def test_it_clears_a_v1_bar_whose_end_was_lost(hub):
    hand = FakeTransport()
    hub.add_client(hand, protocol=V1)
    await run_pending_tasks()
    hub.receive_batch(
        batch_event(1, batch_message("progress", "a", percent=1), batch_message("progress", "b", percent=1))
    )
    await run_pending_tasks()
    hub.stored_snapshot = Snapshot({"epoch": "e", "seq": 5, "rev": 1}, [batch_message("progress", "b", percent=7)[2]])
    hand.sent.clear()
    hub.receive_batch(batch_event(5))
    await run_pending_tasks()
    assert [(found["type"], found["video_id"], found.get("status")) for found in hand.objects] == [
        ("status", "a", "failed"),
        ("progress", "b", None),
    ]


async def test_one_bad_text_harms_nobody(hub):
    hands = [FakeTransport() for _ in range(3)]
    for hand in hands:
        hub.add_client(hand, protocol=V1)
    await run_pending_tasks()
    hub.receive_batch(
        batch_event(1, ["a", "status", "junk"], ["b", "changed", "[]"], batch_message("progress", "c", percent=1))
    )
    hub.receive_batch({**batch_event(2), "seq": float("inf")})
    hub.receive_batch(batch_event(2, batch_message("progress", "c", percent=2)))
    await run_pending_tasks()
    assert [hand.objects[-1]["percent"] for hand in hands] == [2, 2, 2]
