"""The channel layer: connections to Redis that are lost or half-open, junk, and bounded queues."""

import asyncio
import contextlib
import time

import pytest
from redis.asyncio import UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

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


@pytest.mark.parametrize(
    "error",
    [
        AttributeError("'NoneType' object has no attribute 'writelines'"),
        RuntimeError("read() called while another coroutine is already waiting for incoming data"),
    ],
)
async def test_a_web_process_goes_on_whatever_its_connection_raises(redis_server, monkeypatch, error):
    layer = ProgressChannelLayer(hosts=[redis_server.url])
    name = await layer.new_channel()
    await layer.group_add("progress", name)
    read_response, failed = UnixDomainSocketConnection.read_response, asyncio.Event()

    async def fail_once(connection, *args, **options):
        if options.get("push_request") and not failed.is_set():
            failed.set()
            raise error
        return await read_response(connection, *args, **options)

    monkeypatch.setattr(UnixDomainSocketConnection, "read_response", fail_once)
    await layer.group_send("progress", {"type": "test", "marker": "one"})  # ends the current wait for a message
    await asyncio.wait_for(failed.wait(), 10)
    await repeat_until_received(layer, [name], "two")
    await layer.flush()


async def test_members_come_and_go_while_redis_restarts(redis_server):
    layer = ProgressChannelLayer(hosts=[redis_server.url])
    names: list[str] = []

    async def join() -> None:
        name = await layer.new_channel()
        await layer.group_add("progress", name)
        names.append(name)

    async def join_and_leave() -> None:
        receiving = asyncio.create_task(layer.receive(await layer.new_channel()))
        await asyncio.sleep(0)
        receiving.cancel()
        await asyncio.wait([receiving])

    for _ in range(4):
        tasks = []
        for _ in range(20):
            tasks += [asyncio.create_task(join()), asyncio.create_task(join_and_leave())]
            await asyncio.sleep(0.001)
        await asyncio.to_thread(redis_server.kill)
        for _ in range(20):
            tasks += [asyncio.create_task(join()), asyncio.create_task(join_and_leave())]
            await asyncio.sleep(0.01)
        await asyncio.to_thread(redis_server.start)
        async with asyncio.timeout(30):
            await asyncio.gather(*tasks)
    await repeat_until_received(layer, names, "after")
    with redis_server.client() as client:
        subscribed = {channel.decode() for channel in client.pubsub_channels()}
    assert subscribed == {*names, "asgi__group__progress"}, "nobody else's subscription is left"
    await layer.flush()


async def repeat_until_received(layer: ProgressChannelLayer, names: list[str], marker: str) -> None:
    """Send `marker` to the group again and again, since Redis may be away, until all these members have it."""

    async def receive(name: str) -> None:
        while (await layer.receive(name)).get("marker") != marker:
            pass

    async with asyncio.timeout(20):
        receiving = asyncio.gather(*map(receive, names))
        while not receiving.done():
            with contextlib.suppress(RedisError):
                await layer.group_send("progress", {"type": "test", "marker": marker})
            await asyncio.wait([receiving], timeout=0.05)
        await receiving


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
