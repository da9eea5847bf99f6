"""HLS media playlists (RFC 8216), rewritten so that yt-dlp downloads what they say, and the duration they promise.

In what yt-dlp gets, byte ranges are part of the segments' URLs (see `fragments`), and an AES-128 key that leaves its IV
to the segment's number has it written out. yt-dlp derives both from the segments that it has read before, which are not
all of them when it resumes a download, skips an advertisement, or has an initialization section.
"""

import dataclasses
import math
import re

from downloads.ytdlp.adaptive_streaming.completeness import PromisedDuration
from downloads.ytdlp.adaptive_streaming.fragments import FragmentRange, mark_byte_range
from downloads.ytdlp.results import DRM_MESSAGE, DownloadError
from downloads.ytdlp.selected_ytdlp import parse_m3u8_attributes

KEY_PATTERN = re.compile(r"^#EXT-X-KEY:(.*)$", re.M)
# AES-128 is for transport only: whoever gets the playlist gets the key (RFC 8216, 4.3.2.4).
DECRYPTABLE_METHODS = ("NONE", "AES-128")
BYTE_RANGE_PATTERN = re.compile(r"(\d+)(?:@(\d+))?")


@dataclasses.dataclass(frozen=True)
class RewrittenPlaylist:
    """The text for yt-dlp, and the duration of the segments in it; None if the playlist has no durations."""

    text: str
    promised_duration: PromisedDuration | None


def rewrite_playlist(text: str, format_index: int | None = None) -> RewrittenPlaylist:
    """Rewrite a media playlist; with a `format_index`, its duration is that of one part between discontinuities.

    Raise DownloadError if a byte range or a number in it cannot be read, or its segments cannot be decrypted.
    """
    require_decryptable(text)
    rewriter = _Rewriter(format_index)
    for line in text.splitlines():
        rewriter.add_line(line.strip())
    return RewrittenPlaylist("\n".join(rewriter.lines) + "\n", rewriter.promised_duration())


def require_decryptable(text: str) -> None:
    """Raise DownloadError for a media playlist with segments that only a DRM system of players decrypts.

    yt-dlp knows some of them, and hands SAMPLE-AES, Widevine's included, to ffmpeg, which cannot decrypt it either.
    """
    for match in KEY_PATTERN.finditer(text):
        attributes = parse_m3u8_attributes(match[1].strip())
        method, key_format = attributes.get("METHOD", ""), attributes.get("KEYFORMAT", "identity")
        if method == "NONE" or (method in DECRYPTABLE_METHODS and key_format == "identity"):
            continue
        raise DownloadError(f"{DRM_MESSAGE}\nHLS: {method[:50]}, {key_format[:100]}", True)


class _Rewriter:
    """Reads a playlist line by line into `lines`."""

    def __init__(self, format_index: int | None) -> None:
        self.lines: list[str] = []
        self._format_index = format_index
        self._durations: list[str] = []
        self._next_duration = ""
        self._next_range = ""
        self._range_ends: dict[str, int] = {}
        self._key_without_iv = ""
        self._last_map = ""
        self._sequence_number = 0
        self._discontinuities = 0
        self._is_advertisement = False

    def promised_duration(self) -> PromisedDuration | None:
        """Return the sum of the durations of all segments that yt-dlp downloads; None if one of them has none."""
        try:
            seconds = [float(duration) for duration in self._durations]
        except ValueError:
            return None
        if not seconds or not all(0 < duration < math.inf for duration in seconds):
            return None
        # Up to version 2 of the protocol, durations are rounded to whole seconds.
        is_rounded = all(duration.isdigit() for duration in self._durations)
        return PromisedDuration(
            sum(seconds), 0.5 * len(seconds) if is_rounded else 0.0, has_discontinuities=self._discontinuities > 0
        )

    def add_line(self, line: str) -> None:
        """Add a line, or what it means to later lines."""
        if line and not line.startswith("#"):
            self._add_segment(line)
        elif line.startswith("#EXT-X-BYTERANGE:"):
            self._next_range = line.partition(":")[2]
        elif line.startswith("#EXT-X-MAP:"):
            self._add_map(line)
        else:
            self._read_tag(line)
            self.lines.append(line)

    def _read_tag(self, line: str) -> None:
        name, _, value = line.partition(":")
        if name == "#EXTINF":
            self._next_duration = value.partition(",")[0].strip()
        elif name == "#EXT-X-KEY":
            attributes = parse_m3u8_attributes(value)
            is_implicit = attributes.get("METHOD") == "AES-128" and "IV" not in attributes
            self._key_without_iv = line if is_implicit else ""
        elif name == "#EXT-X-MEDIA-SEQUENCE":
            self._sequence_number = _parse_number(value)
        elif name.startswith("#EXT-X-DISCONTINUITY"):  # with the start of another tag, as yt-dlp counts them
            self._discontinuities += 1
        else:
            self._read_advertisement_tag(line)

    def _read_advertisement_tag(self, line: str) -> None:
        """Apply the tags by which yt-dlp skips the segments of an advertisement."""
        if line.startswith("#ANVATO-SEGMENT-INFO"):
            self._is_advertisement = "type=ad" in line or ("type=master" not in line and self._is_advertisement)
        elif line.startswith("#UPLYNK-SEGMENT") and line.endswith((",ad", ",segment")):
            self._is_advertisement = line.endswith(",ad")

    def _add_segment(self, url: str) -> None:
        self._add_url(self._with_byte_range(url, self._next_range))
        is_other_format = self._format_index is not None and self._discontinuities != self._format_index
        if not self._is_advertisement and not is_other_format:
            self._durations.append(self._next_duration or "0")
        self._next_range = self._next_duration = ""
        self._sequence_number += 1

    def _add_map(self, line: str) -> None:
        """Add an initialization section as a first segment, so that yt-dlp does not append it again in a resumption."""
        # Repeated after an advertisement, it says nothing new.
        if line == self._last_map and self._format_index is None:
            return
        self._last_map = line
        if self._is_advertisement or (self._durations and self._format_index is None):
            self.lines.append(line)
            return
        attributes = parse_m3u8_attributes(line.partition(":")[2])
        byte_range, url = attributes.get("BYTERANGE") or "", attributes.get("URI") or ""
        self._add_url(self._with_byte_range(url, f"{byte_range}@0" if byte_range.isdigit() else byte_range))

    def _add_url(self, url: str) -> None:
        if self._key_without_iv:
            self.lines.append(f"{self._key_without_iv},IV=0x{self._sequence_number:032x}")
        self.lines.append(url)

    def _with_byte_range(self, url: str, text: str) -> str:
        """Return the URL with a byte range "length@offset"; without an offset, it continues the one before."""
        if not text:
            return url
        match = BYTE_RANGE_PATTERN.fullmatch(text.strip().strip('"'))
        if not match or not int(match[1]):
            raise DownloadError(f"The video's playlist has a byte range that can't be read: “{text[:50]}”.", True)
        start = int(match[2]) if match[2] else self._range_ends.get(url, 0)
        self._range_ends[url] = start + int(match[1])
        return mark_byte_range(url, FragmentRange(start, self._range_ends[url]))


def _parse_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise DownloadError(f"The video's playlist has a number that can't be read: “{text[:50]}”.", True) from None
