"""Numbers, times and names in words; the page's JavaScript (format.js) words them alike."""

import datetime as dt
import math
from urllib.parse import unquote

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from downloads.models import MAX_RETRIES, Quality, Video

BYTE_UNITS = ("B", "kB", "MB", "GB", "TB")
MAX_SHORT_URL_LENGTH = 60  # characters


def _scale_bytes(byte_count: float) -> tuple[str, str]:
    """Return a number of bytes as (number, unit): decimal, at most three digits."""
    power = 0
    while power < len(BYTE_UNITS) - 1 and byte_count >= 999.5:
        byte_count /= 1000
        power += 1
    if power and byte_count < 9.95:
        return f"{math.floor(byte_count * 10 + 0.5) / 10:.1f}", BYTE_UNITS[power]
    return str(math.floor(byte_count + 0.5)), BYTE_UNITS[power]


def format_bytes(byte_count: float | None) -> str:
    """Return bytes as "603 MB"."""
    return "" if byte_count is None else " ".join(_scale_bytes(byte_count))


def format_downloaded(video: Video) -> str:
    """Return what has arrived, as "412 of 603 MB"."""
    done, total = video.downloaded_bytes, video.total_bytes
    if done is None:
        return ""
    if total is None:
        return format_bytes(done)
    (number, unit), (_, whole_unit) = _scale_bytes(done), _scale_bytes(total)
    return (
        f"{number} of {format_bytes(total)}" if unit == whole_unit else f"{format_bytes(done)} of {format_bytes(total)}"
    )


def retry_message(video: Video) -> SafeString:
    """Return why a video waits, as "Retrying in 40 s (2 of 3)", with its time for the script that counts down.

    When that has passed, it waits for a free place: "Retrying when its turn comes (2 of 3)".
    """
    if video.retries_at is None:
        return SafeString()
    left = (video.retries_at - timezone.now()).total_seconds()
    when = f"in {format_timespan(max(1.0, left))}" if left > 0 else "when its turn comes"
    time = format_html('<time datetime="{}">{}</time>', video.retries_at.isoformat(), when)
    return format_html("Retrying {} ({} of {})", time, video.tries, MAX_RETRIES)


def format_duration(seconds: float | None) -> str:
    """Return a duration as on a player, "12:04" or "1:02:09"."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def format_timespan(seconds: float) -> str:
    """Return a length of time in words, as "37 s", "4 min", "1 h 12 min", "3 days"."""
    if round(seconds) < 60:
        return f"{max(0, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    days = minutes // 1440
    return f"{days} day{'s' if days > 1 else ''}" if days else f"{minutes // 60} h {minutes % 60} min"


def time_ago(moment: dt.datetime) -> str:
    """Return how long ago, in the largest unit: "2 days ago"."""
    passed = (timezone.now() - moment).total_seconds()
    for unit, length in (("year", 31556952), ("month", 2629746), ("day", 86400), ("hour", 3600), ("minute", 60)):
        if passed >= length:
            count = int(passed // length)
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"


def display_name(video: Video) -> str:
    """Return the title, or the address in short while no title is known."""
    return video.title or short_url(video.url)


def short_url(url: str) -> str:
    """Return an address as people say it, "example.org/…/clip.mp4"; the end says most."""
    plain = unquote(url)
    plain = plain if plain.isprintable() and "\ufffd" not in plain else url
    bare = plain.partition("://")[2].removeprefix("www.").rstrip("/") or url
    if len(bare) <= MAX_SHORT_URL_LENGTH:
        return bare
    host, _, path = bare.partition("/")
    host = host if len(host) <= MAX_SHORT_URL_LENGTH // 2 else f"…{host[-MAX_SHORT_URL_LENGTH // 2 :]}"
    end = path[len(host) - MAX_SHORT_URL_LENGTH :]
    return f"{host}/…{end[max(0, end.find('/')) :]}"


def site_name(url: str) -> str:
    """Return the site of an address, as "example.org"."""
    return short_url(url).partition("/")[0]


def quality_label(video: Video) -> str:
    """Return what was asked for, as "Best quality", "Up to 720p", "Audio only"."""
    said = video.get_quality_display()
    return {Quality.BEST: "Best quality", Quality.AUDIO: said}.get(Quality(video.quality), f"Up to {said}")


def truncate_text(text: str, max_length: int) -> str:
    """Return so many characters at most; Django's own filter looks at each of them, in short texts too."""
    return text if len(text) <= max_length else f"{text[: max_length - 1]}…"
