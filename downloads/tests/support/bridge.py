"""The bridge with a real Redis and database, and a member of its group."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

import redis.asyncio
from asgiref.sync import sync_to_async
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from downloads.bridge.leader import Bridge
from downloads.models import Video
from downloads.progress.keys import SNAPSHOT_HEAD_FIELD, SNAPSHOT_KEY, progress_channel
from downloads.progress.message import Progress
from downloads.tests.support.redis_server import RedisServer
from ytarchive.server.channel_layer import ProgressChannelLayer

# Long for a loaded machine, and shorter than RECONCILE_INTERVAL_SECONDS, which would repair what a bug leaves out.
BATCH_TIMEOUT_SECONDS = 20.0


def read_epoch(client: redis.Redis) -> str:
    """Return the epoch of the bridge that leads, "" for none."""
    head: Any = client.hget(SNAPSHOT_KEY, SNAPSHOT_HEAD_FIELD)
    return json.loads(head or b"{}").get("epoch", "")


class GroupMember:
    """A member of the group `progress`, as a consumer is, that keeps the batches it receives."""

    def __init__(self, layer: ProgressChannelLayer) -> None:
        self.layer = layer
        self.batches: list[dict] = []

    async def join(self) -> None:
        self.name = await self.layer.new_channel()
        await self.layer.group_add("progress", self.name)

    async def wait_for_batch(self, holds: Callable[[dict], bool], seconds: float = BATCH_TIMEOUT_SECONDS) -> dict:
        """Return the first batch from now on for which `holds`."""
        async with asyncio.timeout(seconds):
            while True:
                batch = await self.layer.receive(self.name)
                self.batches.append(batch)
                if holds(batch):
                    return batch

    async def wait_for_message(self, video_id: str, kind: str = "progress", **fields) -> dict:
        """Wait for a message about `video_id` with these fields, and return it."""

        def matching_content(batch: dict) -> dict | None:
            for name, sort, text in batch["messages"]:
                content = json.loads(text)
                if (name, sort) == (video_id, kind) and content.items() >= fields.items():
                    return content
            return None

        message = matching_content(await self.wait_for_batch(lambda batch: matching_content(batch) is not None))
        assert message is not None
        return message


class BridgeHarness:
    """A Redis, a publisher, a listener, and bridges of this process."""

    def __init__(self, server: RedisServer) -> None:
        self.server = server
        self.layer = ProgressChannelLayer(
            hosts=[{"address": server.url, "retry": Retry(NoBackoff(), 0)}], prefix="ytarchive"
        )
        self.listener = GroupMember(self.layer)
        self.client = redis.asyncio.Redis.from_url(server.url)
        self.running: dict[Bridge, asyncio.Task[None]] = {}

    async def start_bridge(self, tick: float = 0.05, response_timeout: float = 20.0) -> Bridge:
        client = redis.asyncio.Redis.from_url(
            self.server.url, socket_timeout=response_timeout, retry=Retry(NoBackoff(), 0)
        )
        bridge = Bridge(client, self.layer, tick)
        self.running[bridge] = asyncio.create_task(bridge.run())
        return bridge

    async def publish(self, video_id: str, **fields) -> None:
        await self.client.publish(progress_channel(video_id), Progress(**fields).to_json())

    async def read_snapshot(self) -> dict[str, dict]:
        snapshot = await self.client.hgetall(SNAPSHOT_KEY)
        return {name.decode(): json.loads(text) for name, text in snapshot.items()}

    async def close(self) -> None:
        for bridge, task in self.running.items():
            bridge.stop()
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            await bridge.redis_client.aclose()
        await self.client.aclose()
        await self.layer.flush()


@sync_to_async
def claim_video(url: str = "http://example.org/v") -> Video:
    Video.objects.ingest(url, url)
    video = Video.objects.claim("worker")
    assert video
    return video
