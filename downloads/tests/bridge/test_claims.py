"""Claims about rows: messages that anybody may send, and that only the row can confirm."""

import json

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError

from downloads.bridge import claims as claims_module
from downloads.bridge import rows
from downloads.bridge.claims import ClaimQueue
from downloads.models import Video
from downloads.progress.counters import Counters
from downloads.progress.message import Progress
from downloads.tests.support.bridge import claim_video

pytestmark = pytest.mark.django_db(transaction=True)

FALSE_CLAIMS = [
    {"attempt": 2, "percent": 99.0},
    {"attempt": 10**9, "percent": 1.0},
    {"attempt": 10**9, "status": "downloading"},
    {"status": "complete"},
    {"status": "complete", "attempt": 7, "percent": 100.0},
    {"status": "failed", "error": "It is gone"},
    {"status": "cancelled"},
    {"status": "queued"},
    {"status": "queued", "attempt": 2, "changed": True},
    {"status": "processing", "phase": "merging"},
]


def statuses_about(bridge_harness, video_id):
    """Return (status, attempt) of all messages so far about a video that have one."""
    contents = [
        json.loads(text)
        for batch in bridge_harness.listener.batches
        for name, kind, text in batch["messages"]
        if name == video_id and kind != "changed"
    ]
    return {(content["status"], content["attempt"]) for content in contents if "status" in content}


async def start(bridge_harness):
    bridge = await bridge_harness.start_bridge()
    await bridge_harness.listener.wait_for_batch(lambda batch: True)
    return bridge


async def test_no_claim_touches_the_bar_of_a_row_that_runs(bridge_harness):
    video = await claim_video()
    bridge = await start(bridge_harness)
    for number, claim in enumerate(FALSE_CLAIMS):
        await bridge_harness.publish(video.video_id, **claim)
        await bridge_harness.publish(video.video_id, attempt=1, percent=float(number))
        await bridge_harness.listener.wait_for_message(video.video_id, percent=float(number))
        # A claim that is not judged yet would be replaced by the next.
        while bridge.counters.counts["messages_dropped.contradicts_row"] <= number:
            await bridge_harness.listener.wait_for_batch(lambda batch: True)
    await bridge_harness.listener.wait_for_batch(lambda batch: not batch["messages"])
    assert statuses_about(bridge_harness, video.video_id) == {("downloading", 1)}
    assert len({batch["epoch"] for batch in bridge_harness.listener.batches}) == 1
    stored = (await bridge_harness.read_snapshot())[video.video_id]
    assert (stored["status"], stored["percent"]) == ("downloading", float(len(FALSE_CLAIMS) - 1))
    assert bridge.counters.counts["messages_dropped.contradicts_row"] == len(FALSE_CLAIMS)


async def test_a_claim_that_the_row_confirms_is_sent_in_the_same_tick(bridge_harness):
    video = await claim_video()
    await start(bridge_harness)
    await bridge_harness.publish(video.video_id, attempt=1, percent=57.0)
    await bridge_harness.listener.wait_for_message(video.video_id, percent=57.0)
    assert await sync_to_async(video.start_processing)("merging")
    message = await bridge_harness.listener.wait_for_message(video.video_id, "status", status="processing")
    assert message["percent"] == 57.0  # that of the row is older
    assert await sync_to_async(video.fail)("It says no")
    await bridge_harness.listener.wait_for_message(video.video_id, "status", status="failed", error="It says no")
    assert await sync_to_async(video.retry)()
    await bridge_harness.listener.wait_for_message(video.video_id, "status", status="queued", attempt=2)
    assert await sync_to_async(Video.objects.claim)("worker")
    await bridge_harness.listener.wait_for_message(video.video_id, "status", status="downloading", attempt=2)
    await bridge_harness.publish(video.video_id, attempt=2, percent=3.0)
    await bridge_harness.listener.wait_for_message(video.video_id, percent=3.0, attempt=2)


async def test_a_claim_about_an_ended_row_does_not_start_it_again(bridge_harness):
    video = await claim_video()
    assert await sync_to_async(video.fail)("It says no")
    await start(bridge_harness)
    await bridge_harness.publish(video.video_id, status="failed", error="Send money to ann")
    await bridge_harness.publish(video.video_id, attempt=5, percent=50.0)
    await bridge_harness.publish(video.video_id, attempt=5, status="downloading", percent=50.0)
    await bridge_harness.publish("demo", percent=1.0)
    await bridge_harness.listener.wait_for_message("demo")
    await bridge_harness.listener.wait_for_batch(lambda batch: not batch["messages"])
    assert statuses_about(bridge_harness, video.video_id) <= {("failed", 1)}
    assert "Send money" not in json.dumps(bridge_harness.listener.batches)
    assert video.video_id not in await bridge_harness.read_snapshot()


async def test_a_claim_about_a_deleted_row_says_that_it_is_deleted(bridge_harness):
    video = await claim_video()
    await start(bridge_harness)
    await sync_to_async(video.delete)()
    await bridge_harness.publish(video.video_id, status="complete")
    message = await bridge_harness.listener.wait_for_message(video.video_id, "changed")
    assert message["deleted"] is True
    assert video.video_id not in await bridge_harness.read_snapshot()


async def test_an_id_in_another_case_is_another_id(bridge_harness):
    video = await claim_video()
    await start(bridge_harness)
    other_id = video.video_id.swapcase()
    await bridge_harness.publish(other_id, status="complete", attempt=4)
    await bridge_harness.listener.wait_for_message(other_id, "status", status="complete")
    assert statuses_about(bridge_harness, video.video_id) <= {("downloading", 1)}
    assert video.video_id in await bridge_harness.read_snapshot()


async def test_a_flood_of_claims_costs_a_query_a_tick_and_delays_nobody(bridge_harness, monkeypatch):
    videos = [await claim_video(f"http://{number}.example.org/v") for number in range(3)]
    bridge = await start(bridge_harness)
    queries, original = [], rows._fetch_in_chunks
    monkeypatch.setattr(
        rows, "_fetch_in_chunks", lambda videos, ids: queries.append(len(list(ids))) or original(videos, ids)
    )
    for number in range(20):
        pipe = bridge_harness.client.pipeline(transaction=False)
        for _ in range(100):
            for claim in (*FALSE_CLAIMS[:1], *FALSE_CLAIMS[3:5]):
                pipe.publish(f"progress:{videos[0].video_id}", Progress(**claim).to_json())
        await pipe.execute()
        await bridge_harness.publish(videos[1].video_id, attempt=1, percent=float(number))
        await bridge_harness.listener.wait_for_message(videos[1].video_id, percent=float(number))
    assert await sync_to_async(videos[2].fail)("It says no")
    await bridge_harness.listener.wait_for_message(videos[2].video_id, "status", status="failed")
    assert statuses_about(bridge_harness, videos[0].video_id) <= {("downloading", 1)}
    assert len(queries) <= 2 * len(bridge_harness.listener.batches)
    assert max(queries) <= claims_module.MAX_CLAIMS_PER_CHECK
    assert bridge.counters.counts["messages_taken"] > 6000


class Outage:
    """Queries of the bridge that fail while `is_on`."""

    def __init__(self, monkeypatch):
        self.is_on = False
        run_query = rows._run_with_usable_connection

        def run(query):
            if self.is_on:
                raise OperationalError("database is locked")
            return run_query(query)

        monkeypatch.setattr(rows, "_run_with_usable_connection", run)


@pytest.fixture
def outage(monkeypatch):
    return Outage(monkeypatch)


async def test_it_holds_claims_back_while_the_database_is_away(bridge_harness, outage):
    running, failed = await claim_video(), await claim_video("http://failed.example.org/v")
    await start(bridge_harness)
    outage.is_on = True
    await bridge_harness.publish(running.video_id, status="complete")
    await sync_to_async(failed.fail)("It says no")
    await bridge_harness.publish(running.video_id, attempt=1, percent=9.0)
    await bridge_harness.listener.wait_for_message(running.video_id, percent=9.0)
    await bridge_harness.listener.wait_for_batch(lambda batch: not batch["messages"])
    assert statuses_about(bridge_harness, failed.video_id) <= {("downloading", 1)}
    outage.is_on = False
    await bridge_harness.listener.wait_for_message(failed.video_id, "status", status="failed", error="It says no")
    assert statuses_about(bridge_harness, running.video_id) == {("downloading", 1)}


async def test_a_bridge_that_starts_without_the_database_believes_no_claim(bridge_harness, outage):
    video = await claim_video()
    first = await start(bridge_harness)
    for video_id in (video.video_id, "demo"):
        await bridge_harness.publish(video_id, percent=9.0)
        await bridge_harness.listener.wait_for_message(video_id)
    outage.is_on = True
    first.stop()
    await bridge_harness.running[first]
    await start(bridge_harness)
    for video_id in (video.video_id, "demo"):
        await bridge_harness.publish(video_id, status="complete")
        await bridge_harness.publish(video_id, percent=10.0)
        await bridge_harness.listener.wait_for_message(video_id, percent=10.0)
    outage.is_on = False
    await bridge_harness.listener.wait_for_message("demo", "status", status="complete")
    assert statuses_about(bridge_harness, video.video_id) == {("downloading", 1)}
    assert video.video_id in await bridge_harness.read_snapshot()


def test_it_checks_the_oldest_claims_first_and_not_too_many(monkeypatch):
    monkeypatch.setattr(claims_module, "MAX_HELD_CLAIMS", 3)
    monkeypatch.setattr(claims_module, "MAX_CLAIMS_PER_CHECK", 2)
    counters = Counters()
    queue = ClaimQueue(counters)
    for video_id in "abacd":
        queue.hold(video_id, Progress(status="complete"))
    assert counters.counts == {"messages_dropped.too_many_claims": 1}
    assert list(queue.take_due(10.0)) == ["a", "b"]
    queue.pause(10.0, 10.5)
    assert not queue.is_due(11.9)
    assert list(queue.take_due(12.0)) == ["c"]
    queue.put_back({"c": Progress(status="complete")}, 12.0)
    assert not queue.take_due(12.5)
    assert list(queue.take_due(13.0)) == ["c"]
