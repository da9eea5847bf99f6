"""Advice to update yt-dlp, where a download failed with an error that a newer version may not have."""

import re

from downloads.network.sites import GENERIC_EXTRACTORS
from downloads.ytdlp_update import selection

# Errors of extractors, in yt-dlp's words and in ours (ytdlp.errors.error_messages).
EXTRACTOR_ERROR_PATTERN = re.compile(
    r"unable to (extract|parse|decode)|failed to (extract|parse|decode)|extractor|no video formats found"
    r"|requested format is not available|no (downloadable )?format (of this video|was found)|unsupported url"
    r"|doesn’t support it|not a bot|this is a bot|couldn’t download this video|\bnsig\b|signature|challenge"
    r"|player response|\b[a-z]*(key|type|value|index|attribute|assertion|lookup|name)error\b|\bbug\b"
    # As rows have it that failed before these words were changed.
    r"|not know this kind of page|for a robot|could not fetch this video",
    re.IGNORECASE,
)
# A site that yt-dlp knows refuses what an old version asks for.
REFUSED_PATTERN = re.compile(r"HTTP Error 403\b", re.IGNORECASE)
OTHER_STATUS_PATTERN = re.compile(r"HTTP Error (?!403)\d{3}\b", re.IGNORECASE)


def may_need_update(error: str, extractor: str) -> bool:
    """Return True if an update of yt-dlp may mend this error of a video from this extractor."""
    if OTHER_STATUS_PATTERN.search(error):
        return False
    if REFUSED_PATTERN.search(error):
        return extractor not in GENERIC_EXTRACTORS
    return bool(EXTRACTOR_ERROR_PATTERN.search(error))


def update_advice(error: str, extractor: str) -> str:
    """Return the advice to update, such as "yt-dlp is 45 days old: update it."; "" if it would not help."""
    return selection.select_version_cached().advice if may_need_update(error, extractor) else ""
