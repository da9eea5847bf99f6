"""The bridge, on a real Redis and real rows."""

import asyncio
import itertools
import json
import statistics
import time

import pytest
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from downloads.bridge import epoch
from downloads.bridge import leader as bridges
from downloads.bridge.leader import Bridge
from downloads.bridge.worker_presence import WorkerPresence
from downloads.progress import keys
from downloads.progress.keys import progress_channel
from ytarchive.server.channel_layer import ProgressChannelLayer

pytestmark = pytest.mark.django_db(transaction=True)


async def test_it_carries_progress_into_the_group(bridge_harness):
    await bridge_harness.start_bridge()
    first = await bridge_harness.listener.wait_for_batch(lambda batch: True)
    assert (first["type"], first["seq"], first["messages"]) == ("progress.batch", 1, [])
    await bridge_harness.publish("demo:1", percent=42.0)
    message = await bridge_harness.listener.wait_for_message("demo:1")
    assert message == {
        "type": "progress",
        "video_id": "demo:1",
        "percent": 42.0,
        "downloaded_bytes": None,
        "total_bytes": None,
        "attempt": 1,
    }


async def test_it_never_stops_for_a_bad_message(bridge_harness, caplog, monkeypatch):
    monkeypatch.setattr(bridges, "INVALID_MESSAGE_LOG_INTERVAL_SECONDS", 3600.0)
    bridge = await bridge_harness.start_bridge()
    await bridge_harness.listener.wait_for_batch(lambda batch: True)
    invalid_messages = [
        b"",
        b"\xff\xfe",
        b"[" * 200_000,
        b"null",
        b'{"type":"websocket.disconnect"}',
        b'{"percent": NaN}',
    ]
    for data in invalid_messages:
        await bridge_harness.client.publish("progress:demo", data)
        await bridge_harness.client.publish("progress:a b:*?[", data)
        await bridge_harness.client.publish("progress:", data)
    await bridge_harness.publish("demo", percent=1.0)
    await bridge_harness.listener.wait_for_message("demo", percent=1.0)
    dropped = {name.removeprefix("messages_dropped."): count for name, count in bridge.counters.counts.items()}
    assert sum(dropped[reason] for reason in ("no_json", "no_object", "no_field", "too_long")) == len(invalid_messages)
    assert dropped["bad_id"] == 2 * len(invalid_messages)
    assert caplog.text.count("invalid message") == 1


async def test_it_writes_the_store_before_it_sends(bridge_harness):
    await bridge_harness.start_bridge()
    await bridge_harness.publish("a", percent=1.0)
    await bridge_harness.listener.wait_for_batch(lambda batch: batch["seq"] == 1)
    for percent in range(20):
        await bridge_harness.publish("a", percent=float(percent))
        await bridge_harness.publish("b", status="complete")
        batch = await bridge_harness.listener.wait_for_batch(
            lambda batch, text=f'"percent":{float(percent)}': text in str(batch["messages"])
        )
        stored = await bridge_harness.read_snapshot()
        assert stored["@"]["epoch"] == batch["epoch"]
        assert stored["@"]["seq"] >= batch["seq"]
        assert "b" not in stored
    assert stored["a"]["percent"] == 19


async def test_it_sends_no_more_often_than_ticks_however_much_is_published(bridge_harness):
    await bridge_harness.start_bridge(tick=0.2)
    await bridge_harness.listener.wait_for_batch(lambda batch: True)
    pipe = bridge_harness.client.pipeline(transaction=False)
    began = time.monotonic()
    for number in range(3000):
        pipe.publish(progress_channel(f"v{number % 20}"), f'{{"percent": {number % 100}}}')
        if number % 100 == 99:
            await pipe.execute()
    await bridge_harness.publish("last", percent=1.0)
    await bridge_harness.listener.wait_for_message("last")
    max_batches = (time.monotonic() - began) / 0.2 + 2
    assert len(bridge_harness.listener.batches) - 1 <= max_batches


@pytest.mark.alone
async def test_it_sends_heartbeats_when_nothing_happens(bridge_harness):
    await bridge_harness.start_bridge()
    await bridge_harness.listener.wait_for_batch(lambda batch: True)
    received_at = [time.monotonic()]
    for seq in (2, 3, 4):
        batch = await bridge_harness.listener.wait_for_batch(lambda batch: True)
        received_at.append(time.monotonic())
        assert (batch["seq"], batch["messages"]) == (seq, [])
    intervals = [later - earlier for earlier, later in itertools.pairwise(received_at)]
    assert 1.0 < statistics.median(intervals) <= 2.0


@pytest.mark.alone
@pytest.mark.parametrize("outage", ["killed", "frozen"])
async def test_it_survives_redis_going_away(bridge_harness, outage):
    await bridge_harness.start_bridge(response_timeout=1.0)
    first = await bridge_harness.listener.wait_for_batch(lambda batch: True)
    if outage == "killed":
        bridge_harness.server.kill()
        await asyncio.sleep(6)  # longer than redis-py retries: its listeners end after 4 to 5 s
        await asyncio.to_thread(bridge_harness.server.start)
    else:
        bridge_harness.server.freeze()
        await asyncio.sleep(3)
        bridge_harness.server.resume()
    back = time.monotonic()
    await bridge_harness.listener.wait_for_batch(lambda batch: batch["epoch"] != first["epoch"])
    await bridge_harness.publish("demo", percent=1.0)
    await bridge_harness.listener.wait_for_message("demo")
    assert time.monotonic() - back < 5


@pytest.mark.alone
async def test_it_leads_alone_and_gives_the_lease_back_when_stopped(bridge_harness):
    leader = await bridge_harness.start_bridge()
    first = await bridge_harness.listener.wait_for_batch(lambda batch: True)
    await bridge_harness.start_bridge()
    for seq in (2, 3):
        batch = await bridge_harness.listener.wait_for_batch(lambda batch: True)
        assert (batch["epoch"], batch["seq"]) == (first["epoch"], seq)
    leader.stop()
    stopped = time.monotonic()
    await bridge_harness.listener.wait_for_batch(lambda batch: batch["epoch"] != first["epoch"])
    assert time.monotonic() - stopped < 10, "the lease would have lasted for 60 s"


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


async def test_it_tells_pages_that_the_last_worker_is_gone_and_that_one_is_back(bridge_harness, redis_server):
    with redis_server.client() as client:
        client.set(keys.WORKER_SEEN_KEY, 1)
        presence, changes = WorkerPresence(), []
        async with bridge_harness.client.pubsub() as pubsub:
            await pubsub.psubscribe("progress:queue:*")
            for act in (None, lambda: client.delete(keys.WORKER_SEEN_KEY), lambda: client.set(keys.WORKER_SEEN_KEY, 1)):
                if act:
                    act()
                for _ in range(2):
                    await presence.publish_change(bridge_harness.client)
            while message := await pubsub.get_message(ignore_subscribe_messages=False, timeout=0.3):
                if message["type"] == "pmessage":
                    changes.append(message)
    assert len({message["channel"] for message in changes}) == len(changes) == 2
    assert all(json.loads(message["data"])["changed"] is True for message in changes)


async def test_it_tells_pages_again_while_no_worker_runs(bridge_harness, redis_server):
    """A page that was opened while everything was starting does not say it yet."""
    with redis_server.client() as client:
        client.delete(keys.WORKER_SEEN_KEY)
    moments = iter([0.0, 1.0, 31.0, 31.0, 40.0])
    presence = WorkerPresence(lambda: next(moments))
    async with bridge_harness.client.pubsub() as pubsub:
        await pubsub.psubscribe("progress:queue:*")
        await pubsub.get_message(timeout=1)
        for expected in (False, True, False):
            await presence.publish_change(bridge_harness.client)
            message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=0.3)
            assert (message is not None) == expected
