"""The process between Redis and the channel layer: a `group_send` per message."""

import asyncio
import json
import os

import django
import redis.asyncio
from channels.layers import get_channel_layer

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "plain_channels.settings")
django.setup()


async def main() -> None:
    """Send every progress message to the group."""
    layer = get_channel_layer()
    async with redis.asyncio.Redis.from_url(os.environ["REDIS_URL"]) as client, client.pubsub() as pubsub:
        await pubsub.psubscribe("progress:*")
        async for message in pubsub.listen():
            if message["type"] == "pmessage":
                video_id = message["channel"].decode().removeprefix("progress:")
                content = {"type": "progress", "video_id": video_id, **json.loads(message["data"])}
                await layer.group_send("progress", {"type": "progress.update", "content": content})


asyncio.run(main())
