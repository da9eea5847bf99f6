"""Comparison of a downloaded stream with the duration that its playlist or manifest promises."""

import dataclasses
import datetime as dt
import logging
from pathlib import Path

from django.conf import settings

from downloads.files import ffmpeg
from downloads.ytdlp.results import DownloadError

logger = logging.getLogger(__name__)

# Durations in playlists are not exact: sites round them, and a stream begins and ends with a part of a frame.
TOLERANCE_SECONDS = 0.5
TOLERANCE_RATIO = 0.05
# Timestamps that begin anew, or jump, make the measured duration uncertain.
DISCONTINUITY_TOLERANCE_RATIO = 0.25
# So many times the frames are a repetition, whatever the timestamps say.
REPETITION_RATIO = 1.5


@dataclasses.dataclass(frozen=True)
class PromisedDuration:
    """The duration of a stream by its playlist; `rounding_seconds` is how far rounding may have changed it."""

    seconds: float
    rounding_seconds: float = 0.0
    has_discontinuities: bool = False

    @property
    def tolerance_seconds(self) -> float:
        """Return by how much a good file may differ."""
        ratio = DISCONTINUITY_TOLERANCE_RATIO if self.has_discontinuities else TOLERANCE_RATIO
        return TOLERANCE_SECONDS + self.rounding_seconds + ratio * self.seconds


def require_promised_duration(file: Path, promised: PromisedDuration) -> None:
    """Raise DownloadError if a downloaded stream is shorter or longer than promised; log if it cannot be measured."""
    # Meanwhile nothing is received, for which the download would be stopped.
    timeout_seconds = min(ffmpeg.READ_TIMEOUT_SECONDS, settings.STALL_SECONDS / 2)
    measured = ffmpeg.measure_duration(file, timeout_seconds)
    if measured is None:
        logger.info("The duration of %s could not be measured", file.name)
    elif _is_too_short(measured, promised):
        raise _duration_error(measured.longest_seconds(), promised, "a part of it is missing")
    elif _is_too_long(measured, promised):
        raise _duration_error(measured.longest_seconds(), promised, "a part of it came more than once")


def _is_too_short(measured: ffmpeg.MeasuredDuration, promised: PromisedDuration) -> bool:
    # Timestamps of audio that begin anew after a discontinuity say nothing, and there are no frames to count.
    is_measurable = measured.frame_seconds is not None or not promised.has_discontinuities
    return is_measurable and measured.longest_seconds() < promised.seconds - promised.tolerance_seconds


def _is_too_long(measured: ffmpeg.MeasuredDuration, promised: PromisedDuration) -> bool:
    """Return whether both timestamps and frames exceed the promise; a gap in a recording stretches timestamps only."""
    limit = promised.seconds + promised.tolerance_seconds
    if measured.frame_seconds is None:
        return measured.timestamp_seconds > REPETITION_RATIO * limit
    is_repetition = measured.frame_seconds > REPETITION_RATIO * promised.seconds
    return measured.frame_seconds > limit and (measured.timestamp_seconds > limit or is_repetition)


def _duration_error(seconds: float, promised: PromisedDuration, consequence: str) -> DownloadError:
    return DownloadError(
        f"The site's playlist promises {_format_seconds(promised.seconds)} of this video, but "
        f"{_format_seconds(seconds)} arrived: {consequence}. Nothing was kept of it.",
        False,
    )


def _format_seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else str(dt.timedelta(seconds=round(seconds)))
