"""JSON texts of the messages in a batch."""

from typing import Any

from downloads.bridge.video_state import VideoState
from downloads.progress import batch
from downloads.progress.message import encode_json


def encode_progress(video_id: str, state: VideoState) -> str:
    """Return a video's progress object; it always has `percent`, `downloaded_bytes` and `total_bytes`."""
    fields = state.progress_fields
    content: dict[str, Any] = {
        "type": batch.KIND_PROGRESS,
        "video_id": video_id,
        "percent": fields.get("percent"),
        "downloaded_bytes": fields.get("downloaded_bytes"),
        "total_bytes": fields.get("total_bytes"),
    }
    if content["percent"] is None:
        content["last_percent"] = state.last_percent
    content |= {name: fields[name] for name in ("speed", "eta", "phase") if name in fields}
    if state.status:
        content["status"] = state.status
    content["attempt"] = state.attempt
    return encode_json(content)


def encode_status(video_id: str, state: VideoState, rev: int) -> str:
    """Return a video's status object."""
    content = {"type": batch.KIND_STATUS, "video_id": video_id, "status": state.status, "attempt": state.attempt}
    if "percent" in state.progress_fields:
        content["percent"] = state.progress_fields["percent"]
    if state.error is not None:
        content["error"] = state.error
    return encode_json(content | {"rev": rev})


def encode_changed(video_id: str, rev: int, deleted: bool) -> str:
    """Return the object for other changes of a row, such as its title or place in the queue, or its deletion."""
    content: dict[str, Any] = {"type": batch.KIND_CHANGED, "video_id": video_id, "rev": rev}
    return encode_json(content | {"deleted": True} if deleted else content)
