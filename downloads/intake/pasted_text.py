"""Extraction of URLs from pasted text: chat messages, lists, Markdown, HTML, tables.

Only what surrounds a URL is removed; whether the URL may be fetched is decided by `urls.parse_url`.
"""

import re
import unicodedata

# Characters without a glyph: soft hyphens, joiners, marks of direction, fillers, variation selectors, tags.
INVISIBLE_PATTERN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffc\ufffe\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# Within words of other scripts and in emoji, these belong to the spelling: "می‌خواهم" has a non-joiner.
SPELLING_CHARACTERS = frozenset("\u200c\u200d\ufe0f")
SPACES = "[ \t\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u2800\u3000]"
SPACES_PATTERN = re.compile(f"{SPACES}+")
# U+FF01 to U+FF5E are the wide forms of U+0021 to U+007E.
WIDE_TO_ASCII = {0xFF01 + offset: 0x21 + offset for offset in range(94)}
SCHEME_PATTERN = re.compile(r"https?://(?!https?://)", re.IGNORECASE)  # of "https://https://…" the second counts
# As in GitHub Flavored Markdown, "www." makes a link too (6.9, extended autolinks).
WWW_PATTERN = re.compile(r"(?<![\w./:@%&=?#+-])www\.(?=[\w-]+\.\w)", re.IGNORECASE)
# What begins like this is one address, even if another stands in it: "ftp://…?u=https://…", "example.org/?u=https://…".
OTHER_ADDRESS_PATTERN = re.compile(
    r"(?:[a-z][a-z0-9+.-]*://|(?:blob|data|file|intent|javascript|magnet|mailto|\w*search\w*):"
    r"|[\w-]+(?:\.[\w-]+)+(?::\d+)?[/?#]|//)",
    re.IGNORECASE,
)
# Brackets are balanced within a URL ("…/Heat_(film)"); a closing one ends it if it was opened before.
BRACKETS = dict(
    zip(")]}）］｝」』】〉》〕｣〗〙〛﹂﹄﹞⟧⟩⟫⸩❩❭❯❱", "([{（［｛「『【〈《〔｢〖〘〚﹁﹃﹝⟦⟨⟪⸨❨❬❮❰", strict=True)
)
QUOTES = {"'": "'", "“": "”", "”": "”", "„": "“”", "‘": "’", "‚": "‘’", "«": "»", "»": "«", "‹": "›", "›": "‹"}
SLACK_OPENER, SLACK_SEPARATOR = "<|"  # "<https://…|title>" of Slack; RFC 3986 has no "|" in a URL
OPENERS = frozenset([*BRACKETS.values(), *QUOTES, *'<"`*_~|'])
# The last: a comma or full stop of a text without spaces that goes on behind the URL.
END_PATTERN = re.compile(
    r"[ \t<>\"`＜＞]|(?<=[A-Za-z0-9,;|、。，；！？])https?://|(?<=[!-~])[，。、；：！？…](?=[^\x00-\x7f])",
    re.IGNORECASE,
)
MAX_CONTEXT_LENGTH = 2_048  # characters before a URL that are read, so that a very long line costs no more than many
MAX_TRIMMED_LENGTH = 4_096  # characters; a longer URL is refused, however it ends
MAX_TAIL_LENGTH = 64
SEPARATORS = ",;|"  # a URL in a row of a table ends at the separator that stands before it
# Brackets, quotes and spaces of a text around a URL, as HTML writes them.
HTML_DELIMITER_PATTERN = re.compile(
    r"&(?:[lg]t|quot|apos|nbsp|[lr][sd]quo|#(?:0*3[49]|0*6[02]|0*160|x0*2[27]|x0*3[ce]|x0*a0));", re.IGNORECASE
)
# Spaces and invisible characters that were encoded with the URL, and "&" and "/" as HTML and JSON write them.
ENCODED_BLANKS_PATTERN = re.compile(r"(?:%20|%C2%A0|%C2%AD|%E2%80%8[B-F]|%E2%81%A0|%EF%BB%BF)+$", re.IGNORECASE)
# A scheme that lacks or repeats letters, such as "ttps://" and "https:/", or none before "//"; "hxxps" is how addresses
# are written that nobody shall open by mistake.
MISSPELT_SCHEME_PATTERN = re.compile(r"(?!https?://[^\s/])(?:(?:h?t{1,3}ps?|hxxps?)\s*[:;]?\s*[/\\]{1,3}|//)\s*", re.I)
HOST_AND_PATH_PATTERN = re.compile(r"[\w-]+(?:\.[\w-]+)*\.[^\W\d_]{2,63}(?::\d+)?(?:[/?#]\S*)?")
JSON_SCHEME_PATTERN = re.compile(r"https?:\\/\\/", re.IGNORECASE)
EMPHASIS = "*_~"  # of Markdown
TRAILING_PUNCTUATION = frozenset(".,;:!?*|'\"´")  # and beyond ASCII, all of the categories below
PUNCTUATION_CATEGORIES = frozenset(("Po", "Pi", "Pf", "Pd"))
QUOTES_LIKE_BRACKETS = frozenset("„‚〝〞〟")  # of the categories of brackets
# Emoji and signs of icon fonts behind a letter or digit: "…/watch?v=1🔥". Those of an address stand behind "/" or "-".
TRAILING_EMOJI_PATTERN = re.compile(
    "(?<=[A-Za-z0-9])[\u2190-\u21ff\u2300-\u27bf\u2900-\u297f\u2b00-\u2bff\ue000-\uf8ff\U0001f000-\U0001faff\u200d\ufe0f]+$"
)
# What may be the rest of a URL with spaces in it, rather than a title behind the URL.
URL_REST_PATTERN = re.compile(r"[/=&%\\]|\.\w{2,5}$")


def split_lines(text: str) -> list[str]:
    """Return the lines that are not blank, stripped; lines of invisible characters are blank too."""
    return [line for raw_line in text.splitlines() if (line := raw_line.strip()) and remove_invisible(line).strip()]


def remove_invisible(text: str) -> str:
    """Remove characters without a glyph, except where the spelling of a word or an emoji needs them."""
    if text.isascii():
        return text

    def replacement(match: re.Match[str]) -> str:
        before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
        is_joiner = match[0] != "\ufe0f"
        is_spelling = match[0] in SPELLING_CHARACTERS and _is_word_like(before)
        return match[0] if is_spelling and (_is_word_like(after) or not is_joiner) else ""

    return INVISIBLE_PATTERN.sub(replacement, text)


def _is_word_like(char: str) -> bool:
    """Return whether a character beyond ASCII may be joined to others: a letter, a mark or a symbol."""
    return bool(char) and not char.isascii() and unicodedata.category(char)[0] in "LMS"


def extract_urls(line: str) -> list[str]:
    """Return the URLs in a line; the line itself, cleaned, if there is none or if it may be one URL with spaces."""
    text = SPACES_PATTERN.sub(lambda match: "\t" if "\t" in match[0] else " ", remove_invisible(line)).strip()
    if JSON_SCHEME_PATTERN.search(text):
        text = text.replace("\\/", "/")
    text = HTML_DELIMITER_PATTERN.sub('"', text)
    urls: list[str] = []
    end = 0
    for start, scheme in _find_starts(text):
        if start >= end:
            end = _find_end(text, start)
            url = _trim_end(text[start:end], text[start - 1 : start])
            urls.append(scheme + _to_ascii_syntax(url.replace("&amp;", "&")))
    if not urls or (len(urls) == 1 and _may_have_spaces(text, end)):
        return [text]
    return list(dict.fromkeys(urls))


def extract_address_without_scheme(text: str) -> str:
    """Return the only "host/path" in a text, which may be an address without a scheme; "" for none or several."""
    text = MISSPELT_SCHEME_PATTERN.sub("", text, count=1) if MISSPELT_SCHEME_PATTERN.match(text) else text
    words = [_trim_end(word.lstrip("".join(OPENERS)), "") for word in text.split()]
    addresses = [word for word in words if HOST_AND_PATH_PATTERN.fullmatch(word) and (len(words) == 1 or "/" in word)]
    return addresses[0] if len(addresses) == 1 else ""


def _find_starts(text: str) -> list[tuple[int, str]]:
    """Return where URLs begin, each with the scheme to add."""
    narrow = text.translate(WIDE_TO_ASCII)
    starts = [(match.start(), "") for match in SCHEME_PATTERN.finditer(narrow)]
    starts += [(match.start(), "https://") for match in WWW_PATTERN.finditer(narrow)]
    return sorted(start for start in starts if not _is_in_other_address(narrow, start[0]))


def _is_in_other_address(text: str, start: int) -> bool:
    earliest = max(0, start - MAX_CONTEXT_LENGTH)
    word_start = max(earliest - 1, *(text.rfind(space, earliest, start) for space in " \t")) + 1
    word = text[word_start:start].lstrip("".join(OPENERS))
    return OTHER_ADDRESS_PATTERN.match(word) is not None and not SCHEME_PATTERN.match(word)


def _find_end(text: str, start: int) -> int:
    """Return where the URL ends at the latest: at a space, a quote, the next URL, or what closes or separates it."""
    delimiter = END_PATTERN.search(text, start + 1)
    end = delimiter.start() if delimiter else len(text)
    before, opener = text[max(0, start - MAX_CONTEXT_LENGTH) : start], text[start - 1 : start]
    closers = set(QUOTES.get(opener, "")) | ({opener} & set(SEPARATORS))
    if opener == SLACK_OPENER:
        closers.add(SLACK_SEPARATOR)
    closers |= {closer for closer, opening in BRACKETS.items() if before.count(opening) > before.count(closer)}
    open_count = dict.fromkeys(BRACKETS.values(), 0)
    for position in range(start, end if closers else start):
        char = text[position]
        if char in open_count:
            open_count[char] += 1
        elif open_count.get(BRACKETS.get(char, ""), 0):
            open_count[BRACKETS[char]] -= 1
        elif char in closers:
            return position
    return end


def _trim_end(url: str, opener: str) -> str:
    """Return a URL without the punctuation, brackets and emphasis at its end that belong to the text around it."""
    while len(url) <= MAX_TRIMMED_LENGTH:
        tail = TRAILING_EMOJI_PATTERN.sub("", ENCODED_BLANKS_PATTERN.sub("", url[-MAX_TAIL_LENGTH:]))
        url = url[:-MAX_TAIL_LENGTH] + tail
        last = url[-1:]
        is_unbalanced = last in BRACKETS and url.count(last) > url.count(BRACKETS[last])
        is_emphasis = last != "" and last in EMPHASIS and last == opener
        if not (_is_trailing_punctuation(last) or is_unbalanced or is_emphasis):
            return url
        url = url[:-1]
    return url


def _is_trailing_punctuation(char: str) -> bool:
    if char in TRAILING_PUNCTUATION or char in QUOTES_LIKE_BRACKETS:
        return True
    return not char.isascii() and unicodedata.category(char) in PUNCTUATION_CATEGORIES


def _to_ascii_syntax(url: str) -> str:
    """Return a URL whose scheme, host and first separator are in ASCII; a wide scheme or separator means all of it."""
    if url.isascii():
        return url
    narrow = url.translate(WIDE_TO_ASCII)
    scheme = SCHEME_PATTERN.match(narrow)
    host_start = scheme.end() if scheme else 0
    host_end = host_start + len(re.split("[/?#]", narrow[host_start:], maxsplit=1)[0])
    if not url[0].isascii() or not url[host_end : host_end + 1].isascii():
        return narrow
    return narrow[:host_end] + url[host_end:]


def _may_have_spaces(text: str, end: int) -> bool:
    """Return whether what follows a URL at the start of a line may be the rest of it, rather than a title."""
    starts_with_url = SCHEME_PATTERN.match(text.translate(WIDE_TO_ASCII)) or WWW_PATTERN.match(text)
    words = text[end:].split()
    if not starts_with_url or not words or text[end] != " " or text[end - 1] in TRAILING_PUNCTUATION:
        return False
    return words[0][0].isalnum() and (
        any(URL_REST_PATTERN.search(word) for word in words)
        or (len(words) == 1 and words[0].isalnum() and words[0].isascii() == text[:end].isascii())
    )
