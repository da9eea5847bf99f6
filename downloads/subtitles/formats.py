"""Formats of subtitles, told apart by their content, and read into cues."""

import html
import re
from collections.abc import Callable, Iterable, Iterator

from downloads.subtitles import ttml, youtube
from downloads.subtitles.cue import Cue, UnknownFormat, parse_time

MAX_GAP_SECONDS = 5.0  # how long the last cue of a format without ends is shown
TIME = r"-?\d+(?:[:.,]\d+)*"
# Arrows as people and programs write them; text behind the end of a cue is settings or nonsense.
TIMING_PATTERN = re.compile(rf"^\s*({TIME})\s*(?:-{{1,3}}>|→|=>|–>)\s*({TIME})(?:\s+(\S.*))?$")
ARROW_PATTERN = re.compile(r"-{1,3}>|→")
HTML_TAG_PATTERN = re.compile(r"<(?!\d{1,2}:)[^<>]*>")
ASS_OVERRIDE_PATTERN = re.compile(r"\{\\[^{}]*\}")
ASS_DRAWING_PATTERN = re.compile(r"\{[^{}]*\\p[1-9][^{}]*\}[^{}]*(?:\{[^{}]*\\p0[^{}]*\}|$)")
LRC_TIME_PATTERN = re.compile(r"\[(\d{1,3}):(\d{1,2}(?:[.:]\d{1,3})?)\]")
MICRODVD_PATTERN = re.compile(r"^\s*[{\[](\d+)[}\]]\s*[{\[](\d*)[}\]](.*)$")
MICRODVD_FRAME_RATE = 23.976
SUBVIEWER_PATTERN = re.compile(rf"^\s*({TIME}),(\d+:\d\d:\d\d[.,]\d+)\s*$")
SAMI_SYNC_PATTERN = re.compile(r"<sync\s[^<>]*?start\s*=\s*[\"']?(\d+)[^<>]*>", re.I)

DOCTYPE = r"<!DOCTYPE[^>\[]*(?:\[[^\]]*\]\s*)?>"
TTML_PATTERN = re.compile(rf"\A(?:<\?xml[^>]*>|<!--.*?-->|{DOCTYPE}|\s)*<(?:\w+:)?tt[\s>]", re.DOTALL)


def read_cues(text: str) -> list[Cue]:
    """Return the cues of subtitles in any format but WebVTT, in order; raise UnknownFormat."""
    cues = [cue for cue in find_reader(text)(text) if cue.text.strip()]
    return sorted(cues, key=lambda cue: (cue.start, cue.end))


def find_reader(text: str) -> Callable[[str], Iterable[Cue]]:
    """Return the function that reads the format of a text; raise UnknownFormat."""
    head = text[:4096].lstrip()
    for pattern, reader in READERS:
        if pattern.search(head):
            return reader
    if any(map(TIMING_PATTERN.match, head.splitlines())):
        return read_srt
    # Their marks may also stand in the words of SubRip.
    for pattern, reader in READERS_BY_LINES:
        if pattern.search(head):
            return reader
    if any(map(is_timing, text.splitlines())):
        return read_srt
    raise UnknownFormat("a text without times")


# Readers, one per format -------------------------------------------------------------------------


def read_srt(text: str) -> Iterator[Cue]:
    """Read SubRip; a cue whose times are broken keeps its words, at the end of the cue before it."""
    end = 0.0
    for timing, lines in split_timed_blocks(text):
        start, end, settings = read_timing(timing, end)
        yield Cue(start, end, _plain_markup("\n".join(lines)), settings)


def split_timed_blocks(text: str) -> list[tuple[str, list[str]]]:
    """Return (line with the times, lines of text) for each cue; numbers and blank lines around them are left out."""
    blocks: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if is_timing(line):
            if blocks and blocks[-1][1] and re.fullmatch(r"\s*\d+\s*", blocks[-1][1][-1]):
                blocks[-1][1].pop()  # the number of this cue
            blocks.append((line, []))
        elif blocks:
            blocks[-1][1].append(line.rstrip())
    return [(timing, [line for line in lines if line.strip()]) for timing, lines in blocks]


def is_timing(line: str) -> bool:
    """Return whether a line has the times of a cue, even broken ones."""
    before, arrow, after = re.split(r"(-{1,3}>|→)", line, maxsplit=1) if ARROW_PATTERN.search(line) else ("", "", "")
    is_time_like = r"\s*[\d:.,;\sA-Za-z?-]{0,20}\d[\d:.,;\s?-]*"
    return bool(arrow) and bool(re.fullmatch(is_time_like, before) or re.match(r"\s*[\d:.,;?-]*\d", after))


def read_timing(line: str, previous_end: float) -> tuple[float, float, str]:
    """Return start, end and settings of a line with times; broken ones follow the cue before them."""
    if match := TIMING_PATTERN.match(line.rstrip()):
        start, end = parse_time(match[1]), parse_time(match[2])
        return start, (end if end > start else start + 2.0), match[3] or ""
    start_text, end_text = (re.search(TIME, part) for part in ARROW_PATTERN.split(line, maxsplit=1))
    start = parse_time(start_text[0]) if start_text else previous_end
    end = parse_time(end_text[0]) if end_text else 0.0
    return start, (end if end > start else start + 2.0), ""


def read_ass(text: str) -> Iterator[Cue]:
    """Read SubStation Alpha (.ass, .ssa): the dialogue, without its styles and drawings."""
    columns = ["layer", "start", "end", "style", "name", "marginl", "marginr", "marginv", "effect", "text"]
    in_events = False
    for line in text.splitlines():
        name, _, value = line.strip().partition(":")
        if line.startswith("["):
            in_events = line.strip().lower() == "[events]"
        elif in_events and name.lower() == "format":
            columns = [column.strip().lower() for column in value.split(",")]
        elif in_events and name.lower() == "dialogue":
            fields = dict(zip(columns, value.split(",", len(columns) - 1), strict=False))
            words = ASS_OVERRIDE_PATTERN.sub("", ASS_DRAWING_PATTERN.sub("", fields.get("text", "")))
            words = words.replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " ")
            yield Cue(parse_time(fields.get("start", "0").strip()), parse_time(fields.get("end", "0").strip()), words)


def read_lrc(text: str) -> Iterator[Cue]:
    """Read lyrics with a time before each line."""
    lines: list[tuple[float, str]] = []
    for line in text.splitlines():
        words = re.sub(r"<\d+:\d+(?:\.\d+)?>", "", LRC_TIME_PATTERN.sub("", line)).strip()
        lines += [
            (int(minutes) * 60 + float(seconds.replace(":", ".")), words)
            for minutes, seconds in LRC_TIME_PATTERN.findall(line)
        ]
    yield from _until_next(sorted(lines))


def read_microdvd(text: str) -> Iterator[Cue]:
    """Read MicroDVD (frames in braces) and MPL2 (tenths of a second in brackets)."""
    rate = 10.0 if text.lstrip()[:1] == "[" else MICRODVD_FRAME_RATE
    for line in text.splitlines():
        match = MICRODVD_PATTERN.match(line)
        if not match:
            continue
        first, last = int(match[1]), int(match[2] or 0)
        words = re.sub(r"\{[a-zA-Z]:[^}]*\}", "", match[3])
        if first <= 1 and last <= 1 and re.fullmatch(r"\s*\d+(?:[.,]\d+)?\s*", words):
            rate = float(words.replace(",", ".")) or rate  # the frame rate stands in the first line
            continue
        words = "\n".join(part.removeprefix("/") for part in words.split("|"))
        yield Cue(first / rate, max(last, first + rate) / rate, words)


def read_sami(text: str) -> Iterator[Cue]:
    """Read SAMI: each text is shown until the next one."""
    parts = SAMI_SYNC_PATTERN.split(text)[1:]
    timed = [
        (int(start) / 1000, _plain_text(re.split(r"</body", body, maxsplit=1, flags=re.I)[0]))
        for start, body in zip(parts[::2], parts[1::2], strict=True)
    ]
    yield from _until_next(sorted(timed, key=lambda item: item[0]))


def read_subviewer(text: str) -> Iterator[Cue]:
    """Read SubViewer: a line with both times, then the text with [br] for line ends."""
    times: re.Match[str] | None = None
    for line in text.splitlines():
        if match := SUBVIEWER_PATTERN.match(line):
            times = match
        elif times and line.strip():
            yield Cue(parse_time(times[1]), parse_time(times[2]), line.replace("[br]", "\n"))


def _read_ttml(text: str) -> Iterator[Cue]:
    return (Cue(*cue) for cue in ttml.read_ttml(text))


def _read_youtube_xml(text: str) -> Iterator[Cue]:
    return (Cue(start, end, _plain_text(html.unescape(body))) for start, end, body in youtube.read_xml(text))


def _until_next(lines: list[tuple[float, str]]) -> Iterator[Cue]:
    """Yield the cues of a format without ends, in order of time: each is shown until the next begins."""
    later: float | None = None
    cues: list[Cue] = []
    for start, words in reversed(lines):
        end = later if later is not None else start + MAX_GAP_SECONDS
        if cues and cues[-1].start == start:  # two lines at one time are shown together
            end = cues[-1].end
        cues.append(Cue(start, end, words))
        later = start
    yield from reversed(cues)


def _plain_text(markup: str) -> str:
    """Return the text of HTML, with its line ends."""
    one_line = " ".join(line.strip() for line in markup.split("\n"))
    text = html.unescape(re.sub(r"<[^<>]*>", "", re.sub(r"<br\s*/?>", "\n", one_line, flags=re.I)))
    return text.replace("\u00a0", " ").strip()


def _plain_markup(text: str) -> str:
    """Return the text of SubRip: bold, italic and underline stay, other tags go."""
    text = ASS_OVERRIDE_PATTERN.sub("", re.sub(r"<br\s*/?>", "\n", text, flags=re.I))
    return HTML_TAG_PATTERN.sub(
        lambda tag: tag[0].lower() if re.fullmatch(r"</?[biu]>", tag[0].lower()) else _removed(tag[0]), text
    )


def _removed(tag: str) -> str:
    """Return "" for a tag, and the characters themselves for what only looks like one, such as "<3 and >"."""
    return "" if re.match(r"</?[A-Za-z]", tag) else tag


READERS: tuple[tuple[re.Pattern[str], Callable[[str], Iterable[Cue]]], ...] = (
    (re.compile(r"\A\[script info\]|^\[events\]\s*\n\s*(?:format|dialogue|comment):", re.I | re.M), read_ass),
    (re.compile(r"<sami[\s>]|<sync\s", re.I), read_sami),
    (re.compile(r"\A(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:transcript|timedtext)[\s>]", re.S), _read_youtube_xml),
    (TTML_PATTERN, _read_ttml),
    (re.compile(r"\A\s*(?:\{\s*\"|\[\s*\{)"), youtube.read_json),
    (re.compile(r"\A\s*(?:\{\d+\}\s*\{\d*\}|\[\d+\]\s*\[\d*\])"), read_microdvd),
)
READERS_BY_LINES: tuple[tuple[re.Pattern[str], Callable[[str], Iterable[Cue]]], ...] = (
    (re.compile(r"^\s*\[\d{1,3}:\d{1,2}(?:[.:]\d{1,3})?\]", re.M), read_lrc),
    (re.compile(r"^\s*\d+:\d\d:\d\d[.,]\d+,\d+:\d\d:\d\d[.,]\d+\s*$", re.M), read_subviewer),
)
