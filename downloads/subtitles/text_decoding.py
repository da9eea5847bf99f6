"""Text of unknown character set: decoded by its marks, by what was declared, else by detection."""

import codecs
import functools
import gzip
import io
import re
import zlib

import charset_normalizer

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
GZIP_SIGNATURE = b"\x1f\x8b\x08"
DECLARATION_PATTERN = re.compile(rb"(?:encoding|charset)\s*=\s*[\"']?([A-Za-z0-9._-]{2,40})", re.I)
DECLARATION_BYTES = 1024
# What "latin1" means on the web, and other labels with a superset (WHATWG, Encoding, 4.2).
SUPERSETS = {
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
}
# The character sets of languages before UTF-8, the usual one first (WHATWG, HTML, 13.2.3.2).
CHARSETS_BY_LANGUAGES = (
    ("ru uk be bg mk sr kk ky tg tt mn", ("cp1251", "koi8_u", "iso8859_5", "cp866", "mac_cyrillic")),
    ("cs sk pl hu sl hr bs ro sq", ("cp1250", "iso8859_2", "cp852")),
    ("lt lv et", ("cp1257", "iso8859_4")),
    ("tr az ku", ("cp1254", "cp857")),
    ("ar fa ur ps", ("cp1256", "iso8859_6")),
    ("el", ("cp1253", "iso8859_7", "cp737")),
    ("he yi", ("cp1255", "cp862")),
    ("vi", ("cp1258",)),
    ("th", ("cp874",)),
    ("ja", ("cp932", "euc_jis_2004")),
    ("ko", ("cp949",)),
    ("zh yue", ("gb18030", "big5hkscs")),
)
CHARSETS_BY_LANGUAGE = {
    language: charsets for languages, charsets in CHARSETS_BY_LANGUAGES for language in languages.split()
}
DEFAULT_CHARSET = "cp1252"  # also of servers that declare one charset for all files
WESTERN_ERRORS = "ytarchive-windows-1252"  # the name of an error handler
MIN_UTF16_ZEROS_SHARE = 1 / 8
WESTERN_CHARSETS = ("cp1252", "mac_roman", "cp850")
CANDIDATES = (
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp874", "cp932",
    "euc_jp", "cp949", "gb18030", "big5", "koi8_r", "iso8859_2", "iso8859_5", "iso8859_7", "cp866", "mac_roman",
)  # fmt: skip
# Signs of any language in subtitles: quotation marks, dashes, notes; punctuation of Chinese and Japanese; kana, Hangul.
USUAL_SIGNS_PATTERN = re.compile(
    r"[\u00a0\u00a1\u00ab\u00bb\u00bf\u2010-\u203d\u2669-\u266f\u3000-\u3015\u3041-\u30ff\uac00-\ud7a3\uff01-\uff5e]"
)
# Letters beyond ASCII, in lower case (Unicode CLDR, exemplar characters).
LETTERS_BY_LANGUAGE = {
    "ru": "а-яё", "uk": "а-щьюяґєії", "be": "а-яёіў", "bg": "а-я", "mk": "а-шѓѕјљњќџ", "sr": "а-шђјљњћџ",
    **dict.fromkeys(["kk", "ky", "tg", "tt", "mn"], "а-яёіғқңүұһөәҷҳӣӯ"),
    "pl": "ąćęłńóśźż", "cs": "áčďéěíňóřšťúůýž", "sk": "áäčďéíĺľňóôŕšťúýž", "hu": "áéíóöőúüű", "sl": "čšž",
    "hr": "čćđšž", "bs": "čćđšž", "ro": "ăâîșțşţ", "sq": "çë", "lt": "ąčęėįšųūž", "lv": "āčēģīķļņšūž",
    "et": "äõöüšž", "tr": "çğıöşüâîû", "az": "çəğıöşü", "ku": "çêîşû", "el": "ά-ώΐΰ", "he": "א-ת", "yi": "א-ת",
    **dict.fromkeys(["ar", "fa", "ur", "ps"], "ء-يپچژگکیہے،؟"),
    "th": "ก-๛", "vi": "àâăáãảạầấẩẫậằắẳẵặèêéẽẻẹềếểễệìíỉĩịòôơóõỏọồốổỗộờớởỡợùưúũủụừứửữựỳýỷỹỵđ\u0300-\u0323",
}  # fmt: skip
WESTERN_LETTERS = "àáâãäåæçèéêëìíîïñòóôõöøùúûüýÿœß"
MAX_DETECTED_BYTES = 100_000


def decode_text(data: bytes, declared: str = "", language: str = "", max_bytes: int = 50_000_000) -> str:
    """Return the text of `data`, which may be compressed by gzip; `declared` is a charset, `language` a BCP 47 tag.

    A declaration is believed if the bytes fit it. Raise ValueError for what cannot be unpacked.
    """
    if data.startswith(GZIP_SIGNATURE):
        data = _unpack(data, max_bytes)
    for bom, encoding in BOMS:
        if data.startswith(bom):
            return data[len(bom) :].decode(encoding, "replace")
    for encoding in _likely_encodings(data, declared):
        try:
            text = data.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
        if encoding != DEFAULT_CHARSET or not _contradicts(text, data, language):
            return text
    if _is_utf8_with_errors(data):
        return data.decode("utf-8", WESTERN_ERRORS)
    return data.decode(detect_charset(data, language), "replace")


def _contradicts(text: str, data: bytes, language: str) -> bool:
    """Return whether a text in the charset that servers declare by default makes less sense in its language."""
    primary, usual = language.lower().partition("-")[0], usual_charsets(language)
    if usual == WESTERN_CHARSETS:
        return _is_mostly_beyond_ascii(text)
    if primary not in LETTERS_BY_LANGUAGE:  # Chinese, Japanese or Korean, whose sets have invalid bytes
        return any(_fits(data, charset) for charset in usual)
    sample = data[:MAX_DETECTED_BYTES]
    best_score = max(_score(sample.decode(charset, "replace"), primary) for charset in usual)
    return best_score > _score(text[:MAX_DETECTED_BYTES], primary)


def _fits(data: bytes, charset: str) -> bool:
    try:
        data.decode(charset)
    except UnicodeDecodeError:
        return False
    return True


def _is_mostly_beyond_ascii(text: str) -> bool:
    """Return whether so few letters are ASCII that the text is in no language of Western Europe."""
    letters = text[:MAX_DETECTED_BYTES]
    return sum(char > "\x7f" for char in letters) > sum(char.isascii() and char.isalpha() for char in letters)


def _is_utf8_with_errors(data: bytes) -> bool:
    """Return whether a text is UTF-8 but for a few bytes: cut off, or pasted from another file."""
    text = data.decode("utf-8", "replace")
    errors = text.count("\ufffd")
    return errors <= sum(char > "\x7f" for char in text) - errors


def _decode_western(error: UnicodeError) -> tuple[str, int]:
    """Decode what is not UTF-8 as windows-1252, an error handler of `codecs`."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error(WESTERN_ERRORS, _decode_western)


def _unpack(data: bytes, max_bytes: int) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            return file.read(max_bytes)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError("a damaged archive") from error


def _likely_encodings(data: bytes, declared: str) -> list[str]:
    """Return the encodings to try strictly, in order: UTF-16 by its zeros, UTF-8, then those that are declared."""
    encodings = []
    sample = data.rstrip(b"\0")[:DECLARATION_BYTES]
    if sample.count(0) > len(sample) * MIN_UTF16_ZEROS_SHARE:
        # Digits, spaces and line ends of UTF-16 have a zero in their other byte.
        is_little_endian = sample[1::2].count(0) >= sample[::2].count(0)
        encodings.append("utf-16-le" if is_little_endian else "utf-16-be")
    if b"\x1b$" in data:
        encodings.append("iso2022_jp_ext")
    encodings.append("utf-8")
    inner = DECLARATION_PATTERN.search(sample)
    for name in (declared, inner[1].decode() if inner else ""):
        if name:
            encodings.append(_superset(name))
    return encodings


def _superset(charset: str) -> str:
    try:
        name = codecs.lookup(charset).name
    except LookupError:
        return charset
    return SUPERSETS.get(name, name)


def detect_charset(data: bytes, language: str = "") -> str:
    """Return the most likely legacy character set of a text, by the letters of its language where that is known."""
    sample = data[:MAX_DETECTED_BYTES]
    primary, usual = language.lower().partition("-")[0], usual_charsets(language)
    # A tag of a language of Western Europe is no measure for a text in other letters.
    if primary and not (usual == WESTERN_CHARSETS and _is_mostly_beyond_ascii(sample.decode("cp1252", "replace"))):
        scores = {charset: _score(sample.decode(charset, "replace"), primary) for charset in usual}
        if max(scores.values()) > 0:
            return max(scores, key=lambda charset: scores[charset])
    matches = list(charset_normalizer.from_bytes(sample, cp_isolation=list(CANDIDATES), enable_fallback=False))
    best = min(
        matches, key=lambda match: (match.chaos, -match.coherence, CANDIDATES.index(match.encoding)), default=None
    )
    return best.encoding if best else usual[0]


def usual_charsets(language: str) -> tuple[str, ...]:
    """Return the character sets of a language before UTF-8, the usual one first."""
    return CHARSETS_BY_LANGUAGE.get(language.lower().partition("-")[0], WESTERN_CHARSETS)


def _score(text: str, language: str) -> float:
    """Return how well the letters beyond ASCII fit the language: below 0 if most of them are none of its own."""
    letters = _letters_pattern(language)
    score = 0.0
    for before, char, after in zip(f" {text}", text, f"{text[1:]} ", strict=False):
        if char.isascii():
            continue
        if letters.match(char) or USUAL_SIGNS_PATTERN.match(char):
            score += 1
        elif letters.match(char.lower()):
            # Capitals within words are a sign of a mistaken Cyrillic set.
            score += 0.5 if before.isalpha() or after.isupper() else 1
        elif not "\u4e00" <= char <= "\u9fff":
            score -= 1
    return score


@functools.cache
def _letters_pattern(language: str) -> re.Pattern[str]:
    return re.compile(f"[{LETTERS_BY_LANGUAGE.get(language, WESTERN_LETTERS)}]")
