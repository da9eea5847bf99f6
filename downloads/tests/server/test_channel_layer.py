"""The channel layer: connections to Redis that are lost or half-open, junk, and bounded queues."""

import asyncio
import contextlib
import time

import pytest
from redis.asyncio import UnixDomainSocketConnection
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from downloads.progress.keys import BATCH_EVENT_TYPE
from downloads.tests.support.batches import batch_event
from downloads.tests.support.redis_server import RedisServer
from ytarchive.server import channel_layer
from ytarchive.server.channel_layer import MAX_QUEUED_MESSAGES, ProgressChannelLayer, ShardConnection

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


async def test_a_silent_connection_is_replaced_without_groups_too(redis_server, monkeypatch):
    layer = ProgressChannelLayer(hosts=[redis_server.url])
    name = await layer.new_channel()
    shard = layer._get_layer()._shards[0]
    connection = shard._connection
    monkeypatch.setattr(channel_layer, "SILENCE_TIMEOUT_SECONDS", 0.01)
    await layer.send(name, {"type": "test"})  # ends the wait with the usual timeout
    await wait_until_replaced(shard, connection)
    monkeypatch.setattr(channel_layer, "SILENCE_TIMEOUT_SECONDS", 60)
    await repeat_until_received(layer, [name], "after", to_group=False)
    await layer.flush()


@pytest.mark.parametrize(
    "error",
    [
        AttributeError("'NoneType' object has no attribute 'writelines'"),
        RuntimeError("read() called while another coroutine is already waiting for incoming data"),
    ],
)
async def test_a_web_process_goes_on_at_once_whatever_its_connection_raises(redis_server, monkeypatch, error):
    monkeypatch.setattr(channel_layer, "RECONNECT_DELAY_SECONDS", 60)
    monkeypatch.setattr(channel_layer, "SILENCE_TIMEOUT_SECONDS", 60)
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


async def test_members_come_and_go_while_redis_restarts(redis_server, monkeypatch):
    monkeypatch.setattr(channel_layer, "SILENCE_TIMEOUT_SECONDS", 60)
    layer = ProgressChannelLayer(hosts=[redis_server.url])
    names: list[str] = []

    async def join() -> None:
        name = await layer.new_channel()
        await layer.group_add("progress", name)
        names.append(name)

    for _ in range(4):
        tasks = []
        for _ in range(20):
            tasks += [asyncio.create_task(join()), asyncio.create_task(join_and_leave(layer))]
            await asyncio.sleep(0.001)
        await asyncio.to_thread(redis_server.kill)
        for _ in range(20):
            tasks += [asyncio.create_task(join()), asyncio.create_task(join_and_leave(layer))]
            await asyncio.sleep(0.01)
        await asyncio.to_thread(redis_server.start)
        async with asyncio.timeout(30):
            await asyncio.gather(*tasks)
    await repeat_until_received(layer, names, "after")
    await expect_subscriptions(redis_server, [*names, "asgi__group__progress"])
    await layer.flush()


@pytest.mark.parametrize("is_connected", [False, True])
async def test_a_cancelled_member_leaves_no_subscription_and_disturbs_nobody(redis_server, is_connected, monkeypatch):
    send_packed_command = UnixDomainSocketConnection._send_packed_command

    async def send_in_several_turns(connection, command) -> None:
        await send_packed_command(connection, command)
        for _ in range(3):
            await asyncio.sleep(0)

    monkeypatch.setattr(UnixDomainSocketConnection, "_send_packed_command", send_in_several_turns)
    for turns in range(12):
        layer = ProgressChannelLayer(hosts=[{"address": redis_server.url, "socket_timeout": 1.0}])
        names = [await layer.new_channel()] if is_connected else []
        shard = layer._get_layer()._shards[0]
        connection = shard._connection
        joining = asyncio.create_task(layer.new_channel())
        for _ in range(turns):
            await asyncio.sleep(0)
        joining.cancel()
        await asyncio.wait([joining])
        if not joining.cancelled():
            names.append(joining.result())
        names.append(await layer.new_channel())
        await repeat_until_received(layer, names, "after", to_group=False)
        assert not is_connected or shard._connection is connection
        await expect_subscriptions(redis_server, names)
        await layer.flush()


async def test_members_who_waited_for_a_lost_connection_are_subscribed_on_the_next(redis_server, monkeypatch):
    monkeypatch.setattr(channel_layer, "SILENCE_TIMEOUT_SECONDS", 60)
    layer = ProgressChannelLayer(hosts=[redis_server.url])
    names = [await layer.new_channel()]
    shard = layer._get_layer()._shards[0]
    connection = shard._connection
    async with shard._write_lock:
        joining = [asyncio.create_task(layer.new_channel()) for _ in range(3)]
        await asyncio.sleep(0)
        await connection.disconnect(nowait=True)
        await wait_until_replaced(shard, connection)
    names += await asyncio.gather(*joining)
    await expect_subscriptions(redis_server, names)
    await layer.flush()


async def wait_until_replaced(shard: ShardConnection, connection: AbstractConnection) -> None:
    """Wait for the next connection of the subscriptions; fail after 10 s."""
    async with asyncio.timeout(10):
        while shard._connection in {connection, None}:  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.01)


async def expect_subscriptions(redis_server: RedisServer, names: list[str]) -> None:
    """Wait until Redis has subscriptions to just these channels; fail after 10 s."""
    subscribed: list[str] = []
    with redis_server.client() as client, contextlib.suppress(TimeoutError):
        async with asyncio.timeout(10):
            while subscribed != sorted(names):
                await asyncio.sleep(0.01)
                subscribed = sorted(channel.decode() for channel in client.pubsub_channels())
    assert subscribed == sorted(names)


async def test_it_is_flushed_at_any_moment(redis_server):
    for turns in range(1, 100, 3):
        layer = ProgressChannelLayer(hosts=[redis_server.url])
        joining = asyncio.create_task(layer.new_channel())
        for _ in range(turns):
            await asyncio.sleep(0)
        async with asyncio.timeout(10):
            await layer.flush()
            await asyncio.wait([joining])
        shard = layer._get_layer()._shards[0]
        assert shard._connection is shard._receive_task is None
    await expect_subscriptions(redis_server, [])


@pytest.mark.parametrize("was_used_meanwhile", [False, True])
async def test_the_first_message_after_an_outage_arrives(redis_server, was_used_meanwhile):
    layer, sender = (ProgressChannelLayer(hosts=[redis_server.url]) for _ in range(2))
    await join_and_leave(layer)
    redis_server.kill()
    if was_used_meanwhile:
        await join_and_leave(layer)
        async with asyncio.timeout(10):
            while layer._get_layer()._shards[0]._connection_tried.is_set():  # noqa: ASYNC110 - until nobody tries
                await asyncio.sleep(0.01)
    redis_server.start()
    name = await layer.new_channel()
    await layer.group_add("progress", name)
    await sender.group_send("progress", {"type": "test", "marker": "first"})
    assert await seconds_until_received(layer, name, "first", 5) < 5
    await layer.flush()
    await sender.flush()


async def test_connections_that_end_at_once_are_made_at_intervals(redis_server, monkeypatch):
    layer = ProgressChannelLayer(hosts=[redis_server.url])
    read_response = UnixDomainSocketConnection.read_response
    answered: set[UnixDomainSocketConnection] = set()

    async def answer_once(connection, *args, **options):
        if options.get("push_request") and connection in answered:
            raise ConnectionError("Closed by a proxy.")
        if options.get("push_request"):
            answered.add(connection)
        return await read_response(connection, *args, **options)

    monkeypatch.setattr(UnixDomainSocketConnection, "read_response", answer_once)
    await layer.new_channel()
    await asyncio.sleep(3 * channel_layer.RECONNECT_DELAY_SECONDS)
    assert 2 <= len(answered) <= 8
    await layer.flush()


async def test_members_join_where_redis_py_checks_its_connections(redis_server):
    layer = ProgressChannelLayer(hosts=[f"{redis_server.url}?health_check_interval=1"])
    await layer.new_channel()
    connection = layer._get_layer()._shards[0]._connection
    connection.next_health_check = 0
    await repeat_until_received(layer, [await layer.new_channel()], "after", to_group=False)
    assert layer._get_layer()._shards[0]._connection is connection
    await layer.flush()


async def test_many_that_join_at_once_wait_for_one_write(redis_server):
    layer = ProgressChannelLayer(hosts=[redis_server.url])
    first = await layer.new_channel()
    lock = layer._get_layer()._shards[0]._write_lock
    async with lock:  # as of a write that is under way
        joining = [asyncio.create_task(layer.new_channel()) for _ in range(500)]
        for _ in range(5):
            await asyncio.sleep(0)  # until all wait
    turns = 0
    async with asyncio.timeout(10):
        while not all(task.done() for task in joining):
            await asyncio.sleep(0)
            turns += 1
    assert turns < 100  # of the event loop: not one for each, since pages wait behind them
    await expect_subscriptions(redis_server, [first, *(task.result() for task in joining)])
    await layer.flush()


async def join_and_leave(layer: ProgressChannelLayer) -> None:
    receiving = asyncio.create_task(layer.receive(await layer.new_channel()))
    await asyncio.sleep(0)
    receiving.cancel()
    await asyncio.wait([receiving])


async def repeat_until_received(
    layer: ProgressChannelLayer, names: list[str], marker: str, *, to_group: bool = True
) -> None:
    """Send `marker` to the group or to each again and again, since Redis may be away, until all these have it."""

    async def receive(name: str) -> None:
        while (await layer.receive(name)).get("marker") != marker:
            pass

    message = {"type": "test", "marker": marker}
    async with asyncio.timeout(20):
        receiving = asyncio.gather(*map(receive, names))
        while not receiving.done():
            with contextlib.suppress(RedisError):
                if to_group:
                    await layer.group_send("progress", message)
                else:
                    await asyncio.gather(*(layer.send(name, message) for name in names))
            await asyncio.wait([receiving], timeout=0.05)
        await receiving


@pytest.mark.parametrize("junk", [b"\xc1junk", b"", b"\x93\x01\x02\x03", b"\x80"])
async def test_the_layer_keeps_listening_after_junk_in_its_channel(redis_server, junk):
    layer = ProgressChannelLayer(hosts=[redis_server.url])
    events: list[dict] = []
    layer.subscribe_handler("progress", BATCH_EVENT_TYPE, events.append)
    await layer.group_add("progress", await layer.new_channel())
    with redis_server.client() as client:
        assert client.publish("asgi__group__progress", junk) == 1
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
