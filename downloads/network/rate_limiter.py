"""Rate limiter for the bytes of all downloads of a worker."""

import threading
import time

RELAY_CHUNK_BYTES = 1024 * 1024


class RateLimiter:
    """Counts the bytes that arrive, and slows them down to `rate` per second (0: as they come)."""

    def __init__(self, rate: int = 0) -> None:
        self.rate = rate
        self.transferred_bytes = 0
        self._lock = threading.Lock()
        self._next_free_at = 0.0

    def chunk_bytes(self) -> int:
        """Return how many bytes to take at once, so that a low rate is an even one."""
        return max(4096, min(RELAY_CHUNK_BYTES, self.rate // 10)) if self.rate else RELAY_CHUNK_BYTES

    def throttle(self, byte_count: int) -> None:
        """Count bytes, and wait until they are due."""
        with self._lock:
            self.transferred_bytes += byte_count
            now = time.monotonic()
            self._next_free_at = max(now, self._next_free_at) + (byte_count / self.rate if self.rate else 0.0)
            wait = self._next_free_at - now
        if wait > 0:
            time.sleep(wait)
