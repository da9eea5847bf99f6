"""One honest percent out of many streams and phases: pure, the clock is passed in."""

import math

from downloads.progress.message import UNSET, Progress
from downloads.ytdlp.streams import StreamUpdate, Stream

# The bar is full when the file is filed away, not before.
ALMOST = 99.9
# What merging streams weighs beside fetching them: it copies their bytes once, on this machine.
MERGING = 0.02
# What a sound stream of unknown size is taken for, beside its picture.
SOUND_SHARE = 0.1
SMOOTHING = 3.0  # seconds: how long the speed remembers


class Meter:
    """Adds up the steps of a download's streams; `progress(now)` says where the whole stands."""

    def __init__(self, attempt: int, streams: list[Stream] | None = None) -> None:
        self.attempt = attempt
        self.phase = "looking up"
        self._streams = streams or []
        self._percent: float | None = None
        self.bytes = 0
        self._speed: float | None = None
        self._seen: tuple[float, int] | None = None

    def plan(self, streams: list[Stream]) -> None:
        """Say what is going to be fetched."""
        self._streams = streams

    def enter(self, phase: str) -> None:
        """Go on to a phase in which no bytes arrive."""
        self.phase = phase
        self._speed = self._seen = None

    def take(self, step: StreamUpdate, now: float) -> None:
        """Take news of a stream, heard at `now` (seconds of a monotonic clock)."""
        stream = self._streams[step.stream_index]
        self.phase = stream.kind
        stream.downloaded_bytes = step.downloaded_bytes
        stream.total_bytes = step.total_bytes
        stream.is_finished = step.is_finished
        stream.completed_fraction = step.completed_fraction()
        self.bytes = max(self.bytes, sum(each.downloaded_bytes for each in self._streams))
        self._measure(now)

    def progress(self) -> Progress:
        """Return the whole state, as it travels on the wire."""
        total = self._total()
        percent = self._advance(total)
        return Progress(
            attempt=self.attempt,
            percent=None if percent is None else round(percent, 2),
            downloaded_bytes=self.bytes if self._streams else UNSET,
            total_bytes=None if total is None else max(round(total), self.bytes),
            speed=None if self._speed is None else round(self._speed, 1),
            eta=self._left(total),
            phase=self.phase,
        )

    def _total(self) -> float | None:
        weights = [stream.estimate_bytes() for stream in self._streams]
        known = [weight for weight in weights if weight is not None]
        if not known or weights[0] is None:
            return None
        return sum(known) + sum(weight is None for weight in weights) * SOUND_SHARE * weights[0]

    def _advance(self, total: float | None) -> float | None:
        """Move the percent forward if it has grown; an estimate that grows never takes any of it back."""
        if total and self._streams:
            here = sum((stream.estimate_bytes() or 0) * (stream.estimate_fraction() or 0) for stream in self._streams)
            rest = MERGING if len(self._streams) > 1 else 0.0
            found = min(ALMOST, 100 * (1 - rest) * here / total)
            if math.isfinite(found):
                self._percent = max(self._percent or 0.0, found)
        return self._percent

    def _measure(self, now: float) -> None:
        if self._seen is None:
            self._seen = (now, self.bytes)
            return
        passed, arrived = now - self._seen[0], self.bytes - self._seen[1]
        # Shorter spans measure the reading's bursts, not the line.
        if passed < 0.2:
            return
        weight = 1 - math.exp(-passed / SMOOTHING)
        before = arrived / passed if self._speed is None else self._speed
        self._speed = before + weight * (arrived / passed - before)
        self._seen = (now, self.bytes)

    def _left(self, total: float | None) -> float | None:
        if not self._speed or total is None:
            return None
        return round(max(0.0, total - self.bytes) / self._speed, 1)
