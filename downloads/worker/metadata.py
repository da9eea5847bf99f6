"""Metadata of a video, read from yt-dlp's info dict."""

import dataclasses
import datetime as dt
import math
import re
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from downloads.models import MAX_CHANNEL_URL_LENGTH, Metadata
from downloads.models.value_objects import read_chapters
from downloads.network.url_secrets import has_secrets
from downloads.network.web_links import only_web_link

# Titles that say nothing, of files and of sites without a title.
EMPTY_TITLE_PATTERN = re.compile(
    r"media|videos?|audio|movie|clip|file|index|master|manifest|playlist|stream|live|output|download|default|null|none"
    r"|undefined|unknown|n/?a|(video )?(un|not |no )(titled|title|named|name)( video)?|\W*",
    re.I,
)


def parse_metadata(info: dict[str, Any]) -> Metadata:
    """Return the metadata to store; values that make no sense are left out."""
    # yt-dlp appends the time of the look to the title of a live stream, and keeps the title itself in `fulltitle`.
    title = _first_text(info, "fulltitle", "title") if info.get("is_live") else _first_text(info, "title")
    return Metadata(
        title=title,
        has_placeholder_title=_is_placeholder(title, info),
        uploader=_first_text(info, "uploader", "channel", "creator"),
        uploader_url=_parse_uploader_url(info),
        description=_first_text(info, "description"),
        duration=_parse_duration(info.get("duration")),
        upload_date=_parse_upload_date(info.get("upload_date")),
        extractor=_first_text(info, "extractor_key", "extractor"),
        source_id=_first_text(info, "id"),
        webpage_url=_first_text(info, "webpage_url"),
        chapters=_parse_chapters(info.get("chapters")),
    )


def _is_placeholder(title: str, info: dict[str, Any]) -> bool:
    """Tell whether a title was made of a file name, an id or an address, or says nothing."""
    if EMPTY_TITLE_PATTERN.fullmatch(title.strip()):
        return True
    names = {str(info[name]) for name in ("id", "display_id") if info.get(name)}
    # yt-dlp's own, where an extractor found none.
    names.add(f"{info.get('extractor')} video #{info.get('id')}")
    for url in (str(info[name]) for name in ("webpage_url", "original_url", "url") if info.get(name)):
        names |= {url, *_file_names(url)}
    return _normalize(title) in {_normalize(name) for name in names}


def _file_names(url: str) -> set[str]:
    """Return the names of the file at a URL, as its path has them and decoded, with and without ending."""
    try:
        path = PurePosixPath(urlsplit(url).path)
    except ValueError:
        return set()
    return {path.name, path.stem, unquote(path.name), unquote(path.stem), PurePosixPath(unquote(path.name)).stem}


def _normalize(text: str) -> str:
    """Return the letters and digits of a text: sites make spaces of dashes and underscores."""
    return "".join(character for character in text.casefold() if character.isalnum())


def _first_text(info: dict[str, Any], *keys: str) -> str:
    text = next((str(info[key]) for key in keys if info.get(key)), "")
    # JSON may hold a lone surrogate; UTF-8, and so the database and the pages, cannot.
    return text.encode("utf-8", "replace").decode()


def _parse_chapters(values: object) -> list[dict[str, Any]] | None:
    """Return yt-dlp's chapters as they are stored; None where the site says nothing of chapters."""
    if not isinstance(values, list):
        return None
    named = [
        {"start": value.get("start_time"), "title": _first_text(value, "title")}
        for value in values
        if isinstance(value, dict)
    ]
    return [dataclasses.asdict(chapter) for chapter in read_chapters(named)]


def _parse_uploader_url(info: dict[str, Any]) -> str:
    """Return the address of the uploader's page; "" for one that is no link, too long or not for everyone.

    The channel's own comes first: on YouTube it has the id, which stays when the uploader takes another name.
    """
    url = only_web_link(_first_text(info, "channel_url", "uploader_url").strip())
    is_kept = url.isprintable() and len(url) <= MAX_CHANNEL_URL_LENGTH and not has_secrets(url)
    return url if is_kept else ""


def _parse_duration(value: object) -> float | None:
    if isinstance(value, int | float) and math.isfinite(value) and value > 0:
        return float(value)
    return None


def _parse_upload_date(value: object) -> dt.date | None:
    try:
        return dt.datetime.strptime(str(value), "%Y%m%d").date()
    except ValueError:
        return None
