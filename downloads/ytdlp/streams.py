"""Streams of a download and updates of their progress: values passed from yt-dlp's hooks to the progress meter."""

import dataclasses


@dataclasses.dataclass
class Stream:
    """One stream; `expected_bytes` is the size in the site's metadata, `total_bytes` that of the response.

    `completed_fraction` (0 to 1) is known for streams in fragments only.
    """

    kind: str = "video"
    expected_bytes: float | None = None
    downloaded_bytes: int = 0
    total_bytes: float | None = None
    completed_fraction: float | None = None
    is_finished: bool = False

    def estimate_bytes(self) -> float | None:
        """Return the best estimate of the stream's size in bytes; None if nothing is known."""
        if self.is_finished:
            return self.downloaded_bytes
        size = self.total_bytes
        if size is None and self.completed_fraction:
            size = self.downloaded_bytes / self.completed_fraction
        if size is None:
            size = self.expected_bytes
        return None if size is None else max(size, self.downloaded_bytes)

    def estimate_fraction(self) -> float | None:
        """Return the downloaded fraction, 0 to 1; None if the size is unknown."""
        if self.is_finished:
            return 1.0
        if self.completed_fraction is not None:
            return self.completed_fraction
        size = self.estimate_bytes()
        return min(1.0, self.downloaded_bytes / size) if size else None


@dataclasses.dataclass(frozen=True)
class StreamUpdate:
    """Progress of one stream: bytes, and fragments if it has any."""

    stream_index: int
    downloaded_bytes: int
    total_bytes: float | None = None
    is_finished: bool = False
    fragment_index: int | None = None
    fragment_count: int | None = None

    def completed_fraction(self) -> float | None:
        """Return the downloaded fraction of a stream in fragments, 0 to 1; None for a stream without fragments.

        The fraction lies within the fragment after the last complete one, where the estimated total places it.
        """
        if not self.fragment_count:
            return None
        complete_fragments = self.fragment_index or 0
        estimated_fragments = self.fragment_count * (
            self.downloaded_bytes / self.total_bytes if self.total_bytes else 0.0
        )
        fragments = max(complete_fragments, min(estimated_fragments, complete_fragments + 0.95))
        return min(1.0, fragments / self.fragment_count)
