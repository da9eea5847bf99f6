"""Metadata of a video, read from yt-dlp's info dict."""

import datetime as dt
import math
from typing import Any

from downloads.models import Metadata


def parse_metadata(info: dict[str, Any]) -> Metadata:
    """Return the metadata to store; values that make no sense are left out."""
    return Metadata(
        title=_first_text(info, "title"),
        uploader=_first_text(info, "uploader", "channel", "creator"),
        description=_first_text(info, "description"),
        duration=_parse_duration(info.get("duration")),
        upload_date=_parse_upload_date(info.get("upload_date")),
        extractor=_first_text(info, "extractor_key", "extractor"),
        source_id=_first_text(info, "id"),
        webpage_url=_first_text(info, "webpage_url"),
    )


def _first_text(info: dict[str, Any], *keys: str) -> str:
    text = next((str(info[key]) for key in keys if info.get(key)), "")
    # JSON may hold a lone surrogate; UTF-8, and so the database and the pages, cannot.
    return text.encode("utf-8", "replace").decode()


def _parse_duration(value: object) -> float | None:
    if isinstance(value, int | float) and math.isfinite(value) and value > 0:
        return float(value)
    return None


def _parse_upload_date(value: object) -> dt.date | None:
    try:
        return dt.datetime.strptime(str(value), "%Y%m%d").date()
    except ValueError:
        return None
