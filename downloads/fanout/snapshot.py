"""Snapshot: the contents of the snapshot store at one moment, with its frames."""

import functools
import json
from typing import Any

from downloads.fanout import frames
from downloads.fanout.frames import V1, Frames, SocketProtocol
from downloads.progress import batch


class Snapshot:
    """All active videos at one moment."""

    def __init__(self, head: dict[str, Any], progress_texts: list[str]) -> None:
        self.epoch = str(head.get("epoch", ""))
        self.seq = int(head.get("seq", 0))
        self.rev = int(head.get("rev", 0))
        self.progress_texts = progress_texts

    def frames_for(self, protocol: SocketProtocol) -> Frames:
        """Return the frames for clients of a protocol; encoded once, for all of them."""
        return self.v1_frames if protocol is V1 else self.v2_frames

    @functools.cached_property
    def frame_text(self) -> str:
        """The v2 snapshot frame, which `/api/progress` answers as well."""
        return frames.encode_snapshot_frame(self.epoch, self.seq, self.rev, self.progress_texts)

    @functools.cached_property
    def v2_frames(self) -> Frames:
        return Frames([self.frame_text])

    @functools.cached_property
    def v1_frames(self) -> Frames:
        return frames.encode_v1_frames(
            (json.loads(text)["video_id"], batch.KIND_PROGRESS, text) for text in self.progress_texts
        )
