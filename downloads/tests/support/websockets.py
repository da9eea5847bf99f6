"""WebSocket clients of the ASGI application, without a network."""

import json

from channels.testing import WebsocketCommunicator

from downloads.progress.keys import SNAPSHOT_KEY
from ytarchive.asgi import application

HOST_HEADER = (b"host", b"127.0.0.1:8000")


V2 = "ytarchive.progress.v2"
EMPTY_BATCH_EVENT = {"type": "progress.batch", "epoch": "e", "seq": 1, "messages": []}


def websocket_communicator(*, subprotocols=(), headers=(), path="/ws/progress") -> WebsocketCommunicator:
    return WebsocketCommunicator(application, path, [HOST_HEADER, *headers], subprotocols=list(subprotocols))


def uncompacted_batch_event(seq: int, *messages, epoch: str = "e") -> dict:
    """A batch as the bridge sends it."""
    encoded_messages = [
        [video_id, kind, json.dumps({"type": kind, "video_id": video_id, **fields})]
        for video_id, kind, fields in messages
    ]
    return {**EMPTY_BATCH_EVENT, "epoch": epoch, "seq": seq, "messages": encoded_messages}


def progress_message(video_id: str, percent: float | None, **rest):
    fields = {"percent": percent, "downloaded_bytes": None, "total_bytes": None, **rest}
    return (video_id, "progress", json.loads(json.dumps(fields)))


def compact_texts(event: dict) -> dict:
    """The event with its texts as the bridge encodes them."""
    event["messages"] = [
        [video_id, kind, json.dumps(json.loads(text), separators=(",", ":"))]
        for video_id, kind, text in event["messages"]
    ]
    return event


def store_snapshot(redis_server, *frames: dict, epoch: str = "e", seq: int = 0) -> None:
    with redis_server.client() as redis:
        redis.hset(SNAPSHOT_KEY, "@", json.dumps({"epoch": epoch, "seq": seq, "rev": 3, "at": 1}))
        for frame in frames:
            redis.hset(SNAPSHOT_KEY, frame["video_id"], json.dumps(frame, separators=(",", ":")))


def active_frame(video_id: str, percent: float | None, **rest) -> dict:
    base = {"type": "progress", "video_id": video_id, "percent": percent, "downloaded_bytes": 1, "total_bytes": 2}
    return {**base, **rest}
