"""ProgressConsumer, tested with Channels' WebsocketCommunicator and the real channel layer."""

import asyncio
import contextlib
import json
import re
from types import SimpleNamespace

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.conf import settings

from downloads.consumers import ProgressConsumer
from downloads.fanout import hub
from downloads.tests.support.factories import complete
from downloads.tests.support.websockets import (
    EMPTY_BATCH_EVENT,
    V2,
    PatientCommunicator,
    compact_texts,
    progress_message,
    store_snapshot,
    uncompacted_batch_event,
    websocket_communicator,
)

# Refusals ------------------------------------------------------------------------------------------


async def test_it_refuses_a_stranger_of_a_private_archive(channel_layer, settings):
    settings.PRIVATE = True
    assert not (await websocket_communicator().connect())[0]


async def test_it_may_be_used_without_the_middleware(channel_layer):
    client = PatientCommunicator(ProgressConsumer.as_asgi(), "/ws/progress")
    assert (await client.connect())[0]
    await get_channel_layer().group_send(
        "progress", compact_texts(uncompacted_batch_event(1, progress_message("a", 1.0)))
    )
    assert json.loads(await client.receive_from())["percent"] == 1
    await client.disconnect()


async def test_it_refuses_another_path_without_a_traceback(channel_layer):
    assert not (await websocket_communicator(path="/ws/other").connect())[0]


# Cards -----------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("can", "buttons"), [("watch change delete", 2), ("", 0), ("everything", 0), (7, 0), (None, 0), ("x" * 900, 0)]
)
async def test_it_pushes_cards_to_who_asks_for_them(channel_layer, redis_server, static_files, can, buttons):
    store_snapshot(redis_server)
    video = await sync_to_async(complete)("done")
    client, other = (websocket_communicator(subprotocols=[V2]) for _ in range(2))
    for each in (client, other):
        assert (await each.connect())[0]
        assert (await each.receive_json_from())["type"] == "snapshot"
    await client.send_json_to({"type": "cards", "can": can})
    event = uncompacted_batch_event(1, (video.video_id, "status", {"status": "complete"}))
    await get_channel_layer().group_send("progress", compact_texts(event))
    assert (await client.receive_json_from())["type"] == "batch"
    cards = await client.receive_json_from()
    assert (cards["type"], cards["ids"]) == ("cards", [video.video_id])
    assert cards["html"].count(f'data-video-id="{video.video_id}"') == 1
    assert len(re.findall(">\\s*(?:Download again|Delete)", cards["html"])) == buttons
    assert (await other.receive_json_from())["type"] == "batch"
    assert await other.receive_nothing()
    for each in (client, other):
        await each.disconnect()


# Bad input ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "PING",
        "",
        "{",
        "[" * 1000,
        "null",
        "42",
        '["cards"]',
        '{"type": ["resync"]}',
        '{"type":"websocket.close"}',
        "é" * 500,
    ],
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


async def test_it_closes_on_a_flood(v1_client, monkeypatch):
    monkeypatch.setattr("downloads.consumers.time", SimpleNamespace(monotonic=lambda: 1000.0))  # all within a second
    for _ in range(21):
        await v1_client.send_to("ping")
    output = [await v1_client.receive_output() for _ in range(21)]
    assert output[-1] == {"type": "websocket.close", "code": 1008}


@pytest.mark.parametrize(
    "event",
    [
        {"type": "progress.batch"},
        {**EMPTY_BATCH_EVENT, "messages": [["a"]]},
        {**EMPTY_BATCH_EVENT, "messages": 5},
        {**EMPTY_BATCH_EVENT, "seq": "x"},
        {**EMPTY_BATCH_EVENT, "messages": [["a", "status", 5]]},
    ],
)
async def test_it_survives_an_event_that_is_no_batch(v1_client, event):
    await get_channel_layer().group_send("progress", event)
    await get_channel_layer().group_send(
        "progress", compact_texts(uncompacted_batch_event(1, progress_message("a", 1.0)))
    )
    assert json.loads(await v1_client.receive_from())["video_id"] == "a"


# Disconnecting ------------------------------------------------------------------------------------


async def test_it_leaves_no_member_behind_however_it_ends(channel_layer):
    def members() -> int:
        return (
            sum(len(channels) for channels in channel_layer.groups.values())
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
