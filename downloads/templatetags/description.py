"""Template filters for descriptions: links without a referrer, timestamps that start the player, and folding."""

import re

from django import template
from django.utils.html import format_html, urlize
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

TIMESTAMP_PATTERN = re.compile(r"(?<![^\s(\[])(?:(\d{1,2}):)?([0-5]?\d):([0-5]\d)(?![^\s)\].,;-])", re.ASCII)
# In characters, on a wide page and on a phone. Longer texts than MAX_UNFOLDED_LINES are folded.
WIDE_LINE_LENGTH, NARROW_LINE_LENGTH, MAX_UNFOLDED_LINES = 80, 40, 6


@register.filter
def linkify_description(text: str, duration: float | None = None) -> SafeString:
    """Return the escaped text with its URLs as links; with `duration` in seconds, timestamps up to it as links too."""
    fragments, end = [], 0
    for match in TIMESTAMP_PATTERN.finditer(text):
        seconds = _timestamp_seconds(match)
        if seconds <= (duration or -1):
            link = format_html('<a href="?t={}">{}</a>', seconds, match[0])
            fragments += [_linkify_urls(text[end : match.start()]), link]
            end = match.end()
    return mark_safe("".join([*fragments, _linkify_urls(text[end:])]))  # noqa: S308 - each fragment is escaped


@register.filter
def fold_class(text: str) -> str:
    """Return the CSS class of a text that has too many lines: "folded", on a phone only "folded-narrow", or ""."""
    if _count_lines(text, WIDE_LINE_LENGTH) > MAX_UNFOLDED_LINES:
        return "folded"
    return "folded-narrow" if _count_lines(text, NARROW_LINE_LENGTH) > MAX_UNFOLDED_LINES else ""


def _timestamp_seconds(match: re.Match[str]) -> int:
    hours, minutes, seconds = (int(group or 0) for group in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def _linkify_urls(text: str) -> str:
    # Quotes in the text are escaped, so only urlize itself can have written this attribute.
    return urlize(text, nofollow=True, autoescape=True).replace(
        ' rel="nofollow"', ' rel="noopener noreferrer nofollow"'
    )


def _count_lines(text: str, width: int) -> int:
    return sum(max(1, -(-len(line) // width)) for line in text.strip().splitlines())
