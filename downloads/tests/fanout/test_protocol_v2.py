"""Protocol v2 of the WebSocket."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator

from downloads.fanout import hub
from downloads.tests.support.websockets import (
    V2,
    active_frame,
    compact_texts,
    progress_message,
    store_snapshot,
    uncompacted_batch_event,
    websocket_communicator,
)


@pytest.fixture
async def v2_client(channel_layer, redis_server) -> AsyncIterator[WebsocketCommunicator]:
    store_snapshot(redis_server, active_frame("a", 10.0))
    client = websocket_communicator(subprotocols=["other", V2])
    assert await client.connect() == (True, V2)
    yield client
    await client.disconnect()


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
    batch = json.loads(await v2_client.receive_from())
    assert (batch["type"], batch["epoch"], batch["from"], batch["seq"]) == ("batch", "e", 1, 1)
    assert batch["messages"][0]["percent"] == 11
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
    snapshot = json.loads(await v2_client.receive_from())
    assert (snapshot["type"], snapshot["seq"], snapshot["videos"][0]["percent"]) == ("snapshot", 9, 50)


async def test_it_reads_the_store_once_for_all_who_ask_at_once(channel_layer, redis_server):
    store_snapshot(redis_server, active_frame("a", 10.0))
    clients = [websocket_communicator(subprotocols=[V2]) for _ in range(20)]
    for client in clients:
        await client.connect()
        await client.receive_from()
    with redis_server.client() as redis:
        calls_before = redis.info("commandstats").get("cmdstat_hgetall", {}).get("calls", 0)
        await asyncio.gather(*[client.send_to('{"type":"resync"}') for client in clients])
        for client in clients:
            await client.receive_from()
        assert redis.info("commandstats")["cmdstat_hgetall"]["calls"] - calls_before <= 2
    for client in clients:
        await client.disconnect()


@pytest.mark.alone
async def test_the_snapshot_waits_for_a_redis_that_is_only_slow(channel_layer, redis_server):
    store_snapshot(redis_server, active_frame("a", 10.0), seq=9)
    redis_server.freeze()
    try:
        reading = asyncio.create_task(hub.get_hub().read_snapshot())
        await asyncio.sleep(0.4)
        assert not reading.done()
    finally:
        redis_server.resume()
    assert (await reading).seq == 9


async def test_it_answers_when_redis_is_back(channel_layer, redis_server):
    redis_server.kill()
    client = websocket_communicator(subprotocols=[V2])
    try:
        assert (await client.connect())[0]
        assert await client.receive_nothing(0.6)
    finally:
        await asyncio.to_thread(redis_server.start)
    store_snapshot(redis_server, active_frame("a", 1.0))
    assert json.loads(await client.receive_from())["type"] == "snapshot"

    async def send_repeatedly() -> None:
        while True:  # the group may be subscribed to after the snapshot was read
            await get_channel_layer().group_send("progress", uncompacted_batch_event(1))
            await asyncio.sleep(0.05)

    sending = asyncio.create_task(send_repeatedly())
    assert json.loads(await client.receive_from())["type"] == "batch"
    sending.cancel()
    await client.disconnect()
