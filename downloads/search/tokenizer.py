"""Tokenizer of the search: words are split and folded in Python, so that both databases index the same.

"Über-Straße" is "uber" and "strasse". In scripts without spaces between words, each character is a word.
"""

import functools
import re
import unicodedata
from collections.abc import Iterator, Sequence

MAX_WORD_LENGTH = 64  # characters; longer words are cut, in texts and queries alike
PREFIX_MARKER = "·"  # after a letter: a word begins with it; no word contains this character
# Thai, Lao, Burmese, Khmer, kana, Chinese characters.
UNSPACED_SCRIPT_RANGES = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
UNSPACED_CHARACTER_PATTERN = re.compile(f"[{UNSPACED_SCRIPT_RANGES}]")
LETTER_CLASS = rf"^\W_{UNSPACED_SCRIPT_RANGES}"
WORD_PATTERN = re.compile(rf"[{UNSPACED_SCRIPT_RANGES}]|[{LETTER_CLASS}]+")


def fold_text(text: str) -> str:
    """Fold case, accents, ligatures and other variants of a letter (NFKD, casefold, no marks)."""
    if text.isascii():
        return text.lower()
    flat = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(char for char in flat if unicodedata.category(char)[0] != "M")


def tokenize(text: str) -> list[str]:
    """Return the distinct words of a text, in order of first appearance."""
    return list(dict.fromkeys(word[:MAX_WORD_LENGTH] for word in WORD_PATTERN.findall(fold_text(text))))


def first_letter_prefixes(words: list[str]) -> list[str]:
    """Return a term for each first letter, so that a search for one letter need not expand to thousands of words."""
    return list(dict.fromkeys(word[0] + PREFIX_MARKER for word in words if not UNSPACED_CHARACTER_PATTERN.match(word)))


def mark_single_letters(words: list[str]) -> list[str]:
    """Return the words of a query with each single letter replaced by its prefix term."""
    return [
        word + PREFIX_MARKER if len(word) == 1 and not UNSPACED_CHARACTER_PATTERN.match(word) else word
        for word in words
    ]


def match_spans(text: str, words: list[str]) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each place in the text where a word begins with one of `words`, in order."""
    if not words:
        return
    folded, origin = _fold_with_offsets(text)
    done = 0
    for match in _compile_word_starts(tuple(words)).finditer(folded):
        # One character may fold to several words, such as a fraction.
        if origin[match.start()] >= done:
            done = _match_end(text, origin[match.end() - 1])
            yield origin[match.start()], done


@functools.lru_cache(maxsize=256)
def _compile_word_starts(words: tuple[str, ...]) -> re.Pattern[str]:
    """Return a pattern that matches the longest of these words at each start of a word."""
    patterns = (
        re.escape(word) if UNSPACED_CHARACTER_PATTERN.match(word) else rf"(?<![{LETTER_CLASS}]){re.escape(word)}"
        for word in words
    )
    return re.compile("|".join(sorted(patterns, key=len, reverse=True)))


def _fold_with_offsets(text: str) -> tuple[str, Sequence[int]]:
    """Return the folded text, and for each of its characters the offset in the original."""
    if text.isascii():
        return text.lower(), range(len(text))
    flat = [fold_text(char) for char in text]
    return "".join(flat), [number for number, chars in enumerate(flat) for _ in chars]


def _match_end(text: str, last: int) -> int:
    """Return the end of a match: combining marks belong to the letter before them."""
    end = last + 1
    while end < len(text) and unicodedata.category(text[end])[0] == "M":
        end += 1
    return end
