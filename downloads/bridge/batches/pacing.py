"""Pacing of the bridge: one batch per tick, and one ahead of its tick where a status changes.

Pure; times are seconds of a monotonic clock.
"""

HEARTBEAT_INTERVAL_SECONDS = 1.5  # longest time between batches, so that clients get one at least every 2 s
READING_MARGIN_SECONDS = 0.01  # before a batch, for reading what has arrived
# Waking up for each message costs more than everything else done with it: more than these are read together.
MAX_PROMPT_MESSAGES = 8
MAX_MESSAGES_PER_TICK = 400  # asyncio's stream reader holds 128 KiB


class BatchPacing:
    """When the next batch may be sent, and when messages are read for it.

    A batch ahead of its tick puts off the one after it, so in any time there is one more than there are ticks, at most.
    """

    def __init__(self, tick_seconds: float, now: float) -> None:
        self._tick_seconds = tick_seconds
        self._sent_at = self._tick_at = now
        self._messages_read = 0
        self._messages_before = 0  # read for the batch before
        self._has_paused = False

    def mark_sent(self, now: float) -> None:
        """Note that a batch is sent now."""
        self._sent_at = now
        self._tick_at = max(self._tick_at, now) + self._tick_seconds
        self._messages_before, self._messages_read, self._has_paused = self._messages_read, 0, False

    def next_batch_at(self, *, has_pending: bool, is_urgent: bool) -> float:
        """Return when the next batch may be sent; an empty one is a heartbeat."""
        if is_urgent:
            return self._tick_at - self._tick_seconds
        return self._tick_at if has_pending else self._sent_at + HEARTBEAT_INTERVAL_SECONDS

    def count_message(self, now: float, *, is_urgent: bool) -> float:
        """Count a message that was read; return for how long the next ones are to be left in the buffers.

        A few are read as they come, since one may be urgent; many only shortly before their batch, which an urgent one
        brings forward; more than the buffers hold at once.
        """
        self._messages_read += 1
        if self._has_paused:
            return 0.0
        are_few = max(self._messages_before, self._messages_read) <= MAX_PROMPT_MESSAGES
        if not are_few:
            self._has_paused = True
            if self._messages_before > MAX_MESSAGES_PER_TICK:
                return 0.0
        batch_at = self.next_batch_at(has_pending=True, is_urgent=are_few or is_urgent)
        return max(0.0, batch_at - READING_MARGIN_SECONDS - now)
