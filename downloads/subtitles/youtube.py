"""YouTube's formats of subtitles, and other lists of texts with times in JSON."""

import json
import re
from collections.abc import Iterator

from downloads.subtitles.cue import Cue, UnknownFormat, parse_time

# The text ends at the end tag, or where the next one begins.
XML_TIMES_PATTERN = re.compile(r"<(text|p)\s([^<>]*)>(.*?)(?=</\1>|<\1\s|\Z)", re.DOTALL)


def read_json(text: str) -> Iterator[Cue]:
    """Read JSON: YouTube's json3, and lists of objects with times and text."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise UnknownFormat("data (JSON) that cannot be read") from error
    if isinstance(data, dict) and isinstance(data.get("events"), list):
        yield from _read_json3(data["events"])
        return
    items = data if isinstance(data, list) else next((v for v in _values(data) if isinstance(v, list)), [])
    cues = [cue for cue in map(_json_cue, items) if cue]
    if not cues:
        raise UnknownFormat("data (JSON), not subtitles")
    yield from cues


def _values(data: object) -> list[object]:
    return list(data.values()) if isinstance(data, dict) else []


def _read_json3(events: list[object]) -> Iterator[Cue]:
    for event in events:
        if isinstance(event, dict) and isinstance(event.get("segs"), list):
            words = "".join(str(seg.get("utf8", "")) for seg in event["segs"] if isinstance(seg, dict))
            start = float(event.get("tStartMs") or 0) / 1000
            yield Cue(start, start + float(event.get("dDurationMs") or 2000) / 1000, words)


JSON_STARTS, JSON_ENDS, JSON_TEXTS = ("from", "start", "begin"), ("to", "end"), ("content", "text", "line")


def _json_cue(item: object) -> Cue | None:
    """Return the cue of an object such as {"from": 1.2, "to": 3, "content": "…"}; None if it is none."""
    if not isinstance(item, dict):
        return None
    start, end, words = (
        next((item[name] for name in names if name in item), None) for names in (JSON_STARTS, JSON_ENDS, JSON_TEXTS)
    )
    if words is None or start is None:
        return None
    start_seconds = parse_time(str(start))
    return Cue(start_seconds, parse_time(str(end)) if end is not None else start_seconds + 2.0, str(words))


def read_xml(text: str) -> Iterator[tuple[float, float, str]]:
    """Yield (start, end, markup) of YouTube's XML: seconds in srv1 ("start", "dur"), else milliseconds ("t", "d")."""
    for _, attributes, body in XML_TIMES_PATTERN.findall(text):
        values = dict(re.findall(r"(\w+)\s*=\s*[\"']([^\"']*)[\"']", attributes))
        scale = 1000 if "t" in values else 1
        start = float(values.get("t") or values.get("start") or 0) / scale
        length = float(values.get("d") or values.get("dur") or 2 * scale) / scale
        yield start, start + length, body
