"""The header Retry-After: how long a site asks to be left alone (RFC 9110, 10.2.3)."""

import datetime as dt
from email.utils import parsedate_to_datetime

from downloads.ytdlp.selected_ytdlp import HTTPError

MAX_SECONDS = 10**9


def read_retry_after(error: HTTPError | None, now: dt.datetime | None = None) -> dt.timedelta | None:
    """Return the wait that a response asks for, never negative; None for none, and for what is neither form of it."""
    headers = getattr(getattr(error, "response", None), "headers", None)
    value = str(headers.get("Retry-After") or "").strip() if headers else ""
    if value.isascii() and value.isdigit():
        return dt.timedelta(seconds=min(int(value[:12]), MAX_SECONDS))
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, IndexError, TypeError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return max(dt.timedelta(0), moment - (now or dt.datetime.now(dt.UTC)))
