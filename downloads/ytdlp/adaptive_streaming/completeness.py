"""Comparison of a downloaded stream with the duration that its playlist or manifest promises."""

import dataclasses
import datetime as dt
import logging
from pathlib import Path

from django.conf import settings

from downloads.files import ffmpeg
from downloads.ytdlp.results import DownloadError

logger = logging.getLogger(__name__)

# Durations in playlists are not exact: sites round or guess them, and a stream begins and ends with a part of a frame.
TOLERANCE_SECONDS = 0.5
TOLERANCE_RATIO = 0.12
# Timestamps that begin anew, or jump, make the measured duration uncertain.
DISCONTINUITY_TOLERANCE_RATIO = 0.25
# So many times the frames are a repetition, whatever the timestamps say; interlaced video may have two for one.
REPETITION_RATIO = 2.2


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


class CompletenessCheck:
    """Compares each stream of a download with its own promise, and the longest stream with that of the manifest.

    A manifest promises the duration of its longest stream: the sound may well end before the picture.
    """

    def __init__(self, stream_count: int) -> None:
        self._remaining_streams = stream_count
        self._longest_seconds = 0.0
        self._is_measurable = True

    def require_complete(
        self, file: Path, promised: PromisedDuration | None, presentation: PromisedDuration | None
    ) -> None:
        """Raise DownloadError if a stream is not as long as promised; log if it cannot be measured."""
        self._remaining_streams -= 1
        if promised is None and presentation is None:
            return
        # Meanwhile nothing is received, for which the download would be stopped.
        timeout_seconds = min(ffmpeg.READ_TIMEOUT_SECONDS, settings.STALL_SECONDS / 2)
        measured = ffmpeg.measure_duration(file, timeout_seconds)
        if measured is None:
            self._is_measurable = False
            logger.info("The duration of %s could not be measured", file.name)
            return
        if promised:
            _require_promised_duration(measured, promised)
        self._longest_seconds = max(self._longest_seconds, measured.longest_seconds())
        if presentation and self._remaining_streams <= 0 and self._is_measurable:
            self._require_presentation(presentation)

    def _require_presentation(self, promised: PromisedDuration) -> None:
        if self._longest_seconds < promised.seconds - promised.tolerance_seconds:
            raise _duration_error(self._longest_seconds, promised, "a part of it is missing")


def _require_promised_duration(measured: ffmpeg.MeasuredDuration, promised: PromisedDuration) -> None:
    if _is_too_short(measured, promised):
        raise _duration_error(measured.longest_seconds(), promised, "a part of it is missing")
    if _is_too_long(measured, promised):
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
