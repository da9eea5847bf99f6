"""Texts of WebSocket frames, for both protocols, built from the bridge's messages.

A message is `(video_id, kind, text)`: kind is "progress", "status" or "changed", and text the JSON
object that the bridge encoded once for every client.
"""

import enum
import functools
import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from downloads.progress.batch import KIND_CHANGED, KIND_PROGRESS, KIND_STATUS, BatchMessage
from downloads.progress.message import encode_json

_UNKNOWN_PERCENT_JSON = '"percent":null'
# A v1 client clears its bar on these only.
_V1_ENDINGS = ("complete", "failed")


class SocketProtocol(enum.Enum):
    """Version of the frames that a client receives; docs/protocol.md describes both."""

    V1 = 1  # no subprotocol: one JSON object a frame, without sequence numbers
    V2 = 2  # the batch subprotocol: snapshots and batches


V1, V2 = SocketProtocol.V1, SocketProtocol.V2


def merge_batches(batches: Iterable[Iterable[BatchMessage]]) -> list[BatchMessage]:
    """Return the messages of several batches as one: newest progress per video, statuses kept, in order."""
    merged: dict[tuple[str, str, str], BatchMessage] = {}
    for batch in batches:
        for message in batch:
            video_id, kind, text = message
            if kind != KIND_CHANGED:
                # A status makes earlier progress obsolete; a progress replaces the one before it.
                merged.pop((video_id, KIND_PROGRESS, ""), None)
            merged[video_id, kind, text if kind == KIND_STATUS else ""] = message
    return list(merged.values())


class Frames:
    """One or more text frames for many clients, encoded for the wire once."""

    def __init__(
        self, texts: Sequence[str], shown_bar_ids: Collection[str] = (), cleared_bar_ids: Collection[str] = ()
    ) -> None:
        self.texts = texts
        # For v1 clients: the ids whose bar these frames show, and those whose bar they clear.
        self.shown_bar_ids = frozenset(shown_bar_ids)
        self.cleared_bar_ids = frozenset(cleared_bar_ids)

    @functools.cached_property
    def wire_bytes(self) -> bytes:
        """The frames as a server sends them: final, unmasked text frames (RFC 6455, section 5.2)."""
        return b"".join(_encode_text_frame(text.encode()) for text in self.texts)


def _encode_text_frame(payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 1 << 16:
        return b"\x81\x7e" + size.to_bytes(2) + payload
    return b"\x81\x7f" + size.to_bytes(8) + payload


def encode_batch_frame(epoch: str, first_seq: int, last_seq: int, messages: Iterable[BatchMessage]) -> str:
    """Return the v2 batch frame that covers the bridge's batches `first_seq` to `last_seq`."""
    texts = ",".join(text for _, _, text in messages)
    return f'{{"type":"batch","epoch":{encode_json(epoch)},"from":{first_seq},"seq":{last_seq},"messages":[{texts}]}}'


def encode_snapshot_frame(epoch: str, seq: int, rev: int, progress_texts: Iterable[str]) -> str:
    """Return the v2 snapshot frame; `progress_texts` are the progress objects of the active videos."""
    videos = ",".join(progress_texts)
    return f'{{"type":"snapshot","epoch":{encode_json(epoch)},"seq":{seq},"rev":{rev},"videos":[{videos}]}}'


def encode_cards_frame(rev: int, ids: Iterable[str], html: str) -> str:
    """Return the v2 frame of cards that a client would fetch."""
    return encode_json({"type": "cards", "rev": rev, "ids": list(ids), "html": html})


def encode_v1_frames(messages: Iterable[BatchMessage]) -> Frames:
    """Return the v1 frames, one JSON object each; messages that v1 has no frame for are left out."""
    texts: list[str] = []
    is_bar_shown: dict[str, bool] = {}
    for video_id, kind, message_text in messages:
        text = _encode_v1_frame(kind, message_text)
        if text is None:
            continue
        texts.append(text)
        if kind == KIND_PROGRESS or _clears_v1_bar(text):
            is_bar_shown[video_id] = kind == KIND_PROGRESS
    shown_bar_ids = [video_id for video_id, is_shown in is_bar_shown.items() if is_shown]
    return Frames(texts, shown_bar_ids, is_bar_shown.keys() - set(shown_bar_ids))


def v1_missed_endings(video_ids: Iterable[str]) -> Frames:
    """Return v1 frames that clear bars whose ending was lost; v1 knows only `complete` and `failed` for that."""
    reason = {"status": "failed", "reason": "ended while updates were lost"}
    return Frames([encode_json({"type": KIND_STATUS, "video_id": video_id, **reason}) for video_id in video_ids])


def _clears_v1_bar(text: str) -> bool:
    return json.loads(text).get("status") in _V1_ENDINGS


def _encode_v1_frame(kind: str, text: str) -> str | None:
    if kind == KIND_PROGRESS and _UNKNOWN_PERCENT_JSON not in text:
        return text  # the usual case needs no parsing: v1 and v2 are equal
    try:
        content = json.loads(text)
    except ValueError:
        return None
    return _translate_to_v1(kind, content) if isinstance(content, dict) else None


def _translate_to_v1(kind: str, content: dict[str, Any]) -> str | None:
    if kind == KIND_PROGRESS and content.get("percent") is None:
        content["percent"] = content.get("last_percent", 0)
    elif kind == KIND_CHANGED:
        if not content.get("deleted"):
            return None
        content |= {"type": KIND_STATUS, "status": "failed", "reason": "deleted"}
    elif content.get("status") == "cancelled":
        content |= {"status": "failed", "reason": "cancelled"}
    return encode_json(content)
