"""Protocol v1 of the WebSocket."""

import json

import pytest
from channels.layers import get_channel_layer

from downloads.tests.support.websockets import (
    active_frame,
    compact_texts,
    progress_message,
    store_snapshot,
    uncompacted_batch_event,
    websocket_communicator,
)


async def test_a_plain_group_send_reaches_it(v1_client):
    await get_channel_layer().group_send(
        "progress", compact_texts(uncompacted_batch_event(1, progress_message("demo:1", 42.0)))
    )
    assert json.loads(await v1_client.receive_from()) == {
        "type": "progress",
        "video_id": "demo:1",
        "percent": 42.0,
        "downloaded_bytes": None,
        "total_bytes": None,
    }


async def test_it_answers_ping_with_pong(v1_client):
    await v1_client.send_to("ping")
    assert await v1_client.receive_from() == "pong"


async def test_it_sends_a_frame_for_each_active_video_on_connecting(channel_layer, redis_server):
    store_snapshot(redis_server, active_frame("a", 10.0), active_frame("b", None, last_percent=7.0))
    client = websocket_communicator()
    await client.connect()
    percents = {
        frame["video_id"]: frame["percent"] for frame in [json.loads(await client.receive_from()) for _ in "ab"]
    }
    assert percents == {"a": 10.0, "b": 7.0}
    assert await client.receive_nothing()
    await client.disconnect()


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (("a", "status", {"status": "complete"}), {"status": "complete"}),
        (("a", "status", {"status": "cancelled"}), {"status": "failed", "reason": "cancelled"}),
        (("a", "changed", {"deleted": True}), {"status": "failed", "reason": "deleted"}),
        (progress_message("a", None), {"percent": 0}),
        (progress_message("a", None, last_percent=33.0), {"percent": 33.0}),
    ],
)
async def test_it_translates_frames_for_v1_clients(v1_client, message, expected):
    await get_channel_layer().group_send("progress", compact_texts(uncompacted_batch_event(1, message)))
    frame = json.loads(await v1_client.receive_from())
    assert frame["type"] in ("progress", "status")
    assert frame.items() >= expected.items()


async def test_v1_clients_get_a_resync_after_a_gap_and_a_new_epoch(v1_client, redis_server):
    send = get_channel_layer().group_send
    await send("progress", compact_texts(uncompacted_batch_event(1, progress_message("a", 1.0))))
    assert json.loads(await v1_client.receive_from())["percent"] == 1
    store_snapshot(redis_server, active_frame("a", 5.0), seq=4)
    await send("progress", compact_texts(uncompacted_batch_event(4)))
    await send("progress", compact_texts(uncompacted_batch_event(5, progress_message("a", 6.0))))
    assert json.loads(await v1_client.receive_from())["percent"] in (5, 6)
    store_snapshot(redis_server, active_frame("b", 9.0), epoch="f", seq=1)
    await send("progress", compact_texts(uncompacted_batch_event(1, epoch="f")))
    while (frame := json.loads(await v1_client.receive_from()))["video_id"] != "b":
        assert frame["video_id"] == "a"
    assert frame["percent"] == 9
