"""Limits of request bodies by URL, and of all that arrive at once."""

import time
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse

MAX_FORM_BYTES = 256 * 1024
# Chunks of a body may be small and have extensions: so many raw bytes are read for one byte of the body.
MAX_CHUNK_OVERHEAD = 4
MAX_CONTENT_LENGTH_DIGITS = 18
# The least that has to arrive of a body within each interval.
PROGRESS_INTERVAL_SECONDS = 20.0
MIN_BYTES_PER_INTERVAL = 10 * 1024


def max_body_bytes(target: bytes) -> int:
    """Return the most that a request to this target may send: little, except to the form that adds videos."""
    try:
        path = urlsplit(target.decode("latin1")).path
    except ValueError:
        return MAX_FORM_BYTES
    # A proxy may have removed the path of YTARCHIVE_PATH.
    add_paths = (reverse("add"), f"/{reverse('add').removeprefix(settings.URL_PREFIX)}")
    return settings.DATA_UPLOAD_MAX_MEMORY_SIZE if path in add_paths else MAX_FORM_BYTES


class BodyMeter:
    """Count of one body's bytes, as they arrive and as they are decoded."""

    __slots__ = ("_interval_bytes", "_interval_start", "decoded_bytes", "max_bytes", "raw_bytes")

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.raw_bytes = self.decoded_bytes = self._interval_bytes = 0
        self._interval_start = time.monotonic()

    def is_too_large(self) -> bool:
        """Return True if more arrived than this request may send."""
        return self.decoded_bytes > self.max_bytes or self.raw_bytes > MAX_CHUNK_OVERHEAD * self.max_bytes

    def is_too_slow(self, now: float) -> bool:
        """Return True if too little arrived within the last interval."""
        if now - self._interval_start < PROGRESS_INTERVAL_SECONDS:
            return False
        is_slow = self.raw_bytes - self._interval_bytes < MIN_BYTES_PER_INTERVAL
        self._interval_start, self._interval_bytes = now, self.raw_bytes
        return is_slow
