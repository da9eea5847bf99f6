"""New epochs of the bridge, and the state that it reads from the rows."""

import json
import threading
import time

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError

from downloads.bridge import epoch
from downloads.models import Video
from downloads.progress.keys import SNAPSHOT_KEY
from downloads.tests.support.bridge import claim_video

pytestmark = pytest.mark.django_db(transaction=True)


async def test_it_rebuilds_the_snapshot_from_the_rows_after_redis_lost_it(bridge_harness):
    video = await claim_video()
    ended = await claim_video("http://example.org/ended")
    assert await sync_to_async(ended.fail)("no")
    await bridge_harness.start_bridge()
    first = await bridge_harness.listener.wait_for_batch(lambda batch: True)
    await bridge_harness.client.flushall()
    fresh = await bridge_harness.listener.wait_for_batch(lambda batch: batch["epoch"] != first["epoch"])
    statuses = {(name, json.loads(text).get("status")) for name, kind, text in fresh["messages"] if kind == "status"}
    assert (ended.video_id, "failed") in statuses
    stored = await bridge_harness.read_snapshot()
    assert stored.keys() == {"@", video.video_id}
    assert stored[video.video_id]["status"] == "downloading"


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
    await bridge_harness.listener.wait_for_batch(lambda batch: True)
    await sync_to_async(Video.objects.filter(pk=video.pk).update)(status="failed", error="it says no")
    await bridge_harness.listener.wait_for_message(video.video_id, "status", status="failed", error="it says no")
    assert video.video_id not in await bridge_harness.read_snapshot()


async def test_it_puts_back_what_was_taken_out_of_the_store(bridge_harness, monkeypatch):
    monkeypatch.setattr(epoch, "RECONCILE_INTERVAL_SECONDS", 0.3)
    video = await claim_video()
    await bridge_harness.start_bridge()
    first = await bridge_harness.listener.wait_for_batch(lambda batch: True)
    await bridge_harness.client.hset(SNAPSHOT_KEY, "stray", "{}")
    await bridge_harness.client.hdel(SNAPSHOT_KEY, video.video_id)
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


async def test_a_status_carries_the_latest_rev(bridge_harness):
    await bridge_harness.start_bridge()
    await bridge_harness.listener.wait_for_batch(lambda batch: True)
    video = await claim_video()
    message = await bridge_harness.listener.wait_for_message(video.video_id, "status", status="downloading")
    assert message["rev"] == await sync_to_async(Video.objects.latest_rev)()
    await sync_to_async(video.delete)()
    await bridge_harness.publish(video.video_id, changed=True)
    assert (await bridge_harness.listener.wait_for_message(video.video_id, "changed"))["deleted"] is True


async def test_it_sends_every_event_up_to_its_rev(bridge_harness):
    await bridge_harness.start_bridge()
    await bridge_harness.listener.wait_for_batch(lambda batch: True)
    lost = await claim_video("http://example.org/lost")
    await sync_to_async(Video.objects.filter(pk=lost.pk).update)(status="failed", error="its message was lost")
    await sync_to_async(lost.events.create)(public_id=lost.video_id, status="failed")
    published = await claim_video("http://example.org/published")
    batch = await bridge_harness.listener.wait_for_batch(
        lambda batch: any(message[0] == published.video_id for message in batch["messages"])
    )
    statuses = {
        json.loads(text)["video_id"]: json.loads(text)
        for received_batch in bridge_harness.listener.batches
        for _, kind, text in received_batch["messages"]
        if kind == "status"
    }
    assert statuses[lost.video_id]["status"] == "failed"
    assert statuses[published.video_id]["rev"] <= await sync_to_async(Video.objects.latest_rev)()
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
