"""JSON texts of the messages in a batch."""

from typing import Any

from downloads.bridge.video_state import Track
from downloads.progress import batch
from downloads.progress.message import encode_json


def progress_text(video_id: str, track: Track) -> str:
    """Return a video's progress object; `percent`, `downloaded_bytes` and `total_bytes` are always there."""
    numbers = track.numbers
    content: dict[str, Any] = {
        "type": batch.KIND_PROGRESS,
        "video_id": video_id,
        "percent": numbers.get("percent"),
        "downloaded_bytes": numbers.get("downloaded_bytes"),
        "total_bytes": numbers.get("total_bytes"),
    }
    if content["percent"] is None:
        content["last_percent"] = track.last_percent
    content |= {name: numbers[name] for name in ("speed", "eta", "phase") if name in numbers}
    if track.status:
        content["status"] = track.status
    content["attempt"] = track.attempt
    return encode_json(content)


def status_text(video_id: str, track: Track, rev: int) -> str:
    """Return a video's status object."""
    content = {"type": batch.KIND_STATUS, "video_id": video_id, "status": track.status, "attempt": track.attempt}
    if "percent" in track.numbers:
        content["percent"] = track.numbers["percent"]
    if track.error is not None:
        content["error"] = track.error
    return encode_json(content | {"rev": rev})


def changed_text(video_id: str, rev: int, deleted: bool) -> str:
    """Return the object that says: something else of the row has changed, or it is gone."""
    content: dict[str, Any] = {"type": batch.KIND_CHANGED, "video_id": video_id, "rev": rev}
    return encode_json(content | {"deleted": True} if deleted else content)
