"""Progress of a whole download, computed from its streams and phases. Pure: the clock is passed in."""

import math

from downloads.progress.message import UNSET, Progress
from downloads.ytdlp.streams import Stream, StreamUpdate

# 100 is reserved for a completed row.
MAX_UNFINISHED_PERCENT = 99.9
# Share of the percent for merging the streams, which copies their bytes once on the local disk.
MERGE_SHARE = 0.02
# Assumed size of an audio stream of unknown size, relative to the first stream.
AUDIO_SIZE_RATIO = 0.1
SPEED_SMOOTHING_SECONDS = 3.0  # time constant of the exponential moving average
MIN_SPEED_SAMPLE_SECONDS = 0.2


class Meter:
    """Adds up the updates of all streams; `to_progress()` is the state of the whole download."""

    def __init__(self, attempt: int, streams: list[Stream] | None = None) -> None:
        self.attempt = attempt
        self.phase = "looking up"
        self._streams = streams or []
        self._percent: float | None = None
        self.downloaded_bytes = 0
        self._speed: float | None = None
        self._last_sample: tuple[float, int] | None = None

    def set_streams(self, streams: list[Stream]) -> None:
        """Set the streams that will be downloaded, in the order of `StreamUpdate.stream_index`."""
        self._streams = streams

    def enter_phase(self, phase: str) -> None:
        """Enter a phase in which no bytes arrive; resets the speed."""
        self.phase = phase
        self._speed = self._last_sample = None

    def update(self, update: StreamUpdate, now: float) -> None:
        """Apply an update that arrived at `now` (seconds of a monotonic clock)."""
        stream = self._streams[update.stream_index]
        self.phase = stream.kind
        stream.downloaded_bytes = update.downloaded_bytes
        stream.total_bytes = update.total_bytes
        stream.is_finished = update.is_finished
        stream.completed_fraction = update.completed_fraction()
        self.downloaded_bytes = max(self.downloaded_bytes, sum(stream.downloaded_bytes for stream in self._streams))
        self._measure_speed(now)

    def to_progress(self) -> Progress:
        """Return the whole state, as it is published."""
        total = self.estimate_total_bytes()
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

    def estimate_total_bytes(self) -> float | None:
        """Return the size of all streams together; None while nothing is known."""
        sizes = [stream.estimate_bytes() for stream in self._streams]
        if not sizes or sizes[0] is None:
            return None
        audio_size = AUDIO_SIZE_RATIO * sizes[0]
        return sum(audio_size if size is None else size for size in sizes)

    def _advance_percent(self, total_bytes: float | None) -> float | None:
        """Return the percent, which never decreases although the estimated total may grow."""
        if total_bytes and self._streams:
            done_bytes = sum(
                (stream.estimate_bytes() or 0) * (stream.estimate_fraction() or 0) for stream in self._streams
            )
            merge_share = MERGE_SHARE if len(self._streams) > 1 else 0.0
            percent = min(MAX_UNFINISHED_PERCENT, 100 * (1 - merge_share) * done_bytes / total_bytes)
            if math.isfinite(percent):
                self._percent = max(self._percent or 0.0, percent)
        return self._percent

    def _measure_speed(self, now: float) -> None:
        if self._last_sample is None:
            self._last_sample = (now, self.downloaded_bytes)
            return
        seconds, byte_count = now - self._last_sample[0], self.downloaded_bytes - self._last_sample[1]
        # Shorter samples measure the bursts in which buffers are read, not the network.
        if seconds < MIN_SPEED_SAMPLE_SECONDS:
            return
        weight = 1 - math.exp(-seconds / SPEED_SMOOTHING_SECONDS)
        previous_speed = byte_count / seconds if self._speed is None else self._speed
        self._speed = previous_speed + weight * (byte_count / seconds - previous_speed)
        self._last_sample = (now, self.downloaded_bytes)

    def _estimate_eta(self, total_bytes: float | None) -> float | None:
        if not self._speed or total_bytes is None:
            return None
        return round(max(0.0, total_bytes - self.downloaded_bytes) / self._speed, 1)
