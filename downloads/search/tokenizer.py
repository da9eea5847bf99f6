"""Words as they are searched for: cut and folded here, so that no database's own rules or locale decide.

"Über-Straße" is "uber" and "strasse". Where a script has no spaces between words, each character is a word.
"""

import functools
import re
import unicodedata
from collections.abc import Iterator, Sequence

MAX_WORD_LENGTH = 64  # characters; what is longer is cut, in texts and queries alike
PREFIX_MARKER = "·"  # after a letter: some word begins with it; no word of a text has this sign
# Thai, Lao, Burmese, Khmer, kana, Chinese characters.
UNSPACED_SCRIPT_RANGES = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
UNSPACED_CHARACTER_PATTERN = re.compile(f"[{UNSPACED_SCRIPT_RANGES}]")
LETTER_CLASS = rf"^\W_{UNSPACED_SCRIPT_RANGES}"
WORD_PATTERN = re.compile(rf"[{UNSPACED_SCRIPT_RANGES}]|[{LETTER_CLASS}]+")


def fold_text(text: str) -> str:
    """Return the text without capitals, accents, ligatures and other varieties of a letter."""
    if text.isascii():
        return text.lower()
    flat = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(char for char in flat if unicodedata.category(char)[0] != "M")


def tokenize(text: str) -> list[str]:
    """Return the different words of a text, in the order of their first appearance."""
    return list(dict.fromkeys(word[:MAX_WORD_LENGTH] for word in WORD_PATTERN.findall(fold_text(text))))


def first_letter_prefixes(words: list[str]) -> list[str]:
    """Return the first letters of words, as what is found by a single letter: no index has to gather so many words."""
    return list(dict.fromkeys(word[0] + PREFIX_MARKER for word in words if not UNSPACED_CHARACTER_PATTERN.match(word)))


def mark_single_letters(words: list[str]) -> list[str]:
    """Return the words that were asked for with each single letter as the beginning of a longer word."""
    return [
        word + PREFIX_MARKER if len(word) == 1 and not UNSPACED_CHARACTER_PATTERN.match(word) else word
        for word in words
    ]


def match_spans(text: str, words: list[str]) -> Iterator[tuple[int, int]]:
    """Yield where in the text words begin as asked, from the first to the last."""
    if not words:
        return
    folded, origin = _fold_with_offsets(text)
    done = 0
    for found in _compile_word_starts(tuple(words)).finditer(folded):
        # One sign may be several words, as a fraction is.
        if origin[found.start()] >= done:
            done = _match_end(text, origin[found.end() - 1])
            yield origin[found.start()], done


@functools.lru_cache(maxsize=256)
def _compile_word_starts(words: tuple[str, ...]) -> re.Pattern[str]:
    """Return what finds the longest of these words at each place where a word begins."""
    found = (
        re.escape(word) if UNSPACED_CHARACTER_PATTERN.match(word) else rf"(?<![{LETTER_CLASS}]){re.escape(word)}"
        for word in words
    )
    return re.compile("|".join(sorted(found, key=len, reverse=True)))


def _fold_with_offsets(text: str) -> tuple[str, Sequence[int]]:
    """Return the folded text, and for each of its characters the number of the one it comes from."""
    if text.isascii():
        return text.lower(), range(len(text))
    flat = [fold_text(char) for char in text]
    return "".join(flat), [number for number, chars in enumerate(flat) for _ in chars]


def _match_end(text: str, last: int) -> int:
    """Return where a word's beginning ends: accents belong to the letter before them."""
    end = last + 1
    while end < len(text) and unicodedata.category(text[end])[0] == "M":
        end += 1
    return end
