"""What a download is made of, and the news of it: pure values between the wall around yt-dlp and the meter."""

import dataclasses


@dataclasses.dataclass
class Stream:
    """One stream of a download; `planned` bytes as the site says, `total` as the server does."""

    kind: str = "video"
    planned: float | None = None
    done: int = 0
    total: float | None = None
    fraction: float | None = None
    finished: bool = False

    def weight(self) -> float | None:
        """Return the best guess of the stream's bytes."""
        if self.finished:
            return self.done
        guess = self.total
        if guess is None and self.fraction:
            guess = self.done / self.fraction
        if guess is None:
            guess = self.planned
        return None if guess is None else max(guess, self.done)

    def share(self) -> float | None:
        """Return how much of the stream is here, 0 to 1."""
        if self.finished:
            return 1.0
        if self.fraction is not None:
            return self.fraction
        weight = self.weight()
        return min(1.0, self.done / weight) if weight else None


@dataclasses.dataclass(frozen=True)
class Step:
    """News of one stream: bytes here, bytes in all, and fragments where there are any."""

    stream: int
    done: int
    total: float | None = None
    finished: bool = False
    fragment: int | None = None
    fragments: int | None = None

    def fraction(self) -> float | None:
        """Return how much of a stream in fragments is here, 0 to 1: whole ones for sure, the next by the estimate."""
        if not self.fragments:
            return None
        whole = self.fragment or 0
        guess = self.done / self.total if self.total else 0.0
        return min(1.0, max(whole, min(guess * self.fragments, whole + 0.95)) / self.fragments)
