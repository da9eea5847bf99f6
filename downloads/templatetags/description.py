"""A description as it is shown: links that give nothing away, and times that lead into the video."""

import re

from django import template
from django.utils.html import format_html, urlize
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

TIME = re.compile(r"(?<![^\s(\[])(?:(\d{1,2}):)?([0-5]?\d):([0-5]\d)(?![^\s)\].,;-])", re.ASCII)
# Characters of a line where the page is wide, and on a phone; more than LINES of them are folded.
WIDE, NARROW, LINES = 80, 40, 6


@register.filter
def prose(text: str, seconds: float | None = None) -> SafeString:
    """Return text with its links; with the length of a video, "1:23" leads to that moment of it."""
    parts, end = [], 0
    for found in TIME.finditer(text):
        at = _seconds(found)
        if at <= (seconds or -1):
            parts += [_linked(text[end : found.start()]), format_html('<a href="?t={}">{}</a>', at, found[0])]
            end = found.end()
    return mark_safe("".join([*parts, _linked(text[end:])]))  # noqa: S308 - each part is escaped


@register.filter
def folding(text: str) -> str:
    """Return the class of a text that has too many lines: everywhere, or on a phone only."""
    if _lines(text, WIDE) > LINES:
        return "folded"
    return "folded-narrow" if _lines(text, NARROW) > LINES else ""


def _seconds(found: re.Match[str]) -> int:
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds


def _linked(text: str) -> str:
    # Quotes in the text are escaped: only urlize itself can have written this attribute.
    return urlize(text, nofollow=True, autoescape=True).replace(
        ' rel="nofollow"', ' rel="noopener noreferrer nofollow"'
    )


def _lines(text: str, width: int) -> int:
    return sum(max(1, -(-len(line) // width)) for line in text.strip().splitlines())
