"""Limits of WebSocket frames, counted where a frame begins: also those that no consumer ever sees."""

import time

from ytarchive.server.limits.connection import AddressUsage

MAX_FRAMES_PER_SECOND = 60  # of one socket, of any kind: data, fragments, pings and pongs
MAX_PINGS_PER_SECOND = 20  # each is answered
MAX_FRAGMENTS = 64  # of one message
# Of all sockets of one address together: at least so many, and one for each socket that it may have.
MIN_CLIENT_FRAMES_PER_SECOND = 200
PING_OPCODE = 9
CONTINUATION_OPCODE = 0


class FrameLimiter:
    """The frames of one socket, and of all sockets of its address."""

    __slots__ = ("_fragments", "_frames", "_max_client_frames", "_pings", "_usage", "_window_start")

    def __init__(self, usage: AddressUsage) -> None:
        self._usage = usage
        self._max_client_frames = max(MIN_CLIENT_FRAMES_PER_SECOND, usage.max_sockets)
        self._window_start = 0.0
        self._frames = self._pings = self._fragments = 0

    def allows(self, opcode: int) -> bool:
        """Count a frame; return False if it exceeds a limit."""
        now = time.monotonic()
        if now - self._window_start >= 1.0:
            self._window_start, self._frames, self._pings = now, 0, 0
        self._frames += 1
        self._pings += opcode == PING_OPCODE
        if opcode < 8:
            self._fragments = self._fragments + 1 if opcode == CONTINUATION_OPCODE else 0
        return (
            self._frames <= MAX_FRAMES_PER_SECOND
            and self._pings <= MAX_PINGS_PER_SECOND
            and self._fragments <= MAX_FRAGMENTS
            and self._is_client_within_limit(now)
        )

    def _is_client_within_limit(self, now: float) -> bool:
        usage = self._usage
        if not usage.address:
            return True
        if now - usage.window_start >= 1.0:
            usage.window_start, usage.frames = now, 0
        usage.frames += 1
        return usage.frames <= self._max_client_frames
