"""Rate limiter for the bytes of one download."""

import threading
import time

MIN_CHUNK_BYTES = 4096
MAX_CHUNK_BYTES = 1024 * 1024
CHUNKS_PER_SECOND = 10  # at a low rate, so that the bytes arrive evenly


class RateLimiter:
    """Counts bytes and delays them to at most `rate` bytes per second; 0 is no limit.

    Thread-safe. `rate` may be changed at any time.
    """

    def __init__(self, rate: int = 0) -> None:
        self.rate = rate
        self.transferred_bytes = 0
        self._lock = threading.Lock()
        self._next_free_at = 0.0

    def chunk_bytes(self) -> int:
        """Return the number of bytes to read at once."""
        rate = self.rate
        return max(MIN_CHUNK_BYTES, min(MAX_CHUNK_BYTES, rate // CHUNKS_PER_SECOND)) if rate else MAX_CHUNK_BYTES

    def throttle(self, byte_count: int) -> None:
        """Count bytes and sleep until the rate allows them."""
        with self._lock:
            self.transferred_bytes += byte_count
            now = time.monotonic()
            self._next_free_at = max(now, self._next_free_at) + (byte_count / self.rate if self.rate else 0.0)
            delay = self._next_free_at - now
        if delay > 0:
            time.sleep(delay)
