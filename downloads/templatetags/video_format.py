"""Template filters that format a video's fields; static/js/format.js formats live pages in the same way."""

import datetime as dt
import math
import zlib

from django import template
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString, mark_safe

from downloads import formatting
from downloads.models import PlayableCopy, Video
from downloads.models.channels.channel import has_page
from downloads.network.url_secrets import hide_secrets

register = template.Library()
register.filter(formatting.format_bytes)
register.filter(formatting.format_downloaded)
register.filter(formatting.format_duration)
register.filter(formatting.format_timespan)
register.filter(formatting.format_total_time)
register.filter(formatting.time_ago)
register.filter(formatting.display_name)
register.filter(formatting.short_url)
register.filter(formatting.site_name)
register.filter(formatting.quality_label)
register.filter(formatting.resolution_label)
register.filter(formatting.codec_label)
register.filter(formatting.break_after_slashes)
register.filter(formatting.truncate_text)
register.filter(hide_secrets)

UNIX_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
PLACEHOLDER_TONE_COUNT = 12
RESOLUTION_LABELS = ((4320, "8K"), (2160, "4K"), (1440, "1440p"))  # by the shorter side
MAX_TYPE_LENGTH = 5  # characters of a file's ending that is told


@register.filter
def format_percent(video: Video | PlayableCopy) -> str:
    """Return the progress such as "68 %", rounded down so that it is 100 at the end only; "" while unknown."""
    return "" if video.percent is None else f"{math.floor(video.percent)} %"


@register.filter
def percent_attribute(number: float | None) -> str:
    """Return a percentage for an attribute, rounded to one decimal; "" for None."""
    return "" if number is None else f"{math.floor(number * 10 + 0.5) / 10:g}"


@register.filter
def spoken_percent(number: float | None) -> str:
    """Return a percentage for screen readers."""
    return "not known yet" if number is None else f"{math.floor(number)} percent"


@register.filter
def aria_valuetext(video: Video) -> str:
    """Return the value of the progress bar as text, for screen readers."""
    parts = [
        f"{math.floor(video.percent)} percent" if video.percent is not None else "",
        formatting.format_downloaded(video),
    ]
    return ", ".join(part for part in parts if part) or "not known yet"


@register.filter
def time_ago_element(moment: dt.datetime | None) -> SafeString:
    """Return the time since a moment as a `<time>` element with the exact time; faster than Django's date filters."""
    if moment is None:
        return format_html("<span>{}</span>", formatting.time_ago(moment))
    return _time_element(moment, formatting.time_ago(moment))


@register.filter
def time_until_element(moment: dt.datetime) -> SafeString:
    """Return the time until a moment as a `<time>` element with the exact time."""
    return _time_element(moment, formatting.time_until(moment))


def _time_element(moment: dt.datetime, text: str) -> SafeString:
    local = timezone.localtime(moment)
    exact = f"{local.day} {local:%B} {local.year}, {local:%H:%M %Z}"
    # Only numbers and names of units, months and zones, so there is nothing to escape.
    return mark_safe(f'<time datetime="{moment.isoformat()}" title="{exact}">{text}</time>')  # noqa: S308


@register.filter
def placeholder_tone(video_id: str) -> str:
    """Return the number of the background color ("0" to "11") of a video without a thumbnail."""
    return str(zlib.crc32(video_id.encode()) % PLACEHOLDER_TONE_COUNT)


@register.filter
def placeholder_letter(name: str) -> str:
    """Return the first letter of a name, for a video without a thumbnail; a digit only where there is no letter."""
    site_or_title = name.removeprefix("https://").removeprefix("http://").removeprefix("www.")
    characters = [character for character in site_or_title if character.isalnum()]
    return next((character for character in characters if character.isalpha()), *characters[:1] or "?").upper()


@register.filter
def first_line(text: str) -> str:
    """Return the first line of an error: its sentence, without the details of the site below it."""
    return text.strip().partition("\n")[0]


@register.filter
def resolution_badge(video: Video) -> str:
    """Return "8K", "4K" or "1440p" by the shorter side of the picture; "" for less, or unknown."""
    sides = [side for side in (getattr(video, name, None) for name in ("width", "height")) if side]
    return next((label for height, label in RESOLUTION_LABELS if sides and min(sides) >= height), "")


@register.filter
def card_date(video: Video) -> SafeString:
    """Return when a video was published, or else when it was added, as a `<time>` element with the other beside."""
    if not video.upload_date:
        return mark_safe(f"<span>Added {time_ago_element(video.added_at)}</span>")  # noqa: S308 - escaped there
    day = video.upload_date
    # Only numbers and names of months, so there is nothing to escape.
    return mark_safe(f'<time datetime="{day:%Y-%m-%d}">{day.day} {day:%B} {day.year}</time>')  # noqa: S308


@register.filter
def spoken_badges(video: Video) -> str:
    """Return the badges of a card as text for screen readers: "Length 12:04, 4K, subtitles"."""
    parts = [
        f"Length {formatting.format_duration(video.duration)}" if video.duration and not video.is_list else "",
        resolution_badge(video),
        "subtitles" if getattr(video, "has_subtitles", False) else "",
        {"audio": "audio only", "list": "playlist"}.get(video.kind, ""),
    ]
    return ", ".join(part for part in parts if part)


@register.filter
def sort_key(video: Video) -> str:
    """Return the position of a row in its section as a number: rows are in ascending order."""
    if video.is_terminal:
        # The last to end comes first.
        return str(-_unix_microseconds(video.ended_at or video.added_at))
    if video.is_active and video.started_at:
        return str(_unix_microseconds(video.started_at))
    # The order of the queue: priority first. Times in milliseconds are below 10^13 until the year 2286.
    return str(_unix_microseconds(video.queued_at) // 1000 - video.priority * 10**13)


@register.filter
def or_address(title: str, url: str) -> str:
    """Return a title as it is; without one the address, without its secrets."""
    return title or hide_secrets(url)


@register.filter
def newest_first_key(video: Video) -> str:
    """Return the position of a card among the newest as a number: cards are in ascending order."""
    return str(-_unix_microseconds(video.added_at))


def _unix_microseconds(time: dt.datetime | None) -> int:
    """Return a time as microseconds since 1970, which JavaScript holds exactly until 2255; 0 for none.

    Rows are ordered by their exact times, and several may be of one millisecond.
    """
    return (time - UNIX_EPOCH) // dt.timedelta(microseconds=1) if time else 0


@register.filter
def file_type(video: Video) -> str:
    """Return the type of a video's file with its codecs, such as "mp4 (h264/aac)"; "" without a file."""
    _, dot, ending = video.media_file.rpartition(".")
    if not dot or len(ending) > MAX_TYPE_LENGTH:
        return ""
    codecs = formatting.codec_label(video)
    return f"{ending.lower()} ({codecs})" if codecs else ending.lower()


@register.filter
def floor_seconds(seconds: float) -> int:
    """Return whole seconds, as a link to a time in a video has them."""
    return math.floor(seconds)


@register.filter
def version_of(value: object) -> str:
    """Return a text that changes with a value, by which live updates see that a part of a page is the same."""
    return f"{zlib.crc32(repr(value).encode()):x}"


@register.simple_tag
def channel_url(video: Video) -> str:
    """Return the URL of the uploader's page, or that of the library with the uploader's videos."""
    if has_page(video.channel_id):
        return reverse("channel", args=[video.channel_id])
    return f"{reverse('library')}?{urlencode({'uploader': video.uploader})}"
