"""What is said in a video, as its subtitles have it."""

import html
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

MAX_WEBVTT_BYTES = 2_000_000  # bytes of a file
TAG_PATTERN = re.compile(r"<[^>]*>")


def iter_caption_lines(files: Iterable[Path]) -> Iterator[str]:
    """Yield what WebVTT files say, without times and markup; what rolls on from cue to cue comes only once.

    What cannot be read is left out.
    """
    for file in files:
        before: list[str] = []
        for cue in _iter_cues(file):
            said = [html.unescape(TAG_PATTERN.sub("", line)).strip() for line in cue]
            yield from (line for line in said if line and line not in before)
            before = said


def _iter_cues(file: Path) -> Iterator[list[str]]:
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_WEBVTT_BYTES).decode("utf-8-sig", "replace")
    except OSError:
        return
    for block in re.split(r"\n\s*\n", content.replace("\r\n", "\n").replace("\r", "\n")):
        lines = block.split("\n")
        # Only a cue has times: the header, notes and styles have not.
        timed = next((number for number, line in enumerate(lines) if "-->" in line), None)
        if timed is not None:
            yield lines[timed + 1 :]
