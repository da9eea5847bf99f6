"""DASH manifests (ISO/IEC 23009-1) whose segments are byte ranges of one file, which yt-dlp cannot parse.

yt-dlp expects a URL in each <Initialization> and <SegmentURL>, and raises KeyError where only a range stands there.
The ranges are written into URLs (see `fragments`) before yt-dlp parses the manifest.
"""

import re
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

from downloads.ytdlp.adaptive_streaming.completeness import PromisedDuration
from downloads.ytdlp.adaptive_streaming.fragments import FragmentRange, mark_byte_range
from downloads.ytdlp.selected_ytdlp import InfoExtractor, parse_duration

# Element: (attribute with the URL, attribute with the byte range)
RANGE_ATTRIBUTES = {"Initialization": ("sourceURL", "range"), "SegmentURL": ("media", "mediaRange")}
# Of a format, what the manifest says: its duration in seconds, and the number of its periods.
DURATION_FIELD = "manifest_duration"
PERIODS_FIELD = "manifest_periods"
LIVE_FIELD = "manifest_is_live"  # also of ISM

_original_parse = InfoExtractor._parse_mpd_periods
_original_parse_ism = InfoExtractor._parse_ism_formats_and_subtitles


def _parse_mpd_periods(self: Any, mpd_doc: ElementTree.Element, *args: Any, **kwargs: Any) -> Iterator[dict[str, Any]]:
    write_ranges_into_urls(mpd_doc)
    fields = _read_promise(mpd_doc) | ({LIVE_FIELD: True} if mpd_doc.get("type") == "dynamic" else {})
    for period in _original_parse(self, mpd_doc, *args, **kwargs):
        for format_info in period["formats"]:
            format_info.update(fields)
        yield period


def _parse_ism(self: Any, ism_doc: ElementTree.Element, *args: Any, **kwargs: Any) -> tuple[list[dict[str, Any]], Any]:
    formats, subtitles = _original_parse_ism(self, ism_doc, *args, **kwargs)
    if (ism_doc.get("IsLive") or "").lower() == "true":
        # Without formats, there is an error where nothing else tells of the stream.
        self._downloader.has_live_manifest = True
        formats = [{**format_info, LIVE_FIELD: True} for format_info in formats]
    return formats, subtitles


def install() -> None:
    """Have yt-dlp parse manifests with byte ranges and live ones; its parsers have no hook, so they are replaced."""
    InfoExtractor._parse_mpd_periods = _parse_mpd_periods
    InfoExtractor._parse_ism_formats_and_subtitles = _parse_ism


def write_ranges_into_urls(mpd_doc: ElementTree.Element) -> None:
    """Give each segment a URL with its byte range; "#" alone refers to the file itself (RFC 3986, 4.4)."""
    for element in mpd_doc.iter():
        name = element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
        if name in RANGE_ATTRIBUTES:
            url_attribute, range_attribute = RANGE_ATTRIBUTES[name]
            match = re.fullmatch(r"(\d+)-(\d+)", (element.get(range_attribute) or "").strip())
            url = element.get(url_attribute) or "#"
            element.set(
                url_attribute, mark_byte_range(url, FragmentRange(int(match[1]), int(match[2]) + 1)) if match else url
            )


def promised_duration(info: dict[str, Any]) -> PromisedDuration | None:
    """Return the duration that the segments of a DASH or ISM format promise; None if they have none."""
    fragments = info.get("fragments")
    fragments = fragments if isinstance(fragments, list) else []
    durations = [float(fragment.get("duration") or 0) for fragment in fragments]
    # The first may be the initialization segment. A fixed duration holds for the last segment too, which is shorter.
    if not durations or not all(durations[1:]) or not sum(durations):
        return None
    return PromisedDuration(sum(durations), max(durations), has_discontinuities=_has_periods(info))


def promised_presentation(info: dict[str, Any]) -> PromisedDuration | None:
    """Return the duration that the manifest of a format promises of its longest stream; None if it does not say."""
    seconds = info.get(DURATION_FIELD)
    # yt-dlp leaves out periods with other formats, such as advertisements.
    return PromisedDuration(float(seconds), has_discontinuities=_has_periods(info)) if seconds else None


def _has_periods(info: dict[str, Any]) -> bool:
    return bool(info.get(PERIODS_FIELD, 1) > 1)


def _read_promise(mpd_doc: ElementTree.Element) -> dict[str, Any]:
    """Return the fields for the formats of a finished presentation; the same in all periods, or yt-dlp joins none."""
    periods = [element for element in mpd_doc if str(element.tag).rpartition("}")[2] == "Period"]
    duration = parse_duration(mpd_doc.get("mediaPresentationDuration"))
    if duration is None and len(periods) == 1:
        duration = parse_duration(periods[0].get("duration"))
    if mpd_doc.get("type") == "dynamic" or not duration:
        return {}
    return {DURATION_FIELD: duration, PERIODS_FIELD: len(periods)}
