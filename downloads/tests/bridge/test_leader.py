"""The bridge, on a real Redis and real rows."""

import asyncio
import json
import signal
import threading
import time

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError

from downloads.bridge import epoch
from downloads.bridge import leader as bridges
from downloads.models import Video
from downloads.progress.keys import LEADER_KEY, SNAPSHOT_KEY, progress_channel
from downloads.tests.support.bridge import claim_video
from downloads.tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


async def test_it_carries_progress_into_the_group(bridge_harness):
    await bridge_harness.start_bridge()
    first = await bridge_harness.listener.wait_for_batch(lambda batch: True)
    assert (first["type"], first["seq"], first["messages"]) == ("progress.batch", 1, [])
    await bridge_harness.publish("demo:1", percent=42.0)
    found = await bridge_harness.listener.wait_for_message("demo:1")
    assert found == {
        "type": "progress",
        "video_id": "demo:1",
        "percent": 42.0,
        "downloaded_bytes": None,
        "total_bytes": None,
        "attempt": 1,
    }


async def test_it_never_stops_for_a_bad_message(bridge_harness, caplog):
    found = await bridge_harness.start_bridge()
    await bridge_harness.listener.wait_for_batch(lambda batch: True)
    poison = [b"", b"\xff\xfe", b"[" * 200_000, b"null", b'{"type":"websocket.disconnect"}', b'{"percent": NaN}']
    for data in poison:
        await bridge_harness.client.publish("progress:demo", data)
        await bridge_harness.client.publish("progress:a b:*?[", data)
        await bridge_harness.client.publish("progress:", data)
    await bridge_harness.publish("demo", percent=1.0)
    await bridge_harness.listener.wait_for_message("demo", percent=1.0)
    dropped = {name.removeprefix("messages_dropped."): count for name, count in found.counters.counts.items()}
    assert sum(dropped[reason] for reason in ("no_json", "no_object", "no_field", "too_long")) == len(poison)
    assert dropped["bad_id"] == 2 * len(poison)
    assert caplog.text.count("cannot be used") == 1


async def test_it_writes_the_store_before_it_sends(bridge_harness):
    await bridge_harness.start_bridge()
    await bridge_harness.publish("a", percent=1.0)
    await bridge_harness.listener.wait_for_batch(lambda batch: batch["seq"] == 1)
    for percent in range(20):
        await bridge_harness.publish("a", percent=float(percent))
        await bridge_harness.publish("b", status="complete")
        batch = await bridge_harness.listener.wait_for_batch(lambda batch: bool(batch["messages"]))
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
    allowed = (time.monotonic() - began) / 0.2 + 2
    assert len(bridge_harness.listener.batches) - 1 <= allowed


@pytest.mark.alone
async def test_it_sends_heartbeats_when_nothing_happens(bridge_harness):
    await bridge_harness.start_bridge()
    await bridge_harness.listener.wait_for_batch(lambda batch: True)
    began = time.monotonic()
    second = await bridge_harness.listener.wait_for_batch(lambda batch: batch["seq"] == 2, 3)
    assert second["messages"] == []
    assert 1.0 < time.monotonic() - began <= 2.0


async def test_it_rebuilds_the_snapshot_from_the_rows_after_redis_lost_it(bridge_harness):
    video = await claim_video()
    ended = await claim_video("http://example.org/ended")
    assert await sync_to_async(ended.fail)("no")
    await bridge_harness.start_bridge()
    first = await bridge_harness.listener.wait_for_batch(lambda batch: True)
    await bridge_harness.client.flushall()
    fresh = await bridge_harness.listener.wait_for_batch(lambda batch: batch["epoch"] != first["epoch"])
    told = {(name, json.loads(text).get("status")) for name, kind, text in fresh["messages"] if kind == "status"}
    assert (ended.video_id, "failed") in told
    stored = await bridge_harness.read_snapshot()
    assert stored.keys() == {"@", video.video_id}
    assert stored[video.video_id]["status"] == "downloading"


@pytest.mark.alone
@pytest.mark.parametrize("outage", ["killed", "frozen"])
async def test_it_survives_redis_going_away(bridge_harness, outage):
    await bridge_harness.start_bridge()
    first = await bridge_harness.listener.wait_for_batch(lambda batch: True)
    if outage == "killed":
        bridge_harness.server.kill()
        await asyncio.sleep(6)  # longer than redis-py's own patience: its listeners end after 4 to 5 s
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


async def test_a_lost_subscription_begins_a_new_epoch(bridge_harness):
    await bridge_harness.start_bridge()
    first = await bridge_harness.listener.wait_for_batch(lambda batch: True)
    video = await claim_video()
    await bridge_harness.client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    fresh = await bridge_harness.listener.wait_for_batch(lambda batch: batch["epoch"] != first["epoch"])
    assert fresh["seq"] == 1
    assert video.video_id in await bridge_harness.read_snapshot()


async def test_it_puts_right_what_contradicts_the_rows(bridge_harness, monkeypatch):
    monkeypatch.setattr(epoch, "RECONCILE_INTERVAL_SECONDS", 0.3)
    video = await claim_video()
    await bridge_harness.start_bridge()
    first = await bridge_harness.listener.wait_for_batch(lambda batch: True)
    await bridge_harness.publish(video.video_id, status="complete")
    await bridge_harness.listener.wait_for_message(video.video_id, "status", status="complete")
    await bridge_harness.listener.wait_for_batch(lambda batch: batch["epoch"] != first["epoch"])
    assert video.video_id in await bridge_harness.read_snapshot()
    await sync_to_async(Video.objects.filter(pk=video.pk).update)(status="failed", error="it says no")
    await bridge_harness.listener.wait_for_message(video.video_id, "status", status="failed", error="it says no")
    assert video.video_id not in await bridge_harness.read_snapshot()


async def test_it_puts_back_what_was_taken_out_of_the_store(bridge_harness, monkeypatch):
    monkeypatch.setattr(epoch, "RECONCILE_INTERVAL_SECONDS", 0.3)
    video = await claim_video()
    await bridge_harness.start_bridge()
    first = await bridge_harness.listener.wait_for_batch(lambda batch: True)
    await bridge_harness.client.hdel(SNAPSHOT_KEY, video.video_id)
    await bridge_harness.client.hset(SNAPSHOT_KEY, "stray", "{}")
    await bridge_harness.listener.wait_for_message(video.video_id)
    assert (await bridge_harness.read_snapshot()).keys() == {"@", video.video_id}
    await bridge_harness.client.delete(SNAPSHOT_KEY)
    await bridge_harness.listener.wait_for_batch(
        lambda batch: batch["epoch"] != first["epoch"] or bool(batch["messages"])
    )
    assert (await bridge_harness.read_snapshot()).keys() == {"@", video.video_id}


@pytest.mark.alone
async def test_it_sends_heartbeats_while_the_database_hangs(bridge_harness, monkeypatch):
    await bridge_harness.start_bridge()
    await bridge_harness.listener.wait_for_batch(lambda batch: True)
    hangs = threading.Event()
    monkeypatch.setattr("downloads.bridge.rows._run_with_usable_connection", lambda question: hangs.wait(20))
    try:
        await bridge_harness.publish("demo", percent=1.0)
        began = time.monotonic()
        await bridge_harness.listener.wait_for_message("demo")
        await bridge_harness.publish("demo", status="complete")
        await bridge_harness.listener.wait_for_message("demo", "status")
        assert time.monotonic() - began < 2.5
        await bridge_harness.listener.wait_for_batch(lambda batch: not batch["messages"], 2.5)
    finally:
        hangs.set()


@pytest.mark.alone
async def test_it_leads_alone_and_gives_the_lease_back_when_stopped(bridge_harness):
    one = await bridge_harness.start_bridge()
    first = await bridge_harness.listener.wait_for_batch(lambda batch: True)
    await bridge_harness.start_bridge()
    for seq in (2, 3):
        batch = await bridge_harness.listener.wait_for_batch(lambda batch: True)
        assert (batch["epoch"], batch["seq"]) == (first["epoch"], seq)
    one.stop()
    stopped = time.monotonic()
    await bridge_harness.listener.wait_for_batch(lambda batch: batch["epoch"] != first["epoch"])
    assert time.monotonic() - stopped < bridges.LEASE_RETRY_SECONDS + 1


async def test_a_status_carries_the_latest_rev(bridge_harness):
    await bridge_harness.start_bridge()
    await bridge_harness.listener.wait_for_batch(lambda batch: True)
    video = await claim_video()
    found = await bridge_harness.listener.wait_for_message(video.video_id, "status", status="downloading")
    assert found["rev"] == await sync_to_async(Video.objects.latest_rev)()
    await sync_to_async(video.delete)()
    await bridge_harness.publish(video.video_id, changed=True)
    assert (await bridge_harness.listener.wait_for_message(video.video_id, "changed"))["deleted"] is True


async def test_it_sends_every_event_up_to_its_rev(bridge_harness):
    await bridge_harness.start_bridge()
    await bridge_harness.listener.wait_for_batch(lambda batch: True)
    lost = await claim_video("http://example.org/lost")
    await sync_to_async(Video.objects.filter(pk=lost.pk).update)(status="failed", error="its message was lost")
    await sync_to_async(lost.events.create)(public_id=lost.video_id, status="failed")
    told = await claim_video("http://example.org/told")
    batch = await bridge_harness.listener.wait_for_batch(
        lambda batch: any(found[0] == told.video_id for found in batch["messages"])
    )
    heard = {
        json.loads(text)["video_id"]: json.loads(text)
        for seen in bridge_harness.listener.batches
        for _, kind, text in seen["messages"]
        if kind == "status"
    }
    assert heard[lost.video_id]["status"] == "failed"
    assert heard[told.video_id]["rev"] <= await sync_to_async(Video.objects.latest_rev)()
    assert batch["epoch"] == bridge_harness.listener.batches[0]["epoch"]


async def test_it_goes_on_when_the_rows_cannot_be_read(bridge_harness, monkeypatch, caplog):
    def locked(*args):
        raise OperationalError("database is locked")

    monkeypatch.setattr("downloads.bridge.rows._fetch_in_chunks", locked)
    await bridge_harness.start_bridge()
    await bridge_harness.listener.wait_for_batch(lambda batch: True)
    await bridge_harness.publish("demo", percent=1.0)
    await bridge_harness.listener.wait_for_message("demo")
    assert "the database does not answer" in caplog.text


@pytest.mark.alone
@pytest.mark.processes
def test_another_bridge_takes_over_when_the_leader_is_killed_or_paused(redis_server, run_manage, transactional_db):
    client = redis_server.client()

    def epoch() -> str:
        return json.loads(client.hget(SNAPSHOT_KEY, "@") or b"{}").get("epoch", "")

    one = run_manage("bridge_progress")
    wait_until(epoch, 20, "the first bridge leads")
    two = run_manage("bridge_progress")
    before = epoch()
    one.kill()
    killed = time.monotonic()
    wait_until(lambda: epoch() != before, 20, "the second bridge leads")
    assert time.monotonic() - killed <= 5
    # A paused leader that wakes up does not speak with its stale lease.
    run_manage("bridge_progress")
    before = epoch()
    heard: list[bytes] = []
    with client.pubsub(ignore_subscribe_messages=True) as pubsub:
        pubsub.subscribe("ytarchive__group__progress")

        def hears(name: str) -> bool:
            """Whether the newest batch is of that epoch: what a bridge sent before its pause came before it."""
            if message := pubsub.get_message(timeout=0.2):
                heard.append(message["data"])
            return bool(heard) and name.encode() in heard[-1]

        wait_until(lambda: hears(before), 20, "the second bridge is heard")
        two.send_signal(signal.SIGSTOP)
        wait_until(lambda: epoch() != before, 20, "the third bridge leads")
        after = epoch()
        wait_until(lambda: hears(after), 20, "the third bridge is heard")
        heard.clear()
        log = two.log.read_text()
        two.send_signal(signal.SIGCONT)
        wait_until(lambda: two.log.read_text() != log, 20, "it notices")
        for _ in range(20):
            hears(after)
    assert heard
    assert not [data for data in heard if before.encode() in data]
    assert epoch() == after
    assert client.get(LEADER_KEY)
