"""Content sniffing: names for files that are no media, by their first bytes (WHATWG, MIME Sniffing)."""

import codecs
import re
from pathlib import Path

HEADER_BYTES = 4096
# Bytes that occur in no text (MIME Sniffing, 3).
BINARY_BYTES = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
# Media whose header is text, with samples behind it that may look like more of it.
MEDIA_WITH_TEXT_HEADER = (b"YUV4MPEG2 ", b"NIST_1A\n")
UTF16_BOMS = ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# Atomic and possessive: other divisions of "<!----><!---->…" into comments are not tried, of which there are 2**n.
HTML_PATTERN = re.compile(
    r"(?>\s|<\?xml[^>]*>|<!--.*?-->)*+<(?:!doctype\s+html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body"
    r"|br|p|meta|link|section|main|span|form|noscript|center|ul|ol|pre|nav|header|img)(?=[\s>/])",
    re.IGNORECASE | re.DOTALL,
)
TEXT_PATTERNS = (
    ("a web page", HTML_PATTERN),
    ("an image", re.compile(r"(?>\s|<\?xml[^>]*>|<!--.*?-->|<!doctype\s+svg[^>]*>)*+<svg[\s>]", re.I | re.S)),
    (
        "a playlist",
        re.compile(
            r"\s*(?:#EXTM3U|\[playlist\]|ffconcat version|<\?xml[^>]*>\s*<(?:MPD|playlist|asx)|<(?:MPD|asx)[\s>])", re.I
        ),
    ),
    ("subtitles", re.compile(r"\s*(?:WEBVTT(?=\s|\Z)|\d+\s*\n\s*[\d:,.]+ --> |\[Script Info\])")),
    ("an XML document", re.compile(r"\s*<\?xml\s")),
    ("data (JSON)", re.compile(r"\s*(?:\{\s*[\"}]|\[\s*[\[{\"])")),
)
BINARY_PATTERNS = (
    (
        "an image",
        re.compile(
            rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|RIFF....WEBP|BM....\0\0\0\0|II\*\0|MM\0\*|\0\0\x01\0[\x01-\x40]\0|8BPS",
            re.S,
        ),
    ),
    ("an image", re.compile(rb"....ftyp(?:avif|avis|heic|heix|hevc|hevx|heim|heis|mif1|msf1|jxl )", re.S)),
    ("an image", re.compile(rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n|\0\0\0\x0cjP  |FORM....(?:ILBM|PBM |ACBM)", re.S)),
    ("a PDF document", re.compile(rb"%PDF-")),
    (
        "an archive",
        re.compile(
            rb"PK\x03\x04|PK\x05\x06|Rar!\x1a\x07|7z\xbc\xaf\x27\x1c|\xfd7zXZ\0|BZh[1-9]|\x28\xb5\x2f\xfd|\x1f\x8b\x08"
        ),
    ),
    ("a program", re.compile(rb"MZ|\x7fELF|\xca\xfe\xba\xbe|\xcf\xfa\xed\xfe|#!(?!AMR|SILK)|[FCZ]WS[\x01-\x32]|\0asm")),
    ("a font", re.compile(rb"wOFF|wOF2|OTTO|\0\x01\0\0\0")),
    ("a torrent", re.compile(rb"d8:announce|d13:announce-list")),
)


def describe_content(file: Path) -> str:
    """Name the kind of a file that is no media, such as "a web page"; "" if it may be media."""
    with file.open("rb") as stream:
        return describe_bytes(stream.read(HEADER_BYTES))


def describe_bytes(header: bytes) -> str:
    """Name the kind of a file by its first bytes if it is no media; "" if it may be media."""
    if not header:
        return "an empty file"
    if not header.strip(b"\0"):
        return "nothing but zeros"
    for name, pattern in BINARY_PATTERNS:
        if pattern.match(header):
            return name
    text = _decode(header)
    if text is None:
        return ""
    return describe_text(text)


def describe_text(text: str) -> str:
    """Name the kind of a text, such as "a web page"; "a text" if it is nothing in particular."""
    return next((name for name, pattern in TEXT_PATTERNS if pattern.match(text)), "a text")


def _decode(header: bytes) -> str | None:
    """Return the header as text; None if it has bytes that no text has."""
    for bom, encoding in UTF16_BOMS:
        if header.startswith(bom):
            return header[len(bom) :].decode(encoding, "replace")
    header = header.removeprefix(codecs.BOM_UTF8)
    is_media = header.startswith(MEDIA_WITH_TEXT_HEADER) or BINARY_BYTES.search(header)
    return None if is_media else header.decode("utf-8", "replace")
