"""What a web process receives: the bridge's batches, and the snapshot store at one moment."""

import functools
import json
from typing import Any

from downloads.fanout import frames
from downloads.fanout.frames import Frames
from downloads.progress import batch


class Snapshot:
    """All active videos at one moment."""

    def __init__(self, head: dict[str, Any], progress_texts: list[str]) -> None:
        self.epoch = str(head.get("epoch", ""))
        self.seq = int(head.get("seq", 0))
        self.rev = int(head.get("rev", 0))
        self.progress_texts = progress_texts

    @functools.cached_property
    def frame_text(self) -> str:
        """The subprotocol's snapshot frame."""
        return frames.encode_snapshot_frame(self.epoch, self.seq, self.rev, self.progress_texts)

    @functools.cached_property
    def v2_frames(self) -> Frames:
        return Frames([self.frame_text])

    @functools.cached_property
    def v1_frames(self) -> Frames:
        return frames.encode_v1_frames(
            (json.loads(text)["video_id"], batch.KIND_PROGRESS, text) for text in self.progress_texts
        )
