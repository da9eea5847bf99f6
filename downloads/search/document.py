"""Search document of a video: the words of each of its parts."""

from typing import Any, Protocol

from downloads.network.url_secrets import hide_secrets
from downloads.search import tokenizer
from downloads.subtitles import collection, webvtt

INDEXED_FIELDS = {"title", "uploader", "description", "subtitle_files"}  # columns that the words come from
# Limits per part; together they stay below the 1 MB that a tsvector holds.
MAX_PART_BYTES = {"title": 10_000, "uploader": 5_000, "description": 300_000, "subtitles": 500_000}


class Searchable(Protocol):
    """Columns that are indexed: of a Video, or of a historical model in a migration."""

    @property
    def pk(self) -> Any: ...
    @property
    def title(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def uploader(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def subtitle_files(self) -> Any: ...


def build_document(video: Searchable) -> list[list[str]]:
    """Return the words of title, uploader, description and subtitles, each with its first-letter prefixes."""
    texts = {
        "title": video.title or hide_secrets(video.url),
        "uploader": video.uploader,
        "description": video.description,
        "subtitles": " ".join(
            webvtt.iter_caption_lines(collection.existing_files_by_language(video.subtitle_files).values())
        ),
    }
    kept = [_list_words(text, MAX_PART_BYTES[name]) for name, text in texts.items()]
    return [[*words, *tokenizer.first_letter_prefixes(words)] for words in kept]


def _list_words(text: str, max_bytes: int) -> list[str]:
    """Return the distinct words to index, in order of first appearance, up to a total of `max_bytes`."""
    words: dict[str, None] = {}
    size = 0
    for word in tokenizer.iter_indexed_words(text):
        if word in words:
            continue
        size += len(word.encode()) + 1
        if size > max_bytes:
            break
        words[word] = None
    return list(words)
