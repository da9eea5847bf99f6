"""Words as they are searched for: cut and folded here, so that no database's own rules or locale decide.

"Über-Straße" is "uber" and "strasse". Where a script has no spaces between words, each character is a word.
"""

import functools
import re
import unicodedata
from collections.abc import Iterator, Sequence

LONGEST_WORD = 64  # characters; what is longer is cut, in texts and queries alike
BEGUN = "·"  # after a letter: some word begins with it; no word of a text has this sign
# Thai, Lao, Burmese, Khmer, kana, Chinese characters.
SINGLE = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
SIGN = re.compile(f"[{SINGLE}]")
LETTER = rf"^\W_{SINGLE}"
WORD = re.compile(rf"[{SINGLE}]|[{LETTER}]+")


def fold(text: str) -> str:
    """Return the text without capitals, accents, ligatures and other varieties of a letter."""
    if text.isascii():
        return text.lower()
    flat = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(char for char in flat if unicodedata.category(char)[0] != "M")


def words(text: str) -> list[str]:
    """Return the different words of a text, in the order of their first appearance."""
    return list(dict.fromkeys(word[:LONGEST_WORD] for word in WORD.findall(fold(text))))


def initials(words: list[str]) -> list[str]:
    """Return the first letters of words, as what is found by a single letter: no index has to gather so many words."""
    return list(dict.fromkeys(word[0] + BEGUN for word in words if not SIGN.match(word)))


def begun(words: list[str]) -> list[str]:
    """Return the words that were asked for with each single letter as the beginning of a longer word."""
    return [word + BEGUN if len(word) == 1 and not SIGN.match(word) else word for word in words]


def spans(text: str, asked: list[str]) -> Iterator[tuple[int, int]]:
    """Yield where in the text words begin as asked, from the first to the last."""
    if not asked:
        return
    folded, origin = _traced(text)
    done = 0
    for found in _beginnings(tuple(asked)).finditer(folded):
        # One sign may be several words, as a fraction is.
        if origin[found.start()] >= done:
            done = _end(text, origin[found.end() - 1])
            yield origin[found.start()], done


@functools.lru_cache(maxsize=256)
def _beginnings(asked: tuple[str, ...]) -> re.Pattern[str]:
    """Return what finds the longest of these words at each place where a word begins."""
    found = (re.escape(word) if SIGN.match(word) else rf"(?<![{LETTER}]){re.escape(word)}" for word in asked)
    return re.compile("|".join(sorted(found, key=len, reverse=True)))


def _traced(text: str) -> tuple[str, Sequence[int]]:
    """Return the folded text, and for each of its characters the number of the one it comes from."""
    if text.isascii():
        return text.lower(), range(len(text))
    flat = [fold(char) for char in text]
    return "".join(flat), [number for number, chars in enumerate(flat) for _ in chars]


def _end(text: str, last: int) -> int:
    """Return where a word's beginning ends: accents belong to the letter before them."""
    end = last + 1
    while end < len(text) and unicodedata.category(text[end])[0] == "M":
        end += 1
    return end
