"""The hub: a slow client gets one merged frame, one that reads nothing is dropped, and none delays another."""

import asyncio

import pytest

from downloads.fanout import hub as hub_module
from downloads.fanout.frames import V1, V2
from downloads.fanout.hub import Snapshot
from downloads.tests.support.batches import batch_event, batch_message
from downloads.tests.support.hubs import FakeTransport, HubWithSnapshot, run_pending_tasks


@pytest.fixture
async def hub():
    return HubWithSnapshot()


@pytest.fixture
async def transport(hub) -> FakeTransport:
    client_transport = FakeTransport()
    hub.add_client(client_transport, protocol=V2)
    await run_pending_tasks()
    assert [message["type"] for message in client_transport.objects] == ["snapshot"]
    client_transport.sent.clear()
    return client_transport


async def test_a_client_that_lags_gets_one_merged_frame(hub, transport):
    other = FakeTransport()
    hub.add_client(other, protocol=V1)
    await run_pending_tasks()
    transport.unsent_bytes = other.unsent_bytes = 1
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
    transport.unsent_bytes = other.unsent_bytes = 0
    hub.receive_batch(batch_event(5))
    await run_pending_tasks()
    (batch,) = transport.objects
    assert (batch["from"], batch["seq"]) == (1, 5)
    kinds = [
        (message["type"], message["video_id"], message.get("percent") or message.get("status"))
        for message in batch["messages"]
    ]
    assert kinds == [
        ("status", "a", "processing"),
        ("progress", "a", 3),
        ("status", "b", "complete"),
        ("changed", "c", None),
        ("progress", "d", 9),
    ]
    assert [(message["type"], message["video_id"]) for message in other.objects] == [
        ("status", "a"),
        ("progress", "a"),
        ("status", "b"),
        ("progress", "d"),
    ]


async def test_it_encodes_a_frame_once_for_all(hub, transport):
    others = [FakeTransport() for _ in range(600)]
    for other in others:
        hub.add_client(other, protocol=V2)
    await run_pending_tasks()
    hub.receive_batch(batch_event(1, batch_message("progress", "a", percent=1)))
    await run_pending_tasks()
    assert {id(other.sent[-1]) for other in others} == {id(transport.sent[-1])}


async def test_it_drops_a_client_that_reads_nothing_and_delays_no_other(hub, transport, monkeypatch):
    now = 1000.0
    monkeypatch.setattr("downloads.fanout.hub.time.monotonic", lambda: now)
    slow, steady = FakeTransport(), FakeTransport()
    for new_transport in (slow, steady):
        hub.add_client(new_transport, protocol=V2)
    await run_pending_tasks()
    slow.unsent_bytes, steady.unsent_bytes = 5, 500
    for seq in range(1, 14):
        now += 1
        steady.unsent_bytes -= 1  # a long snapshot on a slow connection: its unsent bytes decrease
        hub.receive_batch(batch_event(seq))
        await run_pending_tasks()
    assert (slow.dropped, steady.dropped, transport.dropped) == (True, False, False)
    assert [batch["seq"] for batch in transport.objects] == list(range(1, 14))


async def test_it_holds_batches_back_until_the_snapshot_is_sent(hub):
    pending_snapshot: asyncio.Future[Snapshot] = asyncio.get_running_loop().create_future()

    async def read_pending_snapshot() -> Snapshot:
        return await pending_snapshot

    hub.read_snapshot = read_pending_snapshot
    transport = FakeTransport()
    hub.add_client(transport, protocol=V2)
    for seq in (1, 2, 3):
        hub.receive_batch(batch_event(seq, batch_message("progress", "a", percent=seq)))
        await run_pending_tasks()
    assert not transport.sent
    pending_snapshot.set_result(Snapshot({"epoch": "e", "seq": 2, "rev": 1}, []))
    await run_pending_tasks()
    assert [(message["type"], message["seq"]) for message in transport.objects] == [("snapshot", 2), ("batch", 3)]


async def test_it_shows_a_client_that_it_missed_something(hub, transport):
    hub.receive_batch(batch_event(1))
    hub.receive_batch(batch_event(5))
    await run_pending_tasks()
    assert [(batch["from"], batch["seq"]) for batch in transport.objects][-1] == (5, 5)
    hub.receive_batch(batch_event(1, epoch="f"))
    await run_pending_tasks()
    assert transport.objects[-1]["epoch"] == "f"


async def test_it_clears_a_v1_bar_whose_end_was_lost(hub):
    transport = FakeTransport()
    hub.add_client(transport, protocol=V1)
    await run_pending_tasks()
    hub.receive_batch(
        batch_event(1, batch_message("progress", "a", percent=1), batch_message("progress", "b", percent=1))
    )
    await run_pending_tasks()
    hub.stored_snapshot = Snapshot({"epoch": "e", "seq": 5, "rev": 1}, [batch_message("progress", "b", percent=7)[2]])
    transport.sent.clear()
    hub.receive_batch(batch_event(5))
    await run_pending_tasks()
    assert [(message["type"], message["video_id"], message.get("status")) for message in transport.objects] == [
        ("status", "a", "failed"),
        ("progress", "b", None),
    ]


async def test_one_bad_text_harms_nobody(hub):
    transports = [FakeTransport() for _ in range(3)]
    for transport in transports:
        hub.add_client(transport, protocol=V1)
    await run_pending_tasks()
    hub.receive_batch(
        batch_event(1, ["a", "status", "junk"], ["b", "changed", "[]"], batch_message("progress", "c", percent=1))
    )
    hub.receive_batch({**batch_event(2), "seq": float("inf")})
    hub.receive_batch(batch_event(2, batch_message("progress", "c", percent=2)))
    await run_pending_tasks()
    assert [transport.objects[-1]["percent"] for transport in transports] == [2, 2, 2]


async def test_it_has_workers_prepare_while_somebody_may_add_a_video(monkeypatch):
    """Once a minute at most, beginning with the first page that is opened; never without one."""
    now, woken = [1000.0], []
    monkeypatch.setattr(hub_module.time, "monotonic", lambda: now[0])
    hub = HubWithSnapshot()

    async def wake_workers() -> None:
        woken.append(now[0])

    monkeypatch.setattr(hub, "_wake_workers", wake_workers)
    for seq in range(1, 40):  # a batch each 5 s; the page is open from 1050 to 1150
        if seq == 10:
            client = hub.add_client(FakeTransport(), protocol=V2)
        if seq == 30:
            hub.remove_client(client)
        hub.receive_batch(batch_event(seq))
        await run_pending_tasks()
        now[0] += 5

    assert woken == [1045.0, 1105.0]
