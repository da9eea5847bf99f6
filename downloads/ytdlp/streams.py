"""What a download is made of, and the news of it: pure values between the wall around yt-dlp and the meter."""

import dataclasses


@dataclasses.dataclass
class Stream:
    """One stream of a download; `planned` bytes as the site says, `total` as the server does."""

    kind: str = "video"
    expected_bytes: float | None = None
    downloaded_bytes: int = 0
    total_bytes: float | None = None
    completed_fraction: float | None = None
    is_finished: bool = False

    def estimate_bytes(self) -> float | None:
        """Return the best guess of the stream's bytes."""
        if self.is_finished:
            return self.downloaded_bytes
        guess = self.total_bytes
        if guess is None and self.completed_fraction:
            guess = self.downloaded_bytes / self.completed_fraction
        if guess is None:
            guess = self.expected_bytes
        return None if guess is None else max(guess, self.downloaded_bytes)

    def estimate_fraction(self) -> float | None:
        """Return how much of the stream is here, 0 to 1."""
        if self.is_finished:
            return 1.0
        if self.completed_fraction is not None:
            return self.completed_fraction
        weight = self.estimate_bytes()
        return min(1.0, self.downloaded_bytes / weight) if weight else None


@dataclasses.dataclass(frozen=True)
class StreamUpdate:
    """News of one stream: bytes here, bytes in all, and fragments where there are any."""

    stream_index: int
    downloaded_bytes: int
    total_bytes: float | None = None
    is_finished: bool = False
    fragment_index: int | None = None
    fragment_count: int | None = None

    def completed_fraction(self) -> float | None:
        """Return how much of a stream in fragments is here, 0 to 1: whole ones for sure, the next by the estimate."""
        if not self.fragment_count:
            return None
        whole = self.fragment_index or 0
        guess = self.downloaded_bytes / self.total_bytes if self.total_bytes else 0.0
        return min(1.0, max(whole, min(guess * self.fragment_count, whole + 0.95)) / self.fragment_count)
