"""python-socketio on aiohttp, as in MeTube: one emit per message."""

import asyncio
import json
import sys

import redis.asyncio
import socketio
from aiohttp import web

sio = socketio.AsyncServer(async_mode="aiohttp", cors_allowed_origins="*")
app = web.Application()
sio.attach(app)


async def forward(url: str) -> None:
    """Emit every progress message to all clients."""
    async with redis.asyncio.Redis.from_url(url) as client, client.pubsub() as pubsub:
        await pubsub.psubscribe("progress:*")
        async for message in pubsub.listen():
            if message["type"] == "pmessage":
                data = json.loads(message["data"])
                video_id = message["channel"].decode().removeprefix("progress:")
                await sio.emit("progress", {"type": "progress", "video_id": video_id, **data})


async def start_forwarding(_: web.Application) -> None:
    """Start forwarding when the server starts."""
    app["forward"] = asyncio.create_task(forward(sys.argv[2]))


app.on_startup.append(start_forwarding)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
