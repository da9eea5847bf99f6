"""Versions of yt-dlp, which are dates: their order and their age."""

import datetime as dt
import re

# Such as 2026.10.26, 2026.10.26.1 and the nightly 2026.10.26.232815.dev0; the index and yt-dlp itself may differ in
# leading zeros.
VERSION_PATTERN = re.compile(r"(\d{4})\.(\d{1,2})\.(\d{1,2})(?:\.(?:post)?(\d{1,6}))?(?:\.?dev\d+)?(?:\+.*)?", re.ASCII)


def parse_version(text: str) -> tuple[int, ...]:
    """Return a version as numbers, which compare in order of release; raise ValueError if it is no date."""
    match = VERSION_PATTERN.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no version of yt-dlp")
    numbers = [int(number) for number in match.groups(default="0")]
    dt.date(*numbers[:3])  # raises ValueError
    return tuple(numbers)


def release_date(text: str) -> dt.date:
    """Return the date of a version; raise ValueError."""
    year, month, day, _ = parse_version(text)
    return dt.date(year, month, day)


def age_days(text: str, today: dt.date | None = None) -> int:
    """Return the age of a version in days, 0 for one of the future; raise ValueError."""
    today = today or dt.datetime.now(dt.UTC).date()
    return max(0, (today - release_date(text)).days)
