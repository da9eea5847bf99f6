"""Marks where a search has found its words."""

from django import template
from django.utils.html import conditional_escape, format_html_join
from django.utils.safestring import SafeString

from downloads.files import subtitles, webvtt
from downloads.models import Video
from downloads.search import tokenizer

register = template.Library()

EXCERPT_CONTEXT_LENGTH = 70  # characters of an excerpt before the first hit, and twice as many after it
MAX_EXCERPT_SOURCE_LENGTH = 20_000  # characters of a description that an excerpt is looked for in


@register.filter
def highlight_words(text: str, words: list[str] | None) -> SafeString:
    """Return the text, escaped, with the beginnings of words that were asked for marked."""
    if not words:
        return conditional_escape(text)
    pieces, done = [], 0
    for start, end in tokenizer.match_spans(text, words):
        pieces += [(conditional_escape(text[done:start]), text[start:end])]
        done = end
    return format_html_join("", "{}<mark>{}</mark>", pieces) + conditional_escape(text[done:])


@register.filter
def search_excerpt(video: Video, words: list[str] | None) -> str:
    """Return the place in the description or the subtitles that has what title and uploader have not; "" if none."""
    known = tokenizer.tokenize(f"{video.title} {video.uploader}")
    sought = [word for word in words or () if not any(each.startswith(word) for each in known)]
    if not sought:
        return ""
    return _excerpt_around_match(video.description[:MAX_EXCERPT_SOURCE_LENGTH], sought) or _matching_subtitle_line(
        video, sought
    )


def _excerpt_around_match(text: str, words: list[str]) -> str:
    hit = next(tokenizer.match_spans(text, words), None)
    if hit is None:
        return ""
    start, stop = max(0, hit[0] - EXCERPT_CONTEXT_LENGTH), hit[1] + 2 * EXCERPT_CONTEXT_LENGTH
    # Whole words only.
    start = text.find(" ", start, hit[0]) + 1 if start else 0
    stop = max(text.rfind(" ", hit[1], stop), hit[1]) if stop < len(text) else len(text)
    shown = " ".join(text[start:stop].split())
    return f"{'…' if start else ''}{shown}{'…' if stop < len(text) else ''}"


def _matching_subtitle_line(video: Video, words: list[str]) -> str:
    lines = webvtt.iter_caption_lines(subtitles.existing_files_by_language(video.tracks).values())
    return next((f"“{line}”" for line in lines if next(tokenizer.match_spans(line, words), None)), "")
