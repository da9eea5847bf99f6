"""WebSocket clients of the ASGI application, without a network."""

import json

from channels.testing import WebsocketCommunicator

from downloads.progress.keys import SNAPSHOT_KEY
from downloads.tests.support.waiting import PATIENCE_SECONDS
from ytarchive.asgi import application

HOST_HEADER = (b"host", b"127.0.0.1:8000")


V2 = "ytarchive.progress.v2"
EMPTY_BATCH_EVENT = {"type": "progress.batch", "epoch": "e", "seq": 1, "messages": []}


class PatientCommunicator(WebsocketCommunicator):
    """Communicator that waits as long as a loaded machine needs; Channels' own waits for a second."""

    async def connect(self, timeout=PATIENCE_SECONDS):
        return await super().connect(timeout)

    async def receive_output(self, timeout=PATIENCE_SECONDS):
        return await super().receive_output(timeout)

    async def receive_from(self, timeout=PATIENCE_SECONDS):
        return await super().receive_from(timeout)

    async def receive_json_from(self, timeout=PATIENCE_SECONDS):
        return await super().receive_json_from(timeout)

    async def disconnect(self, code=1000, timeout=PATIENCE_SECONDS):
        await super().disconnect(code, timeout)


def websocket_communicator(*, subprotocols=(), headers=(), path="/ws/progress") -> PatientCommunicator:
    return PatientCommunicator(application, path, [HOST_HEADER, *headers], subprotocols=list(subprotocols))


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
