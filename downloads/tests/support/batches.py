"""Batches and frames, as the bridge sends them to the group."""

import json

from downloads.progress.keys import BATCH_EVENT_TYPE


def batch_message(kind: str, video_id: str, **fields) -> list[str]:
    return [video_id, kind, json.dumps({"type": kind, "video_id": video_id, **fields}, separators=(",", ":"))]


def batch_event(seq: int, *messages: list[str], epoch: str = "e") -> dict:
    return {"type": BATCH_EVENT_TYPE, "epoch": epoch, "seq": seq, "messages": list(messages)}
