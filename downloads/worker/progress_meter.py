"""One honest percent out of many streams and phases: pure, the clock is passed in."""

import math

from downloads.progress.message import UNSET, Progress
from downloads.ytdlp.streams import Stream, StreamUpdate

# The bar is full when the file is filed away, not before.
MAX_UNFINISHED_PERCENT = 99.9
# What merging streams weighs beside fetching them: it copies their bytes once, on this machine.
MERGE_SHARE = 0.02
# What a sound stream of unknown size is taken for, beside its picture.
AUDIO_SIZE_RATIO = 0.1
SPEED_SMOOTHING_SECONDS = 3.0  # seconds: how long the speed remembers


class Meter:
    """Adds up the steps of a download's streams; `progress(now)` says where the whole stands."""

    def __init__(self, attempt: int, streams: list[Stream] | None = None) -> None:
        self.attempt = attempt
        self.phase = "looking up"
        self._streams = streams or []
        self._percent: float | None = None
        self.downloaded_bytes = 0
        self._speed: float | None = None
        self._last_sample: tuple[float, int] | None = None

    def set_streams(self, streams: list[Stream]) -> None:
        """Say what is going to be fetched."""
        self._streams = streams

    def enter_phase(self, phase: str) -> None:
        """Go on to a phase in which no bytes arrive."""
        self.phase = phase
        self._speed = self._last_sample = None

    def update(self, update: StreamUpdate, now: float) -> None:
        """Take news of a stream, heard at `now` (seconds of a monotonic clock)."""
        stream = self._streams[update.stream_index]
        self.phase = stream.kind
        stream.downloaded_bytes = update.downloaded_bytes
        stream.total_bytes = update.total_bytes
        stream.is_finished = update.is_finished
        stream.completed_fraction = update.completed_fraction()
        self.downloaded_bytes = max(self.downloaded_bytes, sum(each.downloaded_bytes for each in self._streams))
        self._measure_speed(now)

    def to_progress(self) -> Progress:
        """Return the whole state, as it travels on the wire."""
        total = self._estimate_total_bytes()
        percent = self._advance_percent(total)
        return Progress(
            attempt=self.attempt,
            percent=None if percent is None else round(percent, 2),
            downloaded_bytes=self.downloaded_bytes if self._streams else UNSET,
            total_bytes=None if total is None else max(round(total), self.downloaded_bytes),
            speed=None if self._speed is None else round(self._speed, 1),
            eta=self._estimate_eta(total),
            phase=self.phase,
        )

    def _estimate_total_bytes(self) -> float | None:
        weights = [stream.estimate_bytes() for stream in self._streams]
        known = [weight for weight in weights if weight is not None]
        if not known or weights[0] is None:
            return None
        return sum(known) + sum(weight is None for weight in weights) * AUDIO_SIZE_RATIO * weights[0]

    def _advance_percent(self, total_bytes: float | None) -> float | None:
        """Move the percent forward if it has grown; an estimate that grows never takes any of it back."""
        if total_bytes and self._streams:
            here = sum((stream.estimate_bytes() or 0) * (stream.estimate_fraction() or 0) for stream in self._streams)
            rest = MERGE_SHARE if len(self._streams) > 1 else 0.0
            found = min(MAX_UNFINISHED_PERCENT, 100 * (1 - rest) * here / total_bytes)
            if math.isfinite(found):
                self._percent = max(self._percent or 0.0, found)
        return self._percent

    def _measure_speed(self, now: float) -> None:
        if self._last_sample is None:
            self._last_sample = (now, self.downloaded_bytes)
            return
        passed, arrived = now - self._last_sample[0], self.downloaded_bytes - self._last_sample[1]
        # Shorter spans measure the reading's bursts, not the line.
        if passed < 0.2:
            return
        weight = 1 - math.exp(-passed / SPEED_SMOOTHING_SECONDS)
        before = arrived / passed if self._speed is None else self._speed
        self._speed = before + weight * (arrived / passed - before)
        self._last_sample = (now, self.downloaded_bytes)

    def _estimate_eta(self, total_bytes: float | None) -> float | None:
        if not self._speed or total_bytes is None:
            return None
        return round(max(0.0, total_bytes - self.downloaded_bytes) / self._speed, 1)
