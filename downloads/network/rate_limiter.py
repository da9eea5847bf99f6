"""Rate limiter for the bytes of all downloads of a worker."""

import threading
import time

CHUNK = 1024 * 1024


class Flow:
    """Counts the bytes that arrive, and slows them down to `rate` per second (0: as they come)."""

    def __init__(self, rate: int = 0) -> None:
        self.rate = rate
        self.moved = 0
        self._lock = threading.Lock()
        self._free_at = 0.0

    def chunk(self) -> int:
        """Return how many bytes to take at once, so that a low rate is an even one."""
        return max(4096, min(CHUNK, self.rate // 10)) if self.rate else CHUNK

    def take(self, count: int) -> None:
        """Count bytes, and wait until they are due."""
        with self._lock:
            self.moved += count
            now = time.monotonic()
            self._free_at = max(now, self._free_at) + (count / self.rate if self.rate else 0.0)
            wait = self._free_at - now
        if wait > 0:
            time.sleep(wait)
