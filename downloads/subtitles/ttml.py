"""TTML and DFXP subtitles (W3C, Timed Text Markup Language 2)."""

import html
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

from downloads.subtitles.cue import UnknownFormat

DEFAULT_FRAME_RATE = 30.0
# An ampersand that begins none of the entities of XML.
AMPERSAND_PATTERN = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});)(?:\w{1,32};)?")
CLOCK_PATTERN = re.compile(r"(?:(\d+):)?(\d\d?):(\d\d(?:\.\d+)?)(?::(\d+(?:\.\d+)?))?")
OFFSET_PATTERN = re.compile(r"(\d+(?:\.\d+)?)\s*(h|ms|m|s|f|t)?")
SECONDS_BY_UNIT = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


class _Rates:
    """Frames and ticks per second, from the attributes of the root element."""

    def __init__(self, root: ET.Element) -> None:
        values = {_local_name(name): value for name, value in root.attrib.items()}
        multiplier = re.fullmatch(r"\s*(\d+)[\s:]+(\d+)\s*", values.get("frameRateMultiplier", ""))
        factor = int(multiplier[1]) / int(multiplier[2]) if multiplier and int(multiplier[2]) else 1.0
        self.frames = (_number(values.get("frameRate")) or DEFAULT_FRAME_RATE) * factor
        # Without a tick rate, a tick is a frame where frames are declared, else a second (TTML2, 7.2.11).
        self.ticks = _number(values.get("tickRate")) or (self.frames if "frameRate" in values else 1.0)

    def seconds(self, text: str | None) -> float | None:
        """Return the seconds of a time expression; None if it is none."""
        if match := CLOCK_PATTERN.fullmatch((text or "").strip()):
            frames = float(match[4] or 0) / self.frames
            return int(match[1] or 0) * 3600 + int(match[2]) * 60 + float(match[3]) + frames
        if match := OFFSET_PATTERN.fullmatch((text or "").strip()):
            per_second = {"f": self.frames, "t": self.ticks}.get(match[2])
            return float(match[1]) / per_second if per_second else float(match[1]) * SECONDS_BY_UNIT[match[2] or "s"]
        return None


def read_ttml(text: str) -> Iterator[tuple[float, float, str]]:
    """Yield (start, end, text) of each paragraph; raise UnknownFormat if it is no XML."""
    # A declared encoding is that of the file: the text is decoded already.
    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", text)
    try:
        root = _parse_xml(text)
    except ET.ParseError:
        try:
            root = _parse_xml(AMPERSAND_PATTERN.sub(_replace_ampersand, text))
        except ET.ParseError as error:
            raise UnknownFormat("damaged XML") from error
    yield from _read_timed(root, _Rates(root), 0.0, None)


def _parse_xml(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 (expat limits the expansion of entities, and loads no external ones)


def _replace_ampersand(match: re.Match[str]) -> str:
    """Return the character of an entity that HTML has and XML lacks, such as "&nbsp;"; else an ampersand for itself."""
    character = html.unescape(match[0])
    return f"&amp;{match[0][1:]}" if character == match[0] else character


def _read_timed(
    element: ET.Element, rates: _Rates, begin: float, end: float | None
) -> Iterator[tuple[float, float, str]]:
    """Yield the paragraphs within an element, whose times are relative to those of the elements around them."""
    own_begin, length = rates.seconds(element.get("begin")), rates.seconds(element.get("dur"))
    own_end = rates.seconds(element.get("end"))
    start = begin + (own_begin or 0.0)
    stop = begin + own_end if own_end is not None else start + length if length is not None else end
    name = _local_name(element.tag)
    has_timed_spans = any(child.get("begin") for child in element.iter() if child is not element)
    if name in ("p", "span") and not has_timed_spans:
        if words := _words(element):
            yield start, stop if stop is not None and stop > start else start + 2.0, words
        return
    for child in element:
        if _local_name(child.tag) not in ("head", "metadata"):
            yield from _read_timed(child, rates, start, stop)


def _words(element: ET.Element) -> str:
    parts = [re.sub(r"\s+", " ", element.text or "")]
    for child in element:
        parts.append("\n" if _local_name(child.tag) == "br" else _words(child))
        parts.append(re.sub(r"\s+", " ", child.tail or ""))
    text = "".join(parts)
    return "\n".join(line.strip() for line in text.split("\n")) if _local_name(element.tag) == "p" else text


def _local_name(name: str) -> str:
    return name.rpartition("}")[2]


def _number(text: str | None) -> float | None:
    try:
        return float(text or "") or None
    except ValueError:
        return None
