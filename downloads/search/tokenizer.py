"""Tokenizer of the search: words are split and folded in Python, so that both databases index the same.

"Über-Straße" is "uber" and "strasse". In scripts without spaces between words, each character is a word. A word in
Hangul is found from each of its syllables on: "대한민국" also by "민국".
"""

import functools
import re
import unicodedata
from collections.abc import Iterator, Sequence

MAX_WORD_LENGTH = 64  # characters; longer words are cut, in texts and queries alike
PREFIX_MARKER = "·"  # after a letter: a word begins with it; no word contains this character
# Thai and Lao, Burmese, Khmer; Tai Le and New Tai Lue; Buginese, Tai Tham, Balinese; Batak; marks, kana, Bopomofo,
# Chinese characters, Yi; Rejang and Javanese, Burmese and Cham, Tai Viet. Beyond the BMP: Makasar, hieroglyphs, Ahom,
# Tangut and Khitan, kana, Nushu, and the rarer Chinese characters.
UNSPACED_SCRIPT_RANGES = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19df\u1a00-\u1aaf\u1b00-\u1b7f\u1bc0-\u1bff"
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c\u3040-\u312f\u31a0-\u31bf\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\ua48f\ua930-\ua95f\ua980-\ua9df\ua9e0-\uaadf\uf900-\ufaff"
    "\U00011700-\U0001174f\U00011ee0-\U00011eff\U00013000-\U0001345f\U00016fe0-\U00018d8f"
    "\U0001aff0-\U0001b2ff\U00020000-\U0003ffff"
)
# Decomposed Hangul (NFKD): a syllable is one leading consonant or several, a vowel, and perhaps consonants.
HANGUL_RANGES = "\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff"
LEADING_CONSONANTS = "\u1100-\u115f\ua960-\ua97f"
SYLLABLE_START_PATTERN = re.compile(rf"(?<![{LEADING_CONSONANTS}])[{LEADING_CONSONANTS}]")
HANGUL_TAIL_PATTERN = re.compile("[\u1160-\u11ff\ud7b0-\ud7ff]")  # vowels and consonants behind them
HANGUL_PATTERN = re.compile(f"[{HANGUL_RANGES}]")
UNSPACED_CHARACTER_PATTERN = re.compile(rf"(?=\w)[{UNSPACED_SCRIPT_RANGES}]")
LETTER_CLASS = rf"^\W_{UNSPACED_SCRIPT_RANGES}{HANGUL_RANGES}"
WORD_PATTERN = re.compile(rf"(?=\w)[{UNSPACED_SCRIPT_RANGES}]|[{HANGUL_RANGES}]+|[{LETTER_CLASS}]+")
# Invisible within a word: soft hyphen, joiner, marks of direction. The non-joiner separates, as a space does.
IGNORED_CHARACTERS = frozenset(map(chr, (0xAD, 0x61C, 0x200D, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, 0xFEFF)))


def fold_text(text: str) -> str:
    """Fold case, accents, ligatures and other variants of a letter (NFKD, casefold, no marks)."""
    if text.isascii():
        return text.lower()
    flat = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(char for char in flat if unicodedata.category(char)[0] != "M" and char not in IGNORED_CHARACTERS)


def tokenize(text: str) -> list[str]:
    """Return the distinct words of a text, in order of first appearance."""
    return list(dict.fromkeys(word[:MAX_WORD_LENGTH] for word in WORD_PATTERN.findall(fold_text(text))))


def iter_indexed_words(text: str) -> Iterator[str]:
    """Yield the words of a text to be indexed: those of `tokenize`, and those inside of words in Hangul.

    A query is not expanded: a word of it matches the beginning of any of these. Words may repeat.
    """
    for match in WORD_PATTERN.finditer(fold_text(text)):
        word = match[0]
        yield word[:MAX_WORD_LENGTH]
        if HANGUL_PATTERN.match(word):
            starts = (syllable.start() for syllable in SYLLABLE_START_PATTERN.finditer(word, 1))
            yield from (word[start : start + MAX_WORD_LENGTH] for start in starts)


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
    return re.compile("|".join(map(_word_start_pattern, sorted(words, key=len, reverse=True))))


def _word_start_pattern(word: str) -> str:
    if UNSPACED_CHARACTER_PATTERN.match(word):
        return re.escape(word)
    # A word in Hangul may begin inside of another, at a syllable; next to other letters, either begins a word.
    before = LEADING_CONSONANTS if SYLLABLE_START_PATTERN.match(word) else ""
    if HANGUL_PATTERN.match(word):
        return rf"(?<![{before or HANGUL_RANGES}]){re.escape(word)}"
    return rf"(?<![{LETTER_CLASS}]){re.escape(word)}"


def _fold_with_offsets(text: str) -> tuple[str, Sequence[int]]:
    """Return the folded text, and for each of its characters the offset in the original."""
    if text.isascii():
        return text.lower(), range(len(text))
    flat = [fold_text(char) for char in text]
    return "".join(flat), [number for number, chars in enumerate(flat) for _ in chars]


def _match_end(text: str, last_index: int) -> int:
    """Return the end of a match: marks belong to the letter before them, as do the other parts of a syllable."""
    end = last_index + 1
    while end < len(text) and _continues_letter(text[end]):
        end += 1
    return end


def _continues_letter(char: str) -> bool:
    # The voiced mark of half-width kana is a letter by itself, but a mark when folded.
    is_mark = unicodedata.category(char)[0] in "LM" and not fold_text(char)
    return is_mark or HANGUL_TAIL_PATTERN.match(char) is not None
