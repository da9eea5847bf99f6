"""What is said in a video, as its subtitles have it."""

import html
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

LONGEST = 2_000_000  # bytes of a file
TAG = re.compile(r"<[^>]*>")


def lines(files: Iterable[Path]) -> Iterator[str]:
    """Yield what WebVTT files say, without times and markup; what rolls on from cue to cue comes only once.

    What cannot be read is left out.
    """
    for file in files:
        before: list[str] = []
        for cue in _cues(file):
            said = [html.unescape(TAG.sub("", line)).strip() for line in cue]
            yield from (line for line in said if line and line not in before)
            before = said


def _cues(file: Path) -> Iterator[list[str]]:
    try:
        with file.open("rb") as opened:
            content = opened.read(LONGEST).decode("utf-8-sig", "replace")
    except OSError:
        return
    for block in re.split(r"\n\s*\n", content.replace("\r\n", "\n").replace("\r", "\n")):
        lines = block.split("\n")
        # Only a cue has times: the header, notes and styles have not.
        timed = next((number for number, line in enumerate(lines) if "-->" in line), None)
        if timed is not None:
            yield lines[timed + 1 :]
