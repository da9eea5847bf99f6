"""The words of a video that the search index holds."""

from typing import Any, Protocol

from downloads.files import subtitles, webvtt
from downloads.search import tokenizer

INDEXED_FIELDS = {"title", "uploader", "description", "subtitle_files"}  # of a video, that its words come from
# Bytes of words that are kept of each part: together less than the million that a tsvector holds.
MAX_PART_BYTES = {"title": 10_000, "uploader": 5_000, "description": 300_000, "subtitles": 500_000}


class Searchable(Protocol):
    """A video as the index reads it: of the model, or of a migration's historical one."""

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
    texts = {
        "title": video.title or video.url,
        "uploader": video.uploader,
        "description": video.description,
        "subtitles": " ".join(
            webvtt.iter_caption_lines(subtitles.existing_files_by_language(video.subtitle_files).values())
        ),
    }
    kept = [_truncate_words(tokenizer.tokenize(text), MAX_PART_BYTES[name]) for name, text in texts.items()]
    return [[*words, *tokenizer.first_letter_prefixes(words)] for words in kept]


def _truncate_words(words: list[str], max_bytes: int) -> list[str]:
    size = 0
    for number, word in enumerate(words):
        size += len(word.encode()) + 1
        if size > max_bytes:
            return words[:number]
    return words
