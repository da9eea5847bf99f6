"""Claims: messages that say of a row what the row decides, held until it is read."""

from downloads.progress.counters import Counters
from downloads.progress.message import Progress

MAX_HELD_CLAIMS = 1_000  # one for each id; what a row really did is read from its event too
MAX_CLAIMS_PER_CHECK = 100
CHECK_PAUSE_FACTOR = 3  # after a false claim no check for so many times as long as that one took
OUTAGE_PAUSE_SECONDS = 1.0  # after a check that the database did not answer


class ClaimQueue:
    """Claims that wait for a check, the oldest first; times are seconds of a monotonic clock."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._held: dict[str, Progress] = {}
        self._next_check_at = float("-inf")

    def hold(self, video_id: str, message: Progress) -> None:
        """Hold a claim, in place of an older one about the same id; drop it (counted) if there are too many."""
        if video_id in self._held or len(self._held) < MAX_HELD_CLAIMS:
            self._held[video_id] = message
        else:
            self._counters.count_dropped("too_many_claims")

    def is_due(self, now: float) -> bool:
        """Return whether a claim waits and may be checked."""
        return bool(self._held) and now >= self._next_check_at

    def take_due(self, now: float) -> dict[str, Progress]:
        """Remove and return the claims that are to be checked now."""
        ids = list(self._held)[:MAX_CLAIMS_PER_CHECK] if self.is_due(now) else []
        return {video_id: self._held.pop(video_id) for video_id in ids}

    def put_back(self, claims: dict[str, Progress], now: float) -> None:
        """Hold claims again, before all others, since the database did not answer; newer ones replace them."""
        self._held = claims | self._held
        self._next_check_at = now + OUTAGE_PAUSE_SECONDS

    def pause(self, started_at: float, now: float) -> None:
        """Set the time of the next check, after one that has found a false claim."""
        self._next_check_at = now + CHECK_PAUSE_FACTOR * (now - started_at)
