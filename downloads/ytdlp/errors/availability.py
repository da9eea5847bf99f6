"""Videos that cannot be fetched yet: announced, live, or being processed after a live stream.

Extractors tell it in the info dict (`live_status`, `release_timestamp`), by an error, or by its words alone.
"""

import datetime as dt
import logging
import math
import re
from typing import Any

from downloads.network.sites import GENERIC_EXTRACTORS
from downloads.ytdlp.adaptive_streaming import dash_manifest, hls_playlist
from downloads.ytdlp.results import DownloadError, NotYetAvailable, Stage
from downloads.ytdlp.selected_ytdlp import Request, RequestError, YoutubeDLError

logger = logging.getLogger(__name__)

MAX_MESSAGE_CHARACTERS = 1000
SOON = dt.timedelta(minutes=5)  # "will begin in a few moments"
LIVE_MANIFEST_MESSAGE = "This is a live stream with no known end. Retry when its recording is up."
STAGE_BY_LIVE_STATUS = {"is_upcoming": Stage.ANNOUNCED, "is_live": Stage.LIVE, "post_live": Stage.PROCESSING}
# What only a person with an account can see is no matter of time.
RESTRICTION_PATTERN = re.compile(
    r"members?.only|access to members|private|log ?in|sign in|subscri|purchas|geo"
    r"|only (available )?(to|for) members|(your|this) (country|region|location|area)",
    re.I,
)
ANNOUNCED_PATTERN = re.compile(
    r"premieres? (in|on|at|will|shortly|soon)"
    r"|(will|(scheduled|going|due) to) (be )?(begin|start|premiere|air|go live|live|available) (in|on|at|shortly|soon)"
    r"|(live ?stream|live event|live broadcast|broadcast|event|premiere|stream|space|show) (begins|starts) (in|on|at)"
    r"|(\bnot|n't) (yet )?(started|begun|premiered|aired|been released)( yet)?\b"
    r"|not yet (available|live|released)|not (available|live|released) yet"
    r"|scheduled (for|to start)|(starts?|premiering) in \d|(?<!\bno )\bupcoming\b|\bcoming soon\b"
    r"|available in \d+ (second|minute|hour|day|week|month)"
    r"|\b(airs|released|releases|premiering) (on|at) (\w+ )?\d",
    re.I,
)
OFFLINE_PATTERN = re.compile(
    r"not (currently|now) live|is(n't| not) (currently |now )?(live|streaming|broadcasting|online)\b"
    r"|(channel|user|stream|streamer|room|broadcaster)( \S+)? is (currently |now )?offline"
    r"|no live ?streams?\b.*(now|currently)"
    r"|not live (at the moment|now|right now)|currently offline",
    re.I,
)
PROCESSING_PATTERN = re.compile(
    r"(we're|we are|still|is( currently| still)?( being)?) process(ing|ed)"
    r"|(being|still) (encoded|transcoded|converted|encoding|transcoding)|(encoding|transcoding) (is )?in progress"
    r"|(recording|replay|vod) (is )?(not yet|being|still)|(will be|becomes) available (soon|shortly|after the)",
    re.I,
)
PERIOD_PATTERN = re.compile(r"\b(\d{1,6}|an?|one|a few) (second|minute|hour|day|week|month|year)s?\b", re.I)
DATE_PATTERN = re.compile(
    r"\b(\d{4}-\d{2}-\d{2})[T ,]+(\d{2}:\d{2}(?::\d{2})?)\s*(UTC|GMT|Z|JST|KST|[+-]\d{2}:?\d{2})?"
)
MAX_PERIOD_SECONDS = 100 * 365 * 86400  # a date so far away is no date
UNIT_SECONDS = {
    **{"second": 1, "minute": 60, "hour": 3600, "day": 86400},
    **{"week": 7 * 86400, "month": 30 * 86400, "year": 365 * 86400},
}
ZONE_OFFSETS = {"UTC": "+00:00", "GMT": "+00:00", "Z": "+00:00", "JST": "+09:00", "KST": "+09:00", "": "+00:00"}


def read_stage(info: dict[str, Any]) -> Stage | None:
    """Return the stage that an info dict tells; None for a recording."""
    if info.get("is_live"):
        return Stage.LIVE
    if info.get("is_upcoming"):
        return Stage.ANNOUNCED
    return STAGE_BY_LIVE_STATUS.get(str(info.get("live_status")))


def read_start(info: dict[str, Any]) -> dt.datetime | None:
    """Return the announced start of an info dict; None for none, or for one that is no date."""
    for name in ("release_timestamp", "scheduled_timestamp"):
        value = info.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            try:
                return dt.datetime.fromtimestamp(value, dt.UTC)
            except (ValueError, OverflowError, OSError):
                return None
    return None


def from_info(info: dict[str, Any]) -> NotYetAvailable | None:
    """Return the error for an info dict of a video that cannot be fetched yet; None for one that can."""
    stage = read_stage(info)
    if stage is None:
        return None
    starts_at = read_start(info) if stage is Stage.ANNOUNCED else None
    is_premiere = stage is Stage.ANNOUNCED and info.get("media_type") == "video"
    return NotYetAvailable(stage, starts_at=starts_at, is_premiere=is_premiere, info=info)


def from_message(message: str, *, is_user_offline: bool = False) -> NotYetAvailable | None:
    """Return the error for a message of yt-dlp that means "not yet"; None for any other."""
    text = message[:MAX_MESSAGE_CHARACTERS]
    if is_user_offline or OFFLINE_PATTERN.search(text):
        return NotYetAvailable(Stage.OFFLINE)
    if RESTRICTION_PATTERN.search(text) or re.search(r"HTTP Error \d", text):
        return None
    if ANNOUNCED_PATTERN.search(text):
        is_premiere = "premiere" in text.lower()
        return NotYetAvailable(Stage.ANNOUNCED, starts_at=parse_start(text), is_premiere=is_premiere)
    return NotYetAvailable(Stage.PROCESSING) if PROCESSING_PATTERN.search(text) else None


def check_manifests(ydl: Any, info: dict[str, Any]) -> NotYetAvailable | None:
    """Look into the manifests of a video that may be live: an HLS playlist without an end is (RFC 8216, 4.3.3.4).

    The generic extractor takes a recording of less than a second for live; the info dict is corrected then. Raise
    DownloadError for a live manifest of a site that says nothing more: whether it ever ends is not known.
    """
    is_guessed = info.get("is_live") and info.get("extractor_key") in GENERIC_EXTRACTORS
    if info.get("live_status") is not None and not is_guessed:
        return from_info(info)
    if _has_live_manifest(info):
        raise DownloadError(LIVE_MANIFEST_MESSAGE, True)
    manifests = [_read_manifest(ydl, format_info) for format_info in _hls_formats(info)]
    for manifest in manifests:
        hls_playlist.require_decryptable(manifest)
    if any(_is_live_playlist(manifest) for manifest in manifests):
        raise DownloadError(LIVE_MANIFEST_MESSAGE, True)
    if is_guessed and manifests and all("#EXT-X-ENDLIST" in manifest for manifest in manifests):
        # For a live stream, yt-dlp has appended the time to the title.
        info.update(is_live=False, live_status="not_live", title=info.get("fulltitle") or info.get("title"))
    if is_guessed and info.get("is_live"):
        raise DownloadError(LIVE_MANIFEST_MESSAGE, True)
    return from_info(info)


def _has_live_manifest(info: dict[str, Any]) -> bool:
    """Return whether a manifest of DASH or Smooth Streaming was marked as live when it was parsed."""
    requested_formats = info.get("requested_formats") or [info]
    return any(format_info.get(dash_manifest.LIVE_FIELD) for format_info in requested_formats)


def _hls_formats(info: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the formats whose HLS playlist is still to be read."""
    return [
        format_info
        for format_info in info.get("requested_formats") or [info]
        if str(format_info.get("protocol")).startswith("m3u8") and not format_info.get("hls_media_playlist_data")
    ]


def _is_live_playlist(text: str) -> bool:
    return text.startswith("#EXTM3U") and "#EXTINF" in text and "#EXT-X-ENDLIST" not in text


def _read_manifest(ydl: Any, format_info: dict[str, Any]) -> str:
    """Return the text of a manifest; "" if it cannot be had, which the download then explains."""
    request = Request(format_info["url"], headers=dict(format_info.get("http_headers") or {}))
    try:
        return str(ydl.urlopen(request).read().decode("utf-8", "replace"))
    except (YoutubeDLError, RequestError) as error:
        logger.debug("A manifest could not be read: %s", error)
        return ""


def parse_start(text: str) -> dt.datetime | None:
    """Return the start in a sentence such as "will begin in 2 days" or "begins at 2026-12-03 18:00:00 UTC"."""
    if date := DATE_PATTERN.search(text):
        zone = date[3] or ""
        try:
            return dt.datetime.fromisoformat(f"{date[1]}T{date[2]}{ZONE_OFFSETS.get(zone, zone)}").astimezone(dt.UTC)
        except (ValueError, OverflowError):
            return None
    now = dt.datetime.now(dt.UTC)
    if re.search(r"few (moments|seconds|minutes)|\b(shortly|soon|momentarily)\b", text, re.I):
        return now + SOON
    periods = PERIOD_PATTERN.findall(text)
    seconds = sum(_parse_count(count) * UNIT_SECONDS[unit.lower()] for count, unit in periods)
    return now + dt.timedelta(seconds=seconds) if 0 < seconds < MAX_PERIOD_SECONDS else None


def _parse_count(text: str) -> int:
    return int(text) if text.isdecimal() else {"a few": 3}.get(text.lower(), 1)
