"""The words of a video that the search index holds."""

from typing import TYPE_CHECKING

from downloads.files import subtitles, webvtt
from downloads.search import tokenizer

if TYPE_CHECKING:
    from downloads.models import Video


FIELDS = {"title", "uploader", "description", "tracks"}  # of a video, that its words come from
# Bytes of words that are kept of each part: together less than the million that a tsvector holds.
LARGEST = {"title": 10_000, "uploader": 5_000, "description": 300_000, "subtitles": 500_000}


def _parts(video: "Video") -> list[list[str]]:
    texts = {
        "title": video.title or video.url,
        "uploader": video.uploader,
        "description": video.description,
        "subtitles": " ".join(webvtt.lines(subtitles.there(video.tracks).values())),
    }
    kept = [_kept(tokenizer.words(text), LARGEST[name]) for name, text in texts.items()]
    return [[*words, *tokenizer.initials(words)] for words in kept]


def _kept(words: list[str], largest: int) -> list[str]:
    size = 0
    for number, word in enumerate(words):
        size += len(word.encode()) + 1
        if size > largest:
            return words[:number]
    return words
