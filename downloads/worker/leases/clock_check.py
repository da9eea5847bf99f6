"""Check of this machine's clock against the database's."""

import contextlib
import logging
import socket

import redis

from downloads.database.clock import measure_offset
from downloads.outage_log import OutageLog
from downloads.progress import keys, redis_clients

logger = logging.getLogger(__name__)

MAX_OFFSET_SECONDS = 5.0
WARNING_TTL_SECONDS = 15


class ClockCheck:
    """Says, once in the log and in `/readyz` while it lasts, that this machine's clock is off."""

    def __init__(self, worker_name: str) -> None:
        self._key = keys.CLOCK_WARNING_KEY_PREFIX + worker_name
        self._log = OutageLog(logger, "%s", "The clock of this machine agrees with the database's again.")

    def run(self) -> None:
        """Compare the clocks; raise database errors."""
        seconds = measure_offset().total_seconds()
        if abs(seconds) <= MAX_OFFSET_SECONDS:
            self._log.recovered()
            return
        warning = describe_offset(socket.gethostname(), seconds)
        self._log.failed(warning)
        with contextlib.suppress(redis.RedisError, OSError):
            redis_clients.get_redis_client().set(self._key, warning, ex=WARNING_TTL_SECONDS)


def describe_offset(host: str, seconds: float) -> str:
    """Return a sentence about a clock that is `seconds` ahead of the database's."""
    side = "ahead of" if seconds > 0 else "behind"
    return (
        f"The clock of {host} is {abs(seconds):.0f} s {side} the database's: set both by NTP. Downloads go on; times "
        "on pages are wrong."
    )
