"""The text of WebVTT subtitles."""

import html
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

MAX_WEBVTT_BYTES = 2_000_000  # that are read of a file
TAG_PATTERN = re.compile(r"<[^>]*>")


def iter_caption_lines(files: Iterable[Path]) -> Iterator[str]:
    """Yield the text lines of WebVTT files, without timings and markup.

    Automatic captions repeat lines of one cue in the next: these are yielded once. Unreadable files are skipped.
    """
    for file in files:
        previous_lines: list[str] = []
        for cue in _iter_cues(file):
            lines = [html.unescape(TAG_PATTERN.sub("", line)).strip() for line in cue]
            yield from (line for line in lines if line and line not in previous_lines)
            previous_lines = lines


def _iter_cues(file: Path) -> Iterator[list[str]]:
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
            yield lines[timing_index + 1 :]
