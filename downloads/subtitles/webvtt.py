"""WebVTT (W3C): written from cues, repaired where a browser would drop words, and read for the search."""

import html
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from downloads.subtitles.cue import Cue
from downloads.subtitles.formats import is_timing, read_timing, split_timed_blocks

MAX_WEBVTT_BYTES = 2_000_000  # that are read of a file
MAX_SECONDS = 1000 * 3600.0  # that a cue's time is limited to
TAG_PATTERN = re.compile(r"<[^>]*>")
HEADER_PATTERN = re.compile(r"WEBVTT(?=\s|\Z)[^\n]*", re.IGNORECASE)
STRICT_TIMING_PATTERN = re.compile(
    r"(?:\d{2,}:)?[0-5]\d:[0-5]\d\.\d{3}\s+-->\s+(?:\d{2,}:)?[0-5]\d:[0-5]\d\.\d{3}(?:\s.*)?"
)
SETTING_PATTERN = re.compile(r"(?:vertical|line|position|size|align|region):\S+")
OTHER_BLOCK_PATTERN = re.compile(r"(?:NOTE|STYLE|REGION)(?=\s|\Z)")
ENTITY_PATTERN = re.compile(r"&(?!(?:amp|lt|gt|nbsp|lrm|rlm|#\d+|#x[0-9a-fA-F]+);)")
MARKUP_PATTERN = re.compile(r"<(?!/?[biu]>)")


def format_webvtt(cues: Iterable[Cue]) -> str:
    """Return cues as WebVTT; of their markup only bold, italic and underline are kept."""
    return "\n\n".join(["WEBVTT", *map(_format_cue, cues)]) + "\n"


def _format_cue(cue: Cue) -> str:
    text = MARKUP_PATTERN.sub("&lt;", ENTITY_PATTERN.sub("&amp;", cue.text)).replace("-->", "→")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "\n".join([_format_timing(cue.start, cue.end, cue.settings), *lines])


def _format_timing(start: float, end: float, settings: str) -> str:
    kept = " ".join(SETTING_PATTERN.findall(settings))
    return f"{_format_time(start)} --> {_format_time(end)} {kept}".rstrip()


def _format_time(seconds: float) -> str:
    milliseconds = round(min(max(0.0, seconds), MAX_SECONDS) * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{milliseconds // 1000:02}.{milliseconds % 1000:03}"


def is_webvtt_text(text: str) -> bool:
    """Return whether a text begins as WebVTT, whatever stands behind the first line."""
    return HEADER_PATTERN.match(text.lstrip()) is not None


def repair_webvtt(text: str) -> str:
    """Return WebVTT in which a browser finds each cue; header, styles, regions and notes stay.

    A browser drops a cue whose times are not exactly as specified, and the text behind a blank line in a cue.
    """
    lines = text.replace("\0", "").lstrip().splitlines()
    first = next((index for index, line in enumerate(lines) if is_timing(line)), len(lines))
    if first > 0 and _is_identifier(lines, first):
        first -= 1
    header = "\n".join(["WEBVTT" + lines[0][6:], *lines[1:first]]).rstrip()
    return "\n\n".join([header, *_repair_cues("\n".join(lines[first:]))]) + "\n"


def _is_identifier(lines: list[str], index: int) -> bool:
    """Return whether the line before a cue's times is its identifier, and no part of the header."""
    before = lines[index - 1].strip()
    return index > 1 and bool(before) and not lines[index - 2].strip() and not OTHER_BLOCK_PATTERN.match(before)


def _repair_cues(text: str) -> Iterator[str]:
    end = 0.0
    for timing, lines, other_blocks in _split_other_blocks(text):
        start, end, settings = read_timing(timing, end)
        strict = timing.strip() if STRICT_TIMING_PATTERN.fullmatch(timing.strip()) else ""
        yield "\n".join([strict or _format_timing(start, end, settings), *lines])
        yield from other_blocks


def _split_other_blocks(text: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield for each cue its times, its lines, and the notes behind it."""
    # A note or a style between cues is no text of the cue before it.
    notes: list[str] = []

    def keep_note(match: re.Match[str]) -> str:
        notes.append(match[0].strip())
        return f"\n\n\x00{len(notes) - 1}\n\n"

    marked = re.sub(r"(?:(?<=\n\n)|\A)(?:NOTE|STYLE|REGION)(?=[ \t\n]|\Z)(?:(?!\n\n|-->)[\s\S])*", keep_note, text)
    for timing, lines in split_timed_blocks(marked):
        words = [line for line in lines if not line.startswith("\x00")]
        yield timing, words, [notes[int(line[1:])] for line in lines if line.startswith("\x00")]


def count_cues(text: str) -> int:
    """Return the number of cues with text in WebVTT."""
    return sum(bool(lines) for _, lines in split_timed_blocks(text))


class Caption(NamedTuple):
    """A line of text with the times of its cue, such as "00:01.000 --> 00:02.000"."""

    text: str
    timing: str

    @property
    def start(self) -> float:
        """The second at which the line is shown."""
        return read_timing(self.timing, 0.0)[0]


def iter_caption_lines(files: Iterable[Path]) -> Iterator[str]:
    """Yield the text lines of WebVTT files, without timings and markup; see `iter_captions`."""
    return (caption.text for caption in iter_captions(files))


def iter_captions(files: Iterable[Path]) -> Iterator[Caption]:
    """Yield the lines of WebVTT files, without markup.

    Automatic captions repeat lines of one cue in the next: these are yielded once. Unreadable files are skipped.
    """
    for file in files:
        previous_lines: list[str] = []
        for timing, cue in _iter_cues(file):
            lines = [html.unescape(TAG_PATTERN.sub("", line)).strip() for line in cue]
            yield from (Caption(line, timing) for line in lines if line and line not in previous_lines)
            previous_lines = lines


def _iter_cues(file: Path) -> Iterator[tuple[str, list[str]]]:
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_WEBVTT_BYTES).decode("utf-8-sig", "replace")
    except OSError:
        return
    for block in re.split(r"\n\s*\n", content.replace("\r\n", "\n").replace("\r", "\n")):
        lines = block.split("\n")
        # Only a cue has a timing line; the header, notes and styles have none.
        timing_index = next((index for index, line in enumerate(lines) if "-->" in line), None)
        if timing_index is not None:
            yield lines[timing_index], lines[timing_index + 1 :]
