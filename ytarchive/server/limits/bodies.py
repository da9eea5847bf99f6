"""Limits of request bodies by URL, and of all that arrive at once."""

import time
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse

# A body may come in chunks, each of which takes 20 µs: after some small ones, they have to be as large as this on
# average, and may have few extensions.
MAX_SMALL_CHUNKS = 1024
MIN_CHUNK_BYTES = 1024
MAX_RAW_BYTES_PER_BYTE = 1.25
MAX_EXTRA_RAW_BYTES = 128 * 1024
MAX_CONTENT_LENGTH_DIGITS = 18
# The least that has to arrive of a body within each interval.
PROGRESS_INTERVAL_SECONDS = 20.0
MIN_BYTES_PER_INTERVAL = 10 * 1024


def max_body_bytes(target: bytes) -> int:
    """Return the most that a request to this target may send: little, except to the large forms."""
    try:
        path = urlsplit(target.decode("latin1")).path
    except ValueError:
        return int(settings.MAX_FORM_BYTES)
    large_form_paths = [reverse(name) for name in settings.LARGE_FORM_URL_NAMES]
    # A proxy may have removed the path of YTARCHIVE_PATH.
    large_form_paths += [f"/{large_path.removeprefix(settings.URL_PREFIX)}" for large_path in large_form_paths]
    return int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE if path in large_form_paths else settings.MAX_FORM_BYTES)


class BodyMeter:
    """Count of one body's bytes, as they arrive and as they are decoded."""

    __slots__ = ("_chunks", "_interval_bytes", "_interval_start", "decoded_bytes", "max_bytes", "raw_bytes")

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.raw_bytes = self.decoded_bytes = self._interval_bytes = self._chunks = 0
        self._interval_start = time.monotonic()

    def add_raw(self, count: int) -> None:
        """Count what one read brought, which may be part of a chunk, or many."""
        self.raw_bytes += count
        self._chunks -= 1

    def add_decoded(self, count: int) -> bool:
        """Count a chunk, or what one read brought of it; return False if there are too many small ones."""
        self.decoded_bytes += count
        self._chunks += 1
        return self._chunks <= MAX_SMALL_CHUNKS + self.decoded_bytes // MIN_CHUNK_BYTES

    def is_too_large(self) -> bool:
        """Return True if more arrived than this request may send."""
        max_raw_bytes = MAX_EXTRA_RAW_BYTES + MAX_RAW_BYTES_PER_BYTE * self.decoded_bytes
        return self.decoded_bytes > self.max_bytes or self.raw_bytes > max_raw_bytes

    def is_too_slow(self, now: float) -> bool:
        """Return True if too little arrived within the last interval."""
        if now - self._interval_start < PROGRESS_INTERVAL_SECONDS:
            return False
        is_slow = self.raw_bytes - self._interval_bytes < MIN_BYTES_PER_INTERVAL
        self._interval_start, self._interval_bytes = now, self.raw_bytes
        return is_slow
