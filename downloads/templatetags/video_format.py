"""States and numbers in words; static/js/format.js says the same while a page is live."""

import datetime as dt
import math
import zlib

from django import template
from django.utils.safestring import SafeString, mark_safe

from downloads import formatting
from downloads.models import Video

register = template.Library()
register.filter(formatting.format_bytes)
register.filter(formatting.format_downloaded)
register.filter(formatting.retry_message)
register.filter(formatting.format_duration)
register.filter(formatting.format_timespan)
register.filter(formatting.time_ago)
register.filter(formatting.display_name)
register.filter(formatting.short_url)
register.filter(formatting.site_name)
register.filter(formatting.quality_label)
register.filter(formatting.truncate_text)

PLACEHOLDER_TONE_COUNT = 12


@register.filter
def format_percent(video: Video) -> str:
    """Return the bar's number, as "68 %"; never 100 before the end."""
    return "" if video.percent is None else f"{math.floor(video.percent)} %"


@register.filter
def percent_attribute(number: float | None) -> str:
    """Return a percentage for an attribute, with one decimal at most."""
    return "" if number is None else f"{math.floor(number * 10 + 0.5) / 10:g}"


@register.filter
def aria_valuetext(video: Video) -> str:
    """Return the bar in words, for those who hear it."""
    parts = [
        f"{math.floor(video.percent)} percent" if video.percent is not None else "",
        formatting.format_downloaded(video),
    ]
    return ", ".join(part for part in parts if part) or "not known yet"


@register.filter
def time_ago_element(moment: dt.datetime) -> SafeString:
    """Return how long ago, as an element that has the exact time; a page has dozens, and Django's dates are slow."""
    exact = f"{moment.day} {moment:%B} {moment.year}, {moment:%H:%M} UTC"
    # Numbers and names of months: nothing to escape.
    return mark_safe(f'<time datetime="{moment.isoformat()}" title="{exact}">{formatting.time_ago(moment)}</time>')  # noqa: S308


@register.filter
def placeholder_tone(video_id: str) -> str:
    """Return the calm tone ("0" to "11") of a video without a picture."""
    return str(zlib.crc32(video_id.encode()) % PLACEHOLDER_TONE_COUNT)


@register.filter
def placeholder_letter(name: str) -> str:
    """Return the first letter or digit of a name, for a video without a picture."""
    bare = name.removeprefix("https://").removeprefix("http://").removeprefix("www.")
    return next((character.upper() for character in bare if character.isalnum()), "?")


@register.filter
def sort_key(video: Video) -> str:
    """Return the place within its list, a number: the smaller the nearer to the top."""
    if video.is_terminal:
        return str(-video.pk)
    if video.is_active and video.started_at:
        return str(int(video.started_at.timestamp() * 1000))
    # As the queue has it: what has priority comes first. Any time in milliseconds is below 10^13.
    return str(int(video.queued_at.timestamp() * 1000) - video.priority * 10**13)
