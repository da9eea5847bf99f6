"""HTTP Strict Transport Security (RFC 6797) that grows: a host without TLS by mistake is locked out for minutes only.

A browser that has seen the header opens the host by https:// alone until `max-age` is over, and nobody can take that
back but by the same header over https. So it is short at first, and longer after days in which the archive was behind
TLS all the time; at a start without TLS it begins anew. Never with `includeSubDomains`: other names are not ours.
"""

import logging
import math
import time
from pathlib import Path

from django.conf import settings

logger = logging.getLogger(__name__)

FILE_NAME = "https-since"
DAY_SECONDS = 86_400
# (seconds behind TLS, max-age)
STEPS = (
    (30 * DAY_SECONDS, 365 * DAY_SECONDS),
    (7 * DAY_SECONDS, 30 * DAY_SECONDS),
    (DAY_SECONDS, DAY_SECONDS),
    (0, 300),
)


class GrowingMaxAge:
    """The `max-age` of this archive; the time of the first response over https is in the cache folder."""

    def __init__(self) -> None:
        self._since: float | None = None

    def seconds(self, now: float | None = None) -> int:
        """Return the present `max-age`, by YTARCHIVE_HSTS_SECONDS or as grown since the first call."""
        if settings.HSTS_SECONDS is not None:
            return int(settings.HSTS_SECONDS)
        now = time.time() if now is None else now
        if self._since is None:
            self._since = _read_or_write_start(now)
        elapsed = max(0.0, now - self._since)  # a clock may have been set back
        return next(max_age for least, max_age in STEPS if elapsed >= least)

    def reset(self) -> None:
        """Forget the time behind TLS."""
        self._since = None
        try:
            _path().unlink(missing_ok=True)
        except OSError as error:
            logger.warning("%s cannot be removed: %s", _path(), error)


def _path() -> Path:
    return Path(settings.CACHE_ROOT, FILE_NAME)


def _read_or_write_start(now: float) -> float:
    """Return when responses over https began: what is in the file, else now, which is written there."""
    try:
        since = float(_path().read_text())
    except (OSError, ValueError):
        since = math.nan
    if math.isfinite(since):
        return since
    try:
        _path().parent.mkdir(parents=True, exist_ok=True)
        _path().write_text(str(now))
    except OSError as error:
        logger.warning("%s cannot be written, so HSTS does not grow: %s", _path(), error)
    return now
