"""Chapters of a video: the site's own, or those that its description lists."""

import re
from collections.abc import Iterator

from downloads.models import Video
from downloads.models.value_objects import MAX_CHAPTERS, Chapter

# A time such as 12:34, 1:02:03 or 125:00.
TIMESTAMP = r"(?:([0-9]{1,2}):)?([0-9]{1,3}):([0-5][0-9])"
SEPARATORS = r"[\s:|.•·–—)\]-]{0,8}"
# "1:23 Title", "- [1:23] Title", "2. 1:23 - 4:05 | Title"; or "Title (1:23)", "Title - 1:23"
LEADING_PATTERN = re.compile(
    rf"(?:[0-9]{{1,3}}[.)]\s)?[^\w\n]{{0,8}}{TIMESTAMP}(?![0-9:])(?:\s?[–—-]\s?[0-9]{{1,3}}(?::[0-9]{{2}}){{1,2}})?"
    rf"{SEPARATORS}(?P<title>\S.*)"
)
TRAILING_PATTERN = re.compile(rf"(?P<title>\S.{{0,200}}?)[\s(\[–—-]{{1,6}}{TIMESTAMP}[)\].\s]{{0,4}}")
# The same in the addresses of links, as players elsewhere write it.
CLOCK_PATTERN = re.compile(TIMESTAMP, re.ASCII)
UNITS_PATTERN = re.compile(r"(?:([0-9]{1,3})h)?(?:([0-9]{1,5})m)?(?:([0-9]{1,6})s?)?", re.ASCII)
MIN_CHAPTERS = 2
MAX_LINE_LENGTH = 300


def find_chapters(video: Video) -> list[Chapter]:
    """Return the chapters that lie within the video, in their order in time; [] if there are fewer than two."""
    chapters = video.chapter_list or _ascending(_described_chapters(video.description))
    within = [chapter for chapter in chapters if video.duration and chapter.start < video.duration]
    return within[:MAX_CHAPTERS] if len(within) >= MIN_CHAPTERS else []


def timestamp_seconds(hours: str | None, minutes: str, seconds: str) -> int | None:
    """Return the parts of a timestamp as seconds; None for hours with more than 59 minutes."""
    if hours and int(minutes) > 59:
        return None
    return int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)


def parse_time(text: str) -> int | None:
    """Return a second of a video as addresses name it: "83", "83s", "1:23", "1:02:03" or "1h2m3s"; None for others."""
    if match := CLOCK_PATTERN.fullmatch(text):
        return timestamp_seconds(*match.groups())
    match = UNITS_PATTERN.fullmatch(text)
    if not match or not any(match.groups()):
        return None
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def _described_chapters(text: str) -> Iterator[Chapter]:
    """Yield a chapter for each line that begins or ends with a time."""
    for line in text.splitlines():
        stripped = line.strip()
        if len(stripped) > MAX_LINE_LENGTH:
            continue
        match = LEADING_PATTERN.fullmatch(stripped) or TRAILING_PATTERN.fullmatch(stripped)
        start = timestamp_seconds(*match.group(1, 2, 3)) if match and ":" in stripped else None
        if match and start is not None:
            yield Chapter(start, match["title"].strip())


def _ascending(chapters: Iterator[Chapter]) -> list[Chapter]:
    """Return the chapters; [] if their times do not ascend: then they are no table of contents."""
    listed = list(chapters)
    starts = [chapter.start for chapter in listed]
    return listed if starts == sorted(set(starts)) else []
