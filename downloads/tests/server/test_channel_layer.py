"""Connections to Redis that are deaf without being closed are noticed by the missing heartbeat, and replaced."""

import asyncio
import json
import time

import pytest
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from downloads.bridge import epoch
from downloads.bridge.leader import Bridge
from ytarchive.server import channel_layer
from ytarchive.server.channel_layer import ProgressChannelLayer

pytestmark = pytest.mark.django_db(transaction=True)


async def seconds_until_received(layer: ProgressChannelLayer, name: str, marker: str, seconds: float) -> float:
    """Return after how many seconds the layer hears `marker`, which is sent again and again on another way."""
    began = time.monotonic()
    async with asyncio.timeout(seconds):
        while (await layer.receive(name)).get("marker") != marker:
            pass
    return time.monotonic() - began


async def test_a_web_process_replaces_a_half_open_connection(half_open_proxy, redis_server, monkeypatch):
    monkeypatch.setattr(channel_layer, "SILENCE_TIMEOUT_SECONDS", 1.0)
    layer = ProgressChannelLayer(hosts=[{"address": await half_open_proxy.start(), "retry": Retry(NoBackoff(), 0)}])
    speaker = ProgressChannelLayer(hosts=[redis_server.url])
    name = await layer.new_channel()
    await layer.group_add("progress", name)

    async def speak(marker: str) -> None:
        while True:
            await speaker.group_send("progress", {"type": "test", "marker": marker})
            await asyncio.sleep(0.05)

    for marker in ("before", "after"):
        speaking = asyncio.create_task(speak(marker))
        assert await seconds_until_received(layer, name, marker, 5) < 2.5
        speaking.cancel()
        half_open_proxy.drop_silently()
    await layer.flush()
    await speaker.flush()


async def test_a_web_process_goes_on_when_its_connection_is_closed_beside_it(redis_server, monkeypatch):
    layer = ProgressChannelLayer(hosts=[redis_server.url])
    name = await layer.new_channel()
    await layer.group_add("progress", name)
    pubsub = layer._get_layer()._shards[0]._pubsub
    get_message, failed = pubsub.get_message, asyncio.Event()

    async def trip(**how):
        if not failed.is_set():
            failed.set()
            raise AttributeError("'NoneType' object has no attribute 'writelines'")
        return await get_message(**how)

    monkeypatch.setattr(pubsub, "get_message", trip)
    await layer.group_send("progress", {"type": "test", "marker": "one"})  # whatever it waits for comes
    await asyncio.wait_for(failed.wait(), 10)
    await layer.group_send("progress", {"type": "test", "marker": "two"})
    assert await seconds_until_received(layer, name, "two", 5) < 5
    await layer.flush()


async def test_the_bridge_replaces_a_half_open_connection(half_open_proxy, redis_server, monkeypatch):
    monkeypatch.setattr(epoch, "ECHO_TIMEOUT_SECONDS", 2.0)
    layer = ProgressChannelLayer(hosts=[redis_server.url])
    name = await layer.new_channel()
    await layer.group_add("progress", name)
    client = redis.asyncio.Redis.from_url(
        await half_open_proxy.start(), socket_timeout=1.0, retry=Retry(NoBackoff(), 0)
    )
    bridge = Bridge(client, layer, 0.05)
    running = asyncio.create_task(bridge.run())
    first = await layer.receive(name)
    half_open_proxy.drop_silently()
    async with asyncio.timeout(10):
        while (await layer.receive(name))["epoch"] == first["epoch"]:
            pass
    async with redis.asyncio.Redis.from_url(redis_server.url) as direct:
        await direct.publish("progress:demo", '{"percent": 5}')
    async with asyncio.timeout(5):
        while not (messages := (await layer.receive(name))["messages"]):
            pass
    assert json.loads(messages[0][2])["percent"] == 5
    bridge.stop()
    await running
    await client.aclose()
    await layer.flush()
