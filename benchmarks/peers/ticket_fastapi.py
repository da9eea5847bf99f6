"""FastAPI on uvicorn with one Redis subscription per WebSocket: the design of the project's first ticket.

The router is the ticket's; its connection manager is left out, since nothing is sent through it.
"""

import asyncio
import json
import sys

import redis.asyncio
import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
# redis-py 8 allows 100 connections by default, so the 101st client would fail.
client = redis.asyncio.Redis.from_url(sys.argv[2], max_connections=10_000)


@app.websocket("/ws/progress")
async def websocket_progress(websocket: WebSocket):
    """Forward every progress message to one client."""
    await websocket.accept()
    pubsub = client.pubsub()
    try:
        await pubsub.psubscribe("progress:*")
        while True:
            message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=1.0)
            if message and message["type"] == "pmessage":
                data = json.loads(message["data"])
                await websocket.send_json(
                    {
                        "type": "progress",
                        "video_id": message["channel"].decode().split(":")[1],
                        "percent": data.get("percent", 0),
                        "downloaded_bytes": data.get("downloaded_bytes"),
                        "total_bytes": data.get("total_bytes"),
                    }
                )
            try:
                if await asyncio.wait_for(websocket.receive_text(), timeout=0.1) == "ping":
                    await websocket.send_text("pong")
            except TimeoutError:
                pass
    except WebSocketDisconnect:
        pass
    finally:
        await pubsub.aclose()


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
