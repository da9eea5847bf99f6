"""Template filters for descriptions: links without a referrer, timestamps that start the player, and folding."""

import re

from django import template
from django.utils.html import format_html, urlize
from django.utils.safestring import SafeString, mark_safe

from downloads.library.video.chapters import TIMESTAMP, timestamp_seconds

register = template.Library()

# A time in a text, after a space or a sign and before one: "(1:23)", "1:23–4:05", "at 1:02:03, the end".
TIMESTAMP_PATTERN = re.compile(rf"(?<![^\s(\[|>▶►•–—-]){TIMESTAMP}(?![^\s)\].,;:|–—-])(?!:[0-9])")
# In characters, on a wide page and on a phone.
WIDE_LINE_LENGTH, NARROW_LINE_LENGTH = 80, 40
# Longer texts are folded to 8 lines (description.css): not where that would hide a few lines only.
MAX_UNFOLDED_LINES = 12


@register.filter
def linkify_description(text: str, duration: float | None = None, prefix: str = "") -> SafeString:
    """Return the escaped text with its URLs as links; with `duration` in seconds, timestamps up to it as links too.

    `prefix` is what the query of those begins with, such as "list=…&".
    """
    fragments, end = [], 0
    for match in TIMESTAMP_PATTERN.finditer(text):
        seconds = timestamp_seconds(*match.groups())
        if seconds is not None and seconds <= (duration or -1):
            link = format_html('<a href="?{}t={}">{}</a>', prefix, seconds, match[0])
            fragments += [_linkify_urls(text[end : match.start()]), link]
            end = match.end()
    return mark_safe("".join([*fragments, _linkify_urls(text[end:])]))  # noqa: S308 - each fragment is escaped


@register.simple_tag
def linked_description(text: str, duration: float | None, prefix: str) -> SafeString:
    """Render the text with its URLs and its timestamps as links."""
    return linkify_description(text, duration, prefix)


@register.filter
def fold_class(text: str) -> str:
    """Return the CSS class of a text that has too many lines: "folded", on a phone only "folded-narrow", or ""."""
    if _count_lines(text, WIDE_LINE_LENGTH) > MAX_UNFOLDED_LINES:
        return "folded"
    return "folded-narrow" if _count_lines(text, NARROW_LINE_LENGTH) > MAX_UNFOLDED_LINES else ""


def _linkify_urls(text: str) -> str:
    # Quotes in the text are escaped, so only urlize itself can have written this attribute.
    return urlize(text, nofollow=True, autoescape=True).replace(
        ' rel="nofollow"', ' rel="noopener noreferrer nofollow"'
    )


def _count_lines(text: str, width: int) -> int:
    return sum(max(1, -(-len(line) // width)) for line in text.strip().splitlines())
