"""Flat listings of channels and playlists: what a list says of its videos, without a look-up of each."""

import datetime as dt
import itertools
import math
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings

from downloads.network.sites import GENERIC_EXTRACTORS, site_of
from downloads.ytdlp.errors import availability
from downloads.ytdlp.errors.conversion import converted_errors
from downloads.ytdlp.options import build_options
from downloads.ytdlp.playlists import entries
from downloads.ytdlp.playlists.json_values import clean_text
from downloads.ytdlp.results import DownloadError, Listing, ListingEntry, PlaylistEntry
from downloads.ytdlp.resuming_client import ResumingYoutubeDL
from downloads.ytdlp.selected_ytdlp import YoutubeDLError

MAX_REQUESTS = 600  # of one listing: a site may continue a list without end, and without videos
NOT_A_LIST_MESSAGE = "This is a single video, not a list. Add it by its link; to follow its channel, use the channel’s."
LIST_OF_LISTS_MESSAGE = "This is a list of lists. Follow one of them by its own link."
ENDLESS_MESSAGE = f"The list doesn’t end: the site went on after {MAX_REQUESTS} pages of it."
YOUTUBE_CHANNEL_PATTERN = re.compile(r"(/(?:(?:channel|c|user)/[^/]+|@[^/]+))(/[^/]*)?/?")
YOUTUBE_LIST_EXTRACTORS = ("YoutubeTab", "YoutubePlaylist")  # of lists and tabs; the former of single videos as well
MISSING_TAB_PATTERN = re.compile(r"channel does not have an? \S+ tab", re.I)
# Extractors of what grows at its top: the uploads of a person or channel.
CHANNEL_EXTRACTOR_PATTERN = re.compile(r"User|Channel|Space|Profile|Campaign|Uploads|Artist|TwitchVideos")


class _ListingClient(ResumingYoutubeDL):
    """`YoutubeDL` that announces each request, and ends a listing that goes on for ever."""

    def __init__(self, params: dict[str, Any], before_request: Callable[[str], None]) -> None:
        self._before_request = before_request
        self._request_count = 0
        super().__init__(params)

    def urlopen(self, req: Any) -> Any:
        self._request_count += 1
        if self._request_count > MAX_REQUESTS:
            raise DownloadError(ENDLESS_MESSAGE, True)
        self._before_request(req if isinstance(req, str) else req.url)
        return super().urlopen(req)


def list_entries(
    url: str,
    *,
    proxy_url: str,
    first: int,
    last: int,
    tab: str = "",
    before_request: Callable[[str], None] = lambda url: None,
) -> Listing:
    """List the videos from place `first` to `last`, from 1; of a channel, those of one tab.

    `before_request` is called with each URL that is about to be requested. A tab that the channel does not have is
    empty, and marked so. Raise DownloadError, also for what is no list of videos.
    """
    client = _ListingClient(_build_options(proxy_url, first, last), before_request)
    with converted_errors():
        try:
            info = client.extract_info(build_tab_url(url, tab), download=False)
        except YoutubeDLError as error:
            if tab and MISSING_TAB_PATTERN.search(str(error)):
                return Listing([], is_channel=True, is_missing=True)
            raise
        if not info or info.get("_type") != "playlist":
            raise DownloadError(NOT_A_LIST_MESSAGE, True)
        return _build_listing(client, info, first, last, tab)


def build_tab_url(url: str, tab: str) -> str:
    """Return the URL of a tab of a channel; sites without tabs have only the list itself."""
    split = urlsplit(url)
    match = YOUTUBE_CHANNEL_PATTERN.fullmatch(split.path)
    if not tab or match is None or site_of(split.hostname or "") != "youtube.com":
        return url
    return urlunsplit(split._replace(path=f"{match[1]}/{tab}", query="", fragment=""))


def _build_options(proxy_url: str, first: int, last: int) -> dict[str, Any]:
    return build_options(settings.CACHE_ROOT, proxy_url, "best") | {
        "noplaylist": False,
        "playlist_items": f"{first}:{last}",
        "ignore_no_formats_error": True,
        "writethumbnail": False,
        "writeinfojson": False,
        "extractor_args": {"youtubetab": {"approximate_date": ["yes"]}},
    }


def _build_listing(client: Any, info: dict[str, Any], first: int, last: int, tab: str) -> Listing:
    flat_entries = entries.flatten_entries(info.get("entries") or (), info.get("webpage_url"))
    # The entries of one list within may be more than the range.
    raw_entries = list(itertools.islice(flat_entries, last - first + 1))
    videos = [(place, entry) for place, entry in enumerate(raw_entries, first) if not _is_list(client, entry)]
    if raw_entries and not videos:
        raise DownloadError(LIST_OF_LISTS_MESSAGE, True)
    requests = _build_requests(client, [entry for _, entry in videos], info)
    is_channel = _is_channel(info)
    extractor = str(info.get("extractor_key") or "")
    is_vague = extractor in GENERIC_EXTRACTORS  # its id is the last part of the address
    total = info.get("playlist_count")
    return Listing(
        [_build_entry(entry, info, place, tab, requests.get(id(entry))) for place, entry in videos],
        title=_read_text(info, *(("channel", "uploader") if is_channel else ()), "title"),
        extractor=extractor,
        source_id="" if is_vague else _read_text(info, *(("channel_id",) if is_channel else ()), "id"),
        is_channel=is_channel,
        total=total if isinstance(total, int) else None,
    )


def _build_requests(client: Any, raw_entries: list[dict[str, Any]], info: dict[str, Any]) -> dict[int, PlaylistEntry]:
    """Return the entries whose URL alone does not fetch them, by the identity of the raw entry."""
    # Those of a large list are plain, as a rule; to find out more of each takes milliseconds.
    odd = [entry for entry in raw_entries if not entries.is_plain_pointer(entry, info.get("webpage_url"))]
    built = entries.build_entries(client, odd, info)
    return {id(raw): entry for raw, entry in zip(odd, built, strict=True) if entry.has_request}


def _is_list(client: Any, entry: dict[str, Any]) -> bool:
    """Tell whether an entry is a list itself, such as one of the playlists of a channel."""
    if entry.get("_type") in entries.PLAYLIST_TYPES:
        return entry["_type"] == "playlist"
    key = str(entry.get("ie_key") or "")
    if entry.get("_type") not in entries.POINTER_TYPES or key not in client._ies:
        return False
    return key in YOUTUBE_LIST_EXTRACTORS or client._ies[key].is_single_video(str(entry.get("url"))) is False


def _is_channel(info: dict[str, Any]) -> bool:
    extractor = str(info.get("extractor_key") or "")
    if extractor in YOUTUBE_LIST_EXTRACTORS:
        list_id = str(info.get("id") or "")
        return list_id == info.get("channel_id") or list_id.startswith(("UC", "@"))
    return CHANNEL_EXTRACTOR_PATTERN.search(extractor) is not None


def _build_entry(
    entry: dict[str, Any], info: dict[str, Any], place: int, tab: str, request: PlaylistEntry | None
) -> ListingEntry:
    return ListingEntry(
        url=entries.public_url(entry, info.get("webpage_url")),
        extractor=clean_text(str(entry.get("ie_key") or entry.get("extractor_key") or "")),
        source_id=_read_text(entry, "id"),
        title=_read_text(entry, "title"),
        duration=_read_duration(entry.get("duration")),
        published=_read_published(entry),
        # YouTube's lists say "2 weeks ago", of which yt-dlp makes a moment.
        is_date_rough=info.get("extractor_key") in YOUTUBE_LIST_EXTRACTORS,
        availability=str(entry.get("availability") or ""),
        live_status=str(entry.get("live_status") or ("is_live" if entry.get("is_live") else "")),
        release_at=availability.read_start(entry),
        position=place,
        tab=tab,
        request=request,
    )


def _read_text(info: dict[str, Any], *names: str) -> str:
    return clean_text(next((str(info[name]) for name in names if info.get(name)), ""))


def _read_duration(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) and value > 0 else None  # type: ignore[arg-type,operator]


def _read_published(entry: dict[str, Any]) -> dt.datetime | None:
    """Return the moment of publication; of a day, its beginning (UTC). None for none, and for what is no date."""
    timestamp = entry.get("timestamp")
    try:
        if isinstance(timestamp, int | float) and not isinstance(timestamp, bool):
            return dt.datetime.fromtimestamp(timestamp, dt.UTC)
        return dt.datetime.strptime(str(entry.get("upload_date")), "%Y%m%d").replace(tzinfo=dt.UTC)
    except (ValueError, OverflowError, OSError):
        return None
