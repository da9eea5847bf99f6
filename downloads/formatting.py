"""Formatting of sizes, times and names as text; static/js/format.js formats live pages in the same way."""

import datetime as dt
import math
import re

from django.utils import formats, timezone
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from downloads.models import Quality, Video
from downloads.network.short_urls import short_url
from downloads.network.url_secrets import hide_secrets as hide_secrets  # noqa: PLC0414 - for the views

BYTE_UNITS = ("B", "kB", "MB", "GB", "TB")
BREAK_PATTERN = re.compile(r"[/?]|&amp;")  # in escaped text
RESOLUTIONS = (4320, 2160, 1440, 1080, 720, 576, 540, 480, 360, 240, 144)  # lines of a picture in 16:9
RESOLUTION_NAMES = {4320: "8K", 2160: "4K"}
RESOLUTION_TOLERANCE = 0.94  # encoders cut a few lines away
# Year and month are the averages of the Gregorian calendar.
SECONDS_PER_UNIT = (("year", 31556952), ("month", 2629746), ("day", 86400), ("hour", 3600), ("minute", 60))


def _scale_bytes(byte_count: float) -> tuple[str, str]:
    """Scale a number of bytes; return it with at most three digits, and its decimal (SI) unit."""
    power = 0
    while power < len(BYTE_UNITS) - 1 and byte_count >= 999.5:
        byte_count /= 1000
        power += 1
    if power and byte_count < 9.95:
        return f"{math.floor(byte_count * 10 + 0.5) / 10:.1f}", BYTE_UNITS[power]
    return str(math.floor(byte_count + 0.5)), BYTE_UNITS[power]


def format_bytes(byte_count: float | None) -> str:
    """Return a size such as "603 MB"; "" for None."""
    return "" if byte_count is None else " ".join(_scale_bytes(byte_count))


def format_downloaded(video: Video) -> str:
    """Return the downloaded of the total bytes, such as "412 of 603 MB"; "" while unknown."""
    downloaded, total = video.downloaded_bytes, video.total_bytes
    if downloaded is None:
        return ""
    if total is None:
        return format_bytes(downloaded)
    (number, unit), (_, total_unit) = _scale_bytes(downloaded), _scale_bytes(total)
    # The unit is written once if both have the same.
    return f"{number if unit == total_unit else format_bytes(downloaded)} of {format_bytes(total)}"


def format_duration(seconds: float | None) -> str:
    """Return a duration as players show it, "12:04" or "1:02:09"; "" for None."""
    if seconds is None:
        return ""
    minutes, remaining_seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{remaining_seconds:02}" if hours else f"{minutes}:{remaining_seconds:02}"


def format_timespan(seconds: float) -> str:
    """Return a time span with units, such as "37 s", "4 min", "1 h 12 min", "2 h" or "3 days"."""
    if round(seconds) < 60:
        return f"{max(0, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    if days := minutes // 1440:
        return f"{days} day{'s' if days > 1 else ''}"
    return f"{minutes // 60} h" + f" {minutes % 60} min" * bool(minutes % 60)


def format_total_time(seconds: float) -> str:
    """Return the length of many videos, such as "37 s", "4 min", "1 h 12 min" or "1,240 h"."""
    hours = round(seconds / 3600)
    return f"{hours:,} h" if hours >= 24 else format_timespan(seconds)


def time_ago(moment: dt.datetime | None) -> str:
    """Return the time since a moment in its largest unit, such as "2 days ago", or "just now"."""
    if moment is None:
        return "at an unknown time"
    elapsed_seconds = (timezone.now() - moment).total_seconds()
    for unit, unit_seconds in SECONDS_PER_UNIT:
        if elapsed_seconds >= unit_seconds:
            count = int(elapsed_seconds // unit_seconds)
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"


def time_until(moment: dt.datetime) -> str:
    """Return the time until a moment, such as "in 4 h 12 min", or "soon" for one that is past."""
    remaining_seconds = (moment - timezone.now()).total_seconds()
    return f"in {format_timespan(remaining_seconds)}" if remaining_seconds >= 1 else "soon"


def format_admin_datetime(moment: dt.datetime | None, date_format: str = "j M Y, H:i") -> str:
    """Return a moment as the admin shows it, "22 Nov 2026, 17:04", or "Unknown"; the page's foot names the zone."""
    if moment is None:
        return "Unknown"
    return formats.date_format(timezone.localtime(moment), date_format)


def display_name(video: Video) -> str:
    """Return the title of a video, or its short URL while the title is unknown."""
    return video.title.strip() or short_url(video.url.strip()) or "Unknown video"


def site_name(url: str) -> str:
    """Return the site of a URL, such as "example.org"."""
    return short_url(url).partition("/")[0]


def quality_label(video: Video) -> str:
    """Return the requested quality, such as "Best quality", "Up to 720p" or "Audio only"."""
    label = video.get_quality_display()
    if video.quality not in Quality:
        return "Unknown quality"
    return {Quality.BEST: "Best quality", Quality.AUDIO: label}.get(Quality(video.quality), f"Up to {label}")


def resolution_label(video: Video) -> str:
    """Return the resolution of the file, such as "4K", "1440p" or "1080p"; "" while unknown, and for audio.

    By whichever side says more, so that a film in 1920 × 800 and a vertical video in 1080 × 1920 are both "1080p".
    """
    if not video.width or not video.height:
        return ""
    longer, shorter = max(video.width, video.height), min(video.width, video.height)
    lines = max(shorter, longer * 9 / 16)
    rung = next((rung for rung in RESOLUTIONS if lines >= rung * RESOLUTION_TOLERANCE), None)
    return RESOLUTION_NAMES.get(rung, f"{rung}p") if rung else f"{shorter}p"


def codec_label(video: Video) -> str:
    """Return the codecs of the file, such as "h264/aac" or "opus"; "" while unknown."""
    return "/".join(codec for codec in (video.video_codec, video.audio_codec) if codec)


def printable_text(text: str) -> str:
    """Return the text with spaces for unprintable characters, such as the escapes that terminals obey."""
    return "".join(character if character.isprintable() else " " for character in text)


def truncate_text(text: str, max_length: int) -> str:
    """Return up to `max_length` characters; faster than Django's `truncatechars`, which visits each character."""
    return text if len(text) <= max_length else f"{text[: max_length - 1]}…"


def break_after_slashes(text: str) -> SafeString:
    """Return the escaped text with places where a line may end, so that no address breaks within a word."""
    return mark_safe(BREAK_PATTERN.sub(r"\g<0><wbr>", escape(text)))  # noqa: S308 - escaped
