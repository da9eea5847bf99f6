"""Detection of half-open connections to Redis by the missing heartbeat, and their replacement."""

import asyncio
import time

import pytest
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from downloads.progress.keys import BATCH_EVENT_TYPE
from downloads.tests.support.batches import batch_event
from ytarchive.server import channel_layer
from ytarchive.server.channel_layer import MAX_QUEUED_MESSAGES, ProgressChannelLayer

pytestmark = pytest.mark.django_db(transaction=True)


async def seconds_until_received(layer: ProgressChannelLayer, name: str, marker: str, seconds: float) -> float:
    """Return the seconds until the layer receives `marker`, which is sent repeatedly over another connection."""
    began = time.monotonic()
    async with asyncio.timeout(seconds):
        while (await layer.receive(name)).get("marker") != marker:
            pass
    return time.monotonic() - began


@pytest.mark.alone
async def test_a_web_process_replaces_a_half_open_connection(half_open_proxy, redis_server, monkeypatch):
    monkeypatch.setattr(channel_layer, "SILENCE_TIMEOUT_SECONDS", 1.0)
    layer = ProgressChannelLayer(hosts=[{"address": await half_open_proxy.start(), "retry": Retry(NoBackoff(), 0)}])
    sender = ProgressChannelLayer(hosts=[redis_server.url])
    name = await layer.new_channel()
    await layer.group_add("progress", name)

    async def send_repeatedly(marker: str) -> None:
        while True:
            await sender.group_send("progress", {"type": "test", "marker": marker})
            await asyncio.sleep(0.05)

    for marker in ("before", "after"):
        sending = asyncio.create_task(send_repeatedly(marker))
        assert await seconds_until_received(layer, name, marker, 5) < 2.5
        sending.cancel()
        half_open_proxy.drop_silently()
    await layer.flush()
    await sender.flush()


async def test_a_web_process_goes_on_when_its_connection_is_closed_beside_it(redis_server, monkeypatch):
    layer = ProgressChannelLayer(hosts=[redis_server.url])
    name = await layer.new_channel()
    await layer.group_add("progress", name)
    pubsub = layer._get_layer()._shards[0]._pubsub
    get_message, failed = pubsub.get_message, asyncio.Event()

    async def trip(**options):
        if not failed.is_set():
            failed.set()
            raise AttributeError("'NoneType' object has no attribute 'writelines'")
        return await get_message(**options)

    monkeypatch.setattr(pubsub, "get_message", trip)
    await layer.group_send("progress", {"type": "test", "marker": "one"})  # ends the current wait for a message
    await asyncio.wait_for(failed.wait(), 10)
    await layer.group_send("progress", {"type": "test", "marker": "two"})
    assert await seconds_until_received(layer, name, "two", 5) < 5
    await layer.flush()


@pytest.mark.parametrize("junk", [b"\xc1junk", b"", b"\x93\x01\x02\x03", b"\x80"])
async def test_the_layer_keeps_listening_after_junk_in_its_channel(redis_server, junk):
    layer = ProgressChannelLayer(hosts=[redis_server.url])
    events: list[dict] = []
    layer.subscribe_handler("progress", BATCH_EVENT_TYPE, events.append)
    await layer.group_add("progress", await layer.new_channel())
    with redis_server.client() as client:
        client.publish("asgi__group__progress", junk)
    await layer.group_send("progress", batch_event(1))
    async with asyncio.timeout(5):
        while not events:  # noqa: ASYNC110 - no event tells
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
        while len(queue.messages) < MAX_QUEUED_MESSAGES or layer.deserialize(queue.messages[-1]).get("type") != "last":  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.01)
    assert (await layer.receive(name))["number"] == 2 * MAX_QUEUED_MESSAGES + 1
    await layer.flush()
