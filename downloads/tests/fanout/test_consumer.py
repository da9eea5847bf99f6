"""The consumer, by Channels' own WebsocketCommunicator on the real layer."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import pytest
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator
from django.conf import settings

from downloads.consumers import ProgressConsumer
from downloads.fanout import hub
from downloads.tests.support.websockets import (
    EMPTY_BATCH_EVENT,
    V2,
    active_frame,
    compact_texts,
    progress_message,
    store_snapshot,
    uncompacted_batch_event,
    websocket_communicator,
)
from ytarchive.asgi import application

# Refusals ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "origin",
    [
        b"https://127.0.0.1:8000",
        b"http://127.0.0.1:8001",
        b"http://127.0.0.1",
        b"http://evil.example:8000",
        b"http://127.0.0.1:8000.evil.example",
        b"http://user@127.0.0.1:8000",
        b"http://127.0.0.1:8000/path",
        b"ftp://127.0.0.1:8000",
        b"null",
        b"",
        b"http://[",
    ],
)
async def test_it_refuses_a_foreign_origin(channel_layer, origin):
    assert await websocket_communicator(headers=[(b"origin", origin)]).connect() == (False, 1000)


async def test_it_refuses_a_host_that_is_not_ours_and_two_origins(channel_layer):
    rebound = WebsocketCommunicator(
        application, "/ws/progress", [(b"host", b"evil.example"), (b"origin", b"http://evil.example")]
    )
    assert not (await rebound.connect())[0]
    twice = [(b"origin", b"http://127.0.0.1:8000"), (b"origin", b"http://evil.example")]
    assert not (await websocket_communicator(headers=twice).connect())[0]


@pytest.mark.parametrize("origin", [b"http://127.0.0.1:8000", b"HTTP://127.0.0.1:8000"])
async def test_it_takes_its_own_origin(channel_layer, origin):
    found = websocket_communicator(headers=[(b"origin", origin)])
    assert (await found.connect())[0]
    await found.disconnect()


async def test_it_takes_a_trusted_origin_behind_a_proxy(channel_layer, settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://videos.example"]
    found = websocket_communicator(headers=[(b"origin", b"https://videos.example")])
    assert (await found.connect())[0]
    await found.disconnect()


async def test_it_refuses_a_stranger_of_a_private_archive(channel_layer, settings):
    settings.PRIVATE = True
    assert not (await websocket_communicator().connect())[0]


async def test_it_may_be_used_without_the_middleware(channel_layer):
    found = WebsocketCommunicator(ProgressConsumer.as_asgi(), "/ws/progress")
    assert (await found.connect())[0]
    await get_channel_layer().group_send(
        "progress", compact_texts(uncompacted_batch_event(1, progress_message("a", 1.0)))
    )
    assert json.loads(await found.receive_from())["percent"] == 1
    await found.disconnect()


async def test_it_refuses_another_path_without_a_traceback(channel_layer):
    assert not (await websocket_communicator(path="/ws/other").connect())[0]


# The ticket's contract -------------------------------------------------------------------------------


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
    found = {frame["video_id"]: frame["percent"] for frame in [json.loads(await client.receive_from()) for _ in "ab"]}
    assert found == {"a": 10.0, "b": 7.0}
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


# The batch subprotocol ------------------------------------------------------------------------------


@pytest.fixture
async def v2_client(channel_layer, redis_server) -> AsyncIterator[WebsocketCommunicator]:
    store_snapshot(redis_server, active_frame("a", 10.0))
    found = websocket_communicator(subprotocols=["other", V2])
    assert await found.connect() == (True, V2)
    yield found
    await found.disconnect()


async def test_it_sends_the_snapshot_first_and_then_batches(v2_client):
    assert json.loads(await v2_client.receive_from()) == {
        "type": "snapshot",
        "epoch": "e",
        "seq": 0,
        "rev": 3,
        "videos": [active_frame("a", 10.0)],
    }
    await get_channel_layer().group_send(
        "progress", compact_texts(uncompacted_batch_event(1, progress_message("a", 11.0)))
    )
    found = json.loads(await v2_client.receive_from())
    assert (found["type"], found["epoch"], found["from"], found["seq"]) == ("batch", "e", 1, 1)
    assert found["messages"][0]["percent"] == 11
    await get_channel_layer().group_send("progress", uncompacted_batch_event(2))
    assert json.loads(await v2_client.receive_from())["messages"] == []


async def test_it_drops_what_the_snapshot_holds_already(v2_client, redis_server):
    await v2_client.receive_from()
    send = get_channel_layer().group_send
    await send("progress", uncompacted_batch_event(1))
    assert json.loads(await v2_client.receive_from())["seq"] == 1
    await send("progress", uncompacted_batch_event(1))
    await send("progress", uncompacted_batch_event(2))
    assert json.loads(await v2_client.receive_from())["seq"] == 2


async def test_it_sends_a_snapshot_when_asked(v2_client, redis_server):
    await v2_client.receive_from()
    store_snapshot(redis_server, active_frame("a", 50.0), seq=9)
    await v2_client.send_to('{"type": "resync"}')
    found = json.loads(await v2_client.receive_from())
    assert (found["type"], found["seq"], found["videos"][0]["percent"]) == ("snapshot", 9, 50)


async def test_it_reads_the_store_once_for_all_who_ask_at_once(channel_layer, redis_server):
    store_snapshot(redis_server, active_frame("a", 10.0))
    clients = [websocket_communicator(subprotocols=[V2]) for _ in range(20)]
    for found in clients:
        await found.connect()
        await found.receive_from()
    with redis_server.client() as redis:
        before = redis.info("commandstats").get("cmdstat_hgetall", {}).get("calls", 0)
        await asyncio.gather(*[found.send_to('{"type":"resync"}') for found in clients])
        for found in clients:
            await found.receive_from()
        assert redis.info("commandstats")["cmdstat_hgetall"]["calls"] - before <= 2
    for found in clients:
        await found.disconnect()


async def test_it_answers_when_redis_is_back(channel_layer, redis_server):
    redis_server.kill()
    client = websocket_communicator(subprotocols=[V2])
    try:
        assert (await client.connect())[0]
        assert await client.receive_nothing(0.6)
    finally:
        await asyncio.to_thread(redis_server.start)
    store_snapshot(redis_server, active_frame("a", 1.0))
    assert json.loads(await client.receive_from(timeout=5))["type"] == "snapshot"
    await get_channel_layer().group_send("progress", uncompacted_batch_event(1))
    assert json.loads(await client.receive_from(timeout=5))["type"] == "batch"
    await client.disconnect()


# Bad input ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["PING", "", "{", "[" * 1000, "null", "42", '{"type": ["resync"]}', '{"type":"websocket.close"}', "é" * 500]
)
async def test_it_ignores_junk_and_stays(v1_client, text):
    await v1_client.send_input({"type": "websocket.receive", "text": text})
    await v1_client.send_to("ping")
    assert await v1_client.receive_from() == "pong"


@pytest.mark.parametrize(
    ("frame", "code"), [({"bytes": b"ping"}, 1003), ({"text": "x" * 1025}, 1009), ({"text": "é" * 513}, 1009)]
)
async def test_it_closes_on_what_no_client_of_ours_sends(v1_client, frame, code):
    await v1_client.send_input({"type": "websocket.receive", **frame})
    assert await v1_client.receive_output() == {"type": "websocket.close", "code": code}


async def test_it_closes_on_a_flood(v1_client):
    for _ in range(21):
        await v1_client.send_to("ping")
    output = [await v1_client.receive_output() for _ in range(21)]
    assert output[-1] == {"type": "websocket.close", "code": 1008}


@pytest.mark.parametrize(
    "bad",
    [
        {"type": "progress.batch"},
        {**EMPTY_BATCH_EVENT, "messages": [["a"]]},
        {**EMPTY_BATCH_EVENT, "messages": 5},
        {**EMPTY_BATCH_EVENT, "seq": "x"},
        {**EMPTY_BATCH_EVENT, "messages": [["a", "status", 5]]},
    ],
)
async def test_it_survives_an_event_that_is_no_batch(v1_client, bad):
    await get_channel_layer().group_send("progress", bad)
    await get_channel_layer().group_send(
        "progress", compact_texts(uncompacted_batch_event(1, progress_message("a", 1.0)))
    )
    assert json.loads(await v1_client.receive_from())["video_id"] == "a"


# Nothing stays behind ---------------------------------------------------------------------------------


async def test_it_leaves_no_member_behind_however_it_ends(channel_layer):
    def members() -> int:
        return (
            sum(len(found) for found in channel_layer.groups.values())
            + len(channel_layer.channels)
            + len(hub.get_hub().clients)
        )

    for _ in range(5):
        clean = websocket_communicator()
        await clean.connect()
        await clean.disconnect()
        cut = websocket_communicator(subprotocols=[V2])
        await cut.connect()
        cut.future.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await cut.future
        broken = websocket_communicator()
        await broken.connect()
        await broken.send_input({"type": "no.such.handler"})
        with pytest.raises(AttributeError):
            await broken.wait()
    assert members() == 0
    assert settings.CHANNEL_LAYERS["default"]["BACKEND"] == "ytarchive.server.channel_layer.ProgressChannelLayer"
