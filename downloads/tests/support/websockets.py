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
    found = [
        [video_id, kind, json.dumps({"type": kind, "video_id": video_id, **rest})] for video_id, kind, rest in messages
    ]
    return {**EMPTY_BATCH_EVENT, "epoch": epoch, "seq": seq, "messages": found}


def progress_message(video_id: str, percent: float | None, **rest):
    fields = {"percent": percent, "downloaded_bytes": None, "total_bytes": None, **rest}
    return (video_id, "progress", json.loads(json.dumps(fields)))


def compact_texts(found: dict) -> dict:
    """The event with its texts as the bridge encodes them."""
    found["messages"] = [[a, b, json.dumps(json.loads(c), separators=(",", ":"))] for a, b, c in found["messages"]]
    return found


def store_snapshot(redis_server, *texts: dict, epoch: str = "e", seq: int = 0) -> None:
    with redis_server.client() as redis:
        redis.hset(SNAPSHOT_KEY, "@", json.dumps({"epoch": epoch, "seq": seq, "rev": 3, "at": 1}))
        for text in texts:
            redis.hset(SNAPSHOT_KEY, text["video_id"], json.dumps(text, separators=(",", ":")))


def active_frame(video_id: str, percent: float | None, **rest) -> dict:
    base = {"type": "progress", "video_id": video_id, "percent": percent, "downloaded_bytes": 1, "total_bytes": 2}
    return {**base, **rest}
