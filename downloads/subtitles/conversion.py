"""Conversion of what sites send as subtitles to WebVTT, in any format and character set."""

import re

from downloads.files.content_sniffing import HEADER_BYTES, describe_bytes, describe_text
from downloads.subtitles import formats, webvtt
from downloads.subtitles.collection import MAX_SUBTITLE_BYTES
from downloads.subtitles.text_decoding import decode_text

# What the reader of a format, or a player, makes subtitles of; anything else that is recognized is none.
NO_SUBTITLES = frozenset({"a web page", "an image", "a playlist"})
# The first box of an MP4, or of a piece of one (DASH).
MP4_BOXES = frozenset({b"ftyp", b"styp", b"moof", b"sidx", b"moov"})
TTML_START_PATTERN = re.compile(rb"<(?:\w{1,20}:)?tt[\s>]")
TTML_END_PATTERN = re.compile(rb"(</(?:\w{1,20}:)?tt>)")


class UnusableSubtitles(ValueError):
    """The site sent something that is no subtitles; the message says what, such as "a web page"."""


def convert_to_webvtt(data: bytes, *, charset: str = "", language: str = "") -> str:
    """Return subtitles as WebVTT; `charset` is what the server declared. Raise UnusableSubtitles."""
    try:
        result = _convert(data, charset, language)
    except (UnusableSubtitles, formats.UnknownFormat) as error:
        raise UnusableSubtitles(str(error)) from error
    except (ValueError, OverflowError, RecursionError) as error:
        raise UnusableSubtitles("a damaged file") from error
    if not webvtt.count_cues(result):
        raise UnusableSubtitles("a file without words")
    return result


def _convert(data: bytes, charset: str, language: str) -> str:
    if data[4:8] in MP4_BOXES and (documents := _ttml_documents(data)):
        return webvtt.format_webvtt(dict.fromkeys(cue for text in documents for cue in formats.read_cues(text)))
    text = _read_text(data, charset, language)
    return webvtt.repair_webvtt(text) if webvtt.is_webvtt_text(text) else webvtt.format_webvtt(formats.read_cues(text))


def convert_segment(data: bytes, *, charset: str = "", language: str = "") -> bytes:
    """Return a segment of an HLS stream of subtitles as WebVTT; a manifest and binary data as they are."""
    if data.startswith(b"#EXTM3U") or _is_binary(data):
        return data
    try:
        return convert_to_webvtt(data, charset=charset, language=language).encode()
    except UnusableSubtitles:
        text = _read_text(data, charset, language)
        if webvtt.is_webvtt_text(text):  # nobody speaks during this segment
            return text.lstrip().encode()
        raise


def _ttml_documents(data: bytes) -> list[str]:
    """Return the TTML documents that lie in the samples of an MP4 (ISO/IEC 14496-30, "stpp")."""
    pieces = TTML_END_PATTERN.split(data)
    matches = [(TTML_START_PATTERN.search(piece), end) for piece, end in zip(pieces[::2], pieces[1::2], strict=False)]
    return [(match.string[match.start() :] + end).decode("utf-8", "replace") for match, end in matches if match]


def _read_text(data: bytes, charset: str, language: str) -> str:
    if not data.strip():
        raise UnusableSubtitles("an empty file")
    if len(data) > MAX_SUBTITLE_BYTES:
        raise UnusableSubtitles("a file that is too large")
    try:
        text = decode_text(data, charset, language, MAX_SUBTITLE_BYTES).rstrip("\0")
    except ValueError as error:
        raise UnusableSubtitles(str(error)) from error
    if "\0" in text or (_is_binary(data) and len(re.findall(r"[\x01-\x08\x0e-\x1a\ufffd]", text)) > len(text) / 20):
        raise UnusableSubtitles(describe_bytes(data) or "a file that is no text")
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x0b", "\n").lstrip("\ufeff")
    if (description := describe_text(text[:HEADER_BYTES])) in NO_SUBTITLES:
        raise UnusableSubtitles(description)
    return text


def _is_binary(data: bytes) -> bool:
    return describe_bytes(data) in ("", "an archive", "an image", "a program", "a font", "a PDF document")
