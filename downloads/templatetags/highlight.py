"""Template filters that mark the words of a search."""

from typing import NamedTuple

from django import template
from django.utils.html import conditional_escape, format_html_join
from django.utils.safestring import SafeString

from downloads.models import Video
from downloads.search import tokenizer
from downloads.subtitles import collection, webvtt

register = template.Library()

EXCERPT_CONTEXT_LENGTH = 70  # characters of an excerpt before the match; twice as many come after it
MAX_EXCERPT_SOURCE_LENGTH = 20_000  # characters of a description that are searched for an excerpt


@register.filter
def highlight_words(text: str, words: list[str] | None) -> SafeString:
    """Return the escaped text with `<mark>` around each prefix that matches a word of the search."""
    if not words:
        return conditional_escape(text)
    fragments, end_of_last = [], 0
    for start, end in tokenizer.match_spans(text, words):
        fragments += [(conditional_escape(text[end_of_last:start]), text[start:end])]
        end_of_last = end
    return format_html_join("", "{}<mark>{}</mark>", fragments) + conditional_escape(text[end_of_last:])


class Excerpt(NamedTuple):
    """A text around a match; `seconds` is the time of a line of subtitles, None for a description."""

    text: str
    seconds: int | None = None


@register.filter
def search_excerpt(video: Video, words: list[str] | None) -> Excerpt | None:
    """Return an excerpt of description or subtitles with a word that title and uploader lack; None without one."""
    card_words = tokenizer.tokenize(f"{video.title} {video.uploader}")
    missing = [word for word in words or () if not any(card_word.startswith(word) for card_word in card_words)]
    if not missing:
        return None
    description = _excerpt_around_match(video.description[:MAX_EXCERPT_SOURCE_LENGTH], missing)
    return Excerpt(description) if description else _matching_subtitle_line(video, missing)


def _excerpt_around_match(text: str, words: list[str]) -> str:
    match = next(tokenizer.match_spans(text, words), None)
    if match is None:
        return ""
    start, stop = max(0, match[0] - EXCERPT_CONTEXT_LENGTH), match[1] + 2 * EXCERPT_CONTEXT_LENGTH
    # Cut at spaces, so that only whole words remain.
    start = text.find(" ", start, match[0]) + 1 if start else 0
    stop = max(text.rfind(" ", match[1], stop), match[1]) if stop < len(text) else len(text)
    excerpt = " ".join(text[start:stop].split())
    return f"{'…' if start else ''}{excerpt}{'…' if stop < len(text) else ''}"


def _matching_subtitle_line(video: Video, words: list[str]) -> Excerpt | None:
    captions = webvtt.iter_captions(collection.existing_files_by_language(video.subtitle_files).values())
    match = next((caption for caption in captions if next(tokenizer.match_spans(caption.text, words), None)), None)
    return Excerpt(f"“{match.text}”", int(match.start)) if match else None
