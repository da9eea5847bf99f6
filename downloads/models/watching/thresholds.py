"""Rules that turn a position of the player into a watched state. Pure: no database, no clock."""

import math
from dataclasses import dataclass

# Whoever looked in for a moment has not begun, and whoever stops at the credits has finished.
BEGUN_SECONDS, BEGUN_SHARE = 10.0, 0.05
CREDITS_SHARE, MIN_CREDITS_SECONDS, MAX_CREDITS_SECONDS = 0.05, 10.0, 300.0
MAX_CREDITS_SHARE = 0.1  # of a short video
# Sites round the length of a video, and browsers count the last frame.
TOLERANCE_SECONDS, TOLERANCE_SHARE = 10.0, 0.05
MAX_SECONDS = 10_000_000.0  # four months


@dataclass(frozen=True)
class WatchProgress:
    """Resume position in seconds (0: the start), and whether the video was watched to its end."""

    position: float
    is_finished: bool


def known_duration(*durations: float | None) -> float | None:
    """Return the first of these lengths in seconds that is one; None if none is."""
    return next((value for value in durations if value and math.isfinite(value) and 0 < value <= MAX_SECONDS), None)


def begun_seconds(duration: float | None) -> float:
    """Return the position from which a video counts as begun: 10 s, or 5 % of a short one."""
    return BEGUN_SECONDS if duration is None else min(BEGUN_SECONDS, BEGUN_SHARE * duration)


def finished_seconds(duration: float | None) -> float:
    """Return the position from which a video counts as finished; infinite while its length is unknown.

    The end is the last 5 % (10 s to 5 min), of a short video no more than a tenth.
    """
    if duration is None:
        return math.inf
    credits_seconds = min(max(CREDITS_SHARE * duration, MIN_CREDITS_SECONDS), MAX_CREDITS_SECONDS)
    return duration - min(credits_seconds, MAX_CREDITS_SHARE * duration)


def is_possible(seconds: float, duration: float | None) -> bool:
    """Tell whether a player can be at this position of a video of this length."""
    if not (math.isfinite(seconds) and 0 <= seconds <= MAX_SECONDS):
        return False
    return duration is None or seconds <= duration + max(TOLERANCE_SECONDS, TOLERANCE_SHARE * duration)


def classify_position(seconds: float, duration: float | None) -> WatchProgress:
    """Classify a position of the player. With an unknown duration it is never finished."""
    if seconds >= finished_seconds(duration):
        return WatchProgress(0.0, is_finished=True)
    is_begun = seconds >= begun_seconds(duration)
    return WatchProgress(seconds if is_begun else 0.0, is_finished=False)


def resume_seconds(position: float, duration: float | None) -> int:
    """Return the whole second at which the player starts; 0 if a new file is too short for the stored position."""
    return int(classify_position(position, duration).position) if is_possible(position, duration) else 0


def watched_percent(position: float, duration: float | None) -> int:
    """Return how much was watched, from 1 to 99 once it was begun; 0 if it was not, or the length is unknown."""
    if not position or duration is None:
        return 0
    return min(99, max(1, round(100 * position / duration)))
