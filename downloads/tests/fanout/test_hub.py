"""The fan-out: who is behind gets one merged frame, who takes nothing is dropped, and nobody waits for another."""

import asyncio
import json

import pytest

from downloads.fanout import frames, hub
from downloads.fanout.frames import Frames
from downloads.fanout.hub import Hub, Snapshot
from downloads.progress.keys import BATCH_EVENT_TYPE
from ytarchive.server.channel_layer import MAX_QUEUED_MESSAGES, ProgressChannelLayer


class Hand:
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


class Quick(Hub):
    """With a snapshot at hand."""

    found = Snapshot({"epoch": "e", "seq": 0, "rev": 1}, [])

    async def read_snapshot(self) -> Snapshot:
        return self.found


def message(kind: str, video_id: str, **fields) -> list[str]:
    return [video_id, kind, json.dumps({"type": kind, "video_id": video_id, **fields}, separators=(",", ":"))]


def event(seq: int, *messages: list[str], epoch: str = "e") -> dict:
    return {"type": BATCH_EVENT_TYPE, "epoch": epoch, "seq": seq, "messages": list(messages)}


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
async def hall():
    return Quick()


@pytest.fixture
async def viewer(hall) -> Hand:
    hand = Hand()
    hall.add_client(hand, protocol=False)
    await turns()
    assert [sent["type"] for sent in hand.objects] == ["snapshot"]
    hand.sent.clear()
    return hand


async def test_it_sends_one_merged_frame_to_who_was_behind(hall, viewer):
    other = Hand()
    hall.add_client(other, protocol=True)
    await turns()
    viewer.left = other.left = 1
    batches = [
        [message("progress", "a", percent=1), message("progress", "b", percent=1)],
        [message("status", "a", status="processing"), message("progress", "a", percent=2)],
        [message("progress", "a", percent=3), message("status", "b", status="complete")],
        [message("changed", "c"), message("progress", "d", percent=9)],
    ]
    for seq, messages in enumerate(batches, 1):
        hall.receive_batch(event(seq, *messages))
        await turns()
    assert not viewer.sent
    viewer.left = other.left = 0
    hall.receive_batch(event(5))
    await turns()
    (found,) = viewer.objects
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


async def test_it_encodes_a_frame_once_for_all(hall, viewer):
    others = [Hand() for _ in range(600)]
    for hand in others:
        hall.add_client(hand, protocol=False)
    await turns()
    hall.receive_batch(event(1, message("progress", "a", percent=1)))
    await turns()
    assert {id(hand.sent[-1]) for hand in others} == {id(viewer.sent[-1])}


async def test_it_drops_who_takes_nothing_and_holds_nobody_else_back(hall, viewer, monkeypatch):
    now = 1000.0
    monkeypatch.setattr(hub.time, "monotonic", lambda: now)
    slow, steady = Hand(), Hand()
    for hand in (slow, steady):
        hall.add_client(hand, protocol=False)
    await turns()
    slow.left, steady.left = 5, 500
    for seq in range(1, 14):
        now += 1
        steady.left -= 1  # a long snapshot on a thin line: it comes forward
        hall.receive_batch(event(seq))
        await turns()
    assert (slow.dropped, steady.dropped, viewer.dropped) == (True, False, False)
    assert [found["seq"] for found in viewer.objects] == list(range(1, 14))


async def test_it_holds_batches_back_until_the_snapshot_is_sent(hall):
    gate: asyncio.Future[Snapshot] = asyncio.get_running_loop().create_future()

    async def later() -> Snapshot:
        return await gate

    hall.read_snapshot = later
    hand = Hand()
    hall.add_client(hand, protocol=False)
    for seq in (1, 2, 3):
        hall.receive_batch(event(seq, message("progress", "a", percent=seq)))
        await turns()
    assert not hand.sent
    gate.set_result(Snapshot({"epoch": "e", "seq": 2, "rev": 1}, []))
    await turns()
    assert [(found["type"], found["seq"]) for found in hand.objects] == [("snapshot", 2), ("batch", 3)]


async def test_it_shows_a_client_that_it_missed_something(hall, viewer):
    hall.receive_batch(event(1))
    hall.receive_batch(event(5))
    await turns()
    assert [(found["from"], found["seq"]) for found in viewer.objects][-1] == (5, 5)
    hall.receive_batch(event(1, epoch="f"))
    await turns()
    assert viewer.objects[-1]["epoch"] == "f"


async def test_it_clears_a_tickets_bar_whose_end_was_lost(hall):
    hand = Hand()
    hall.add_client(hand, protocol=True)
    await turns()
    hall.receive_batch(event(1, message("progress", "a", percent=1), message("progress", "b", percent=1)))
    await turns()
    hall.found = Snapshot({"epoch": "e", "seq": 5, "rev": 1}, [message("progress", "b", percent=7)[2]])
    hand.sent.clear()
    hall.receive_batch(event(5))
    await turns()
    assert [(found["type"], found["video_id"], found.get("status")) for found in hand.objects] == [
        ("status", "a", "failed"),
        ("progress", "b", None),
    ]


async def test_one_bad_text_harms_nobody(hall):
    hands = [Hand() for _ in range(3)]
    for hand in hands:
        hall.add_client(hand, protocol=True)
    await turns()
    hall.receive_batch(event(1, ["a", "status", "junk"], ["b", "changed", "[]"], message("progress", "c", percent=1)))
    hall.receive_batch({**event(2), "seq": float("inf")})
    hall.receive_batch(event(2, message("progress", "c", percent=2)))
    await turns()
    assert [hand.objects[-1]["percent"] for hand in hands] == [2, 2, 2]


async def test_its_frames_are_those_of_rfc_6455():
    for size, head in [
        (5, b"\x81\x05"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65536, b"\x81\x7f" + bytes(5) + b"\x01\0\0"),
    ]:
        assert Frames(["x" * size]).wire_bytes == head + b"x" * size
    assert Frames(["é", "b"]).wire_bytes == b"\x81\x02\xc3\xa9\x81\x01b"
    assert frames.merge_batches([]) == []


@pytest.mark.parametrize("junk", [b"\xc1junk", b"", b"\x93\x01\x02\x03", b"\x80"])
async def test_the_layer_hears_on_whatever_is_written_into_its_channel(redis_server, junk):
    layer = ProgressChannelLayer(hosts=[redis_server.url])
    heard: list[dict] = []
    layer.subscribe_handler("progress", BATCH_EVENT_TYPE, heard.append)
    await layer.group_add("progress", await layer.new_channel())
    with redis_server.client() as client:
        client.publish("asgi__group__progress", junk)
    await layer.group_send("progress", event(1))
    async with asyncio.timeout(5):
        while not heard:  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.01)
    await layer.flush()


async def test_the_layer_keeps_a_bounded_number_of_messages_for_a_member(redis_server):
    layer = ProgressChannelLayer(hosts=[redis_server.url])
    name = await layer.new_channel()
    await layer.group_add("progress", name)
    for number in range(3 * MAX_QUEUED_MESSAGES):
        await layer.group_send("progress", {"type": "x", "number": number})
    await layer.send(name, {"type": "last"})
    queue = layer.channels[name]
    async with asyncio.timeout(5):
        while queue.qsize() < MAX_QUEUED_MESSAGES or layer.deserialize(queue._queue[-1]).get("type") != "last":  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.01)
    assert (await layer.receive(name))["number"] == 2 * MAX_QUEUED_MESSAGES + 1
    await layer.flush()
