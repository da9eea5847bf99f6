"""The websockets library: one Redis subscription and a `broadcast` per message, as in its documentation."""

import asyncio
import json
import sys

import redis.asyncio
from websockets.asyncio.server import ServerConnection, broadcast, serve

connections: set[ServerConnection] = set()


async def client_connected(websocket: ServerConnection) -> None:
    """Keep a connection in the set until it is closed."""
    connections.add(websocket)
    try:
        await websocket.wait_closed()
    finally:
        connections.remove(websocket)


async def main(port: int, url: str) -> None:
    """Serve, and broadcast every progress message."""
    async with serve(client_connected, "127.0.0.1", port), redis.asyncio.Redis.from_url(url) as client:
        pubsub = client.pubsub()
        await pubsub.psubscribe("progress:*")
        async for message in pubsub.listen():
            if message["type"] == "pmessage":
                data = json.loads(message["data"])
                video_id = message["channel"].decode().removeprefix("progress:")
                broadcast(connections, json.dumps({"type": "progress", "video_id": video_id, **data}))


asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
