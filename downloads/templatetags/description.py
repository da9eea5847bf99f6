"""A description as it is shown: links that give nothing away, and times that lead into the video."""

import re

from django import template
from django.utils.html import format_html, urlize
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

TIMESTAMP_PATTERN = re.compile(r"(?<![^\s(\[])(?:(\d{1,2}):)?([0-5]?\d):([0-5]\d)(?![^\s)\].,;-])", re.ASCII)
# Characters of a line where the page is wide, and on a phone; more than LINES of them are folded.
WIDE_LINE_LENGTH, NARROW_LINE_LENGTH, MAX_UNFOLDED_LINES = 80, 40, 6


@register.filter
def linkify_description(text: str, duration: float | None = None) -> SafeString:
    """Return text with its links; with the length of a video, "1:23" leads to that moment of it."""
    parts, end = [], 0
    for found in TIMESTAMP_PATTERN.finditer(text):
        at = _timestamp_seconds(found)
        if at <= (duration or -1):
            parts += [_linkify_urls(text[end : found.start()]), format_html('<a href="?t={}">{}</a>', at, found[0])]
            end = found.end()
    return mark_safe("".join([*parts, _linkify_urls(text[end:])]))  # noqa: S308 - each part is escaped


@register.filter
def fold_class(text: str) -> str:
    """Return the class of a text that has too many lines: everywhere, or on a phone only."""
    if _count_lines(text, WIDE_LINE_LENGTH) > MAX_UNFOLDED_LINES:
        return "folded"
    return "folded-narrow" if _count_lines(text, NARROW_LINE_LENGTH) > MAX_UNFOLDED_LINES else ""


def _timestamp_seconds(match: re.Match[str]) -> int:
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def _linkify_urls(text: str) -> str:
    # Quotes in the text are escaped: only urlize itself can have written this attribute.
    return urlize(text, nofollow=True, autoescape=True).replace(
        ' rel="nofollow"', ' rel="noopener noreferrer nofollow"'
    )


def _count_lines(text: str, width: int) -> int:
    return sum(max(1, -(-len(line) // width)) for line in text.strip().splitlines())
