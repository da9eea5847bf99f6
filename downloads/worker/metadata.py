"""Metadata of a video, read from yt-dlp's info dict."""

import datetime as dt
import math
from typing import Any

from downloads.models import Metadata


def facts(info: dict[str, Any]) -> Metadata:
    """Return what is kept of a look-up; what makes no sense is left out."""
    return Metadata(
        title=_text(info, "title"),
        uploader=_text(info, "uploader", "channel", "creator"),
        description=_text(info, "description"),
        duration=_duration(info.get("duration")),
        upload_date=_date(info.get("upload_date")),
        extractor=_text(info, "extractor_key", "extractor"),
        source_id=_text(info, "id"),
        webpage_url=_text(info, "webpage_url"),
    )


def _text(info: dict[str, Any], *names: str) -> str:
    found = next((str(info[name]) for name in names if info.get(name)), "")
    # A lone surrogate passes JSON, but no database and no page after it.
    return found.encode("utf-8", "replace").decode()


def _duration(found: object) -> float | None:
    if isinstance(found, int | float) and math.isfinite(found) and found > 0:
        return float(found)
    return None


def _date(found: object) -> dt.date | None:
    try:
        return dt.datetime.strptime(str(found), "%Y%m%d").date()
    except ValueError:
        return None
