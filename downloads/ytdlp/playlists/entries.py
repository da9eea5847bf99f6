"""Entries of playlists: passed on as their extractors gave them, kept as JSON, and fetched again from it.

An entry is a pointer to another URL (`_type` "url" or "url_transparent"), perhaps with data for the next extractor in
it, or a whole video, whose formats have no page of their own.
"""

import hashlib
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit

from downloads.network.sites import GENERIC_EXTRACTORS
from downloads.ytdlp.errors import availability
from downloads.ytdlp.playlists import cookie_storage
from downloads.ytdlp.playlists.json_values import NotStorable, clean_text, clean_value
from downloads.ytdlp.results import PlaylistEntry
from downloads.ytdlp.selected_ytdlp import sanitize_url, unsmuggle_url

MAX_INFO_BYTES = 64 * 1024  # of a stored entry; a larger one is read from its playlist again
MAX_URLS = 500  # of one entry, whose hosts' cookies are kept
MAX_NESTING = 3
POINTER_TYPES = ("url", "url_transparent")
PLAYLIST_TYPES = ("playlist", "multi_video")
# Fields that a download does not use.
UNUSED_FIELDS = ("automatic_captions", "comments", "heatmap", "requested_formats", "requested_subtitles")
URL_FIELDS = ("url", "manifest_url", "fragment_base_url")
# Metadata that a playlist knows and the page of an entry may lack.
METADATA_FIELDS = (
    "title",
    "description",
    "uploader",
    "timestamp",
    "upload_date",
    "duration",
    "thumbnail",
    "thumbnails",
)
RESTRICTIONS = {
    **{"subscriber_only": "members", "premium_only": "subscribers"},
    **{"private": "private", "needs_auth": "private"},
}
# An id at a site, or an address such as kaltura:308:1_abc that only yt-dlp reads; no other scheme, no option.
INTERNAL_URL_PATTERN = re.compile(r"[A-Za-z0-9_](?!.*://)\S{0,500}")


def flatten_entries(entries: Iterable[Any], page_url: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the entries that are not empty, and those of playlists within that have no page of their own."""
    for entry in entries:
        if not entry:
            continue
        if entry.get("_type") not in PLAYLIST_TYPES or _own_page(entry, page_url):
            yield entry
        elif depth < MAX_NESTING:
            for inner_entry in flatten_entries(_iterate_pages(entry.get("entries")), page_url, depth + 1):
                for name in ("extractor", "extractor_key"):
                    inner_entry.setdefault(name, entry.get(name))
                yield inner_entry


def _iterate_pages(entries: Any) -> Iterable[Any]:
    """Return an iterable of raw entries: a list, a generator, or a paged list of yt-dlp."""
    return iter(entries.getslice(0, None)) if hasattr(entries, "getslice") else entries or ()


def build_entries(ydl: Any, raw_entries: list[dict[str, Any]], playlist_info: dict[str, Any]) -> list[PlaylistEntry]:
    """Return the entries of a playlist; those that can be fetched in no way are left out."""
    page_url = playlist_info.get("webpage_url")
    addresses = [public_url(entry, page_url) for entry in raw_entries]
    address_counts = Counter(addresses)
    path_counts = Counter(map(_without_query, addresses))
    return [
        PlaylistEntry(
            address,
            extractor=clean_text(str(entry.get("ie_key") or entry.get("extractor_key") or "")),
            source_id=clean_text(str(entry.get("id") or "")),
            title=clean_text(str(entry.get("title") or "")),
            key=_entry_key(entry, address, page_url, is_path_unique=path_counts[_without_query(address)] == 1),
            is_url_unique=address_counts[address] == 1,
            index=index,
            stage=availability.read_stage(entry),
            starts_at=availability.read_start(entry),
            restriction=RESTRICTIONS.get(str(entry.get("availability")), ""),
            **(_build_request(ydl, entry) if _needs_request(ydl, entry, page_url) else {}),
        )
        for index, (entry, address) in enumerate(zip(raw_entries, addresses, strict=True))
    ]


def is_plain_pointer(entry: dict[str, Any], page_url: Any) -> bool:
    """Tell whether an entry is the address of a page and no more, so that it needs no request of its own."""
    url = str(entry.get("url") or "")
    is_page = _parse_scheme(url) in ("http", "https") and url == _without_smuggled(url, page_url)
    return entry.get("_type") == "url" and is_page and not entry.get("http_headers")


def find_same_entry(entries: list[PlaylistEntry], wanted: PlaylistEntry) -> PlaylistEntry | None:
    """Find an entry in a newer version of its playlist: by its key, id or URL if one has it, else by its place."""
    for name in ("key", "source_id", "url"):
        value = getattr(wanted, name)
        matching = [entry for entry in entries if value and getattr(entry, name) == value]
        if len(matching) == 1:
            return matching[0]
    at_same_place = entries[wanted.index] if 0 <= wanted.index < len(entries) else None
    return at_same_place if at_same_place and at_same_place.title == wanted.title else None


def resolve_entry(ydl: Any, entry: PlaylistEntry) -> Any:
    """Return yt-dlp's result for an entry, with the metadata of the playlist where the page has none."""
    cookie_storage.import_cookies(ydl.cookiejar, entry.cookies)
    known = json.loads(json.dumps(entry.info)) if entry.raw_info is None else dict(entry.raw_info)
    info = ydl.process_ie_result(dict(known), download=False)
    if info and info.get("_type", "video") == "video":
        for name in METADATA_FIELDS:
            if known.get(name) is not None and info.get(name) in (None, "", []):
                info[name] = known[name]
    return info


# The address for people ------------------------------------------------------------------------


def public_url(entry: dict[str, Any], page_url: Any) -> str:
    """Return the address of an entry for people: its URL, its page, or its file; "" if it has none."""
    formats = entry.get("formats") or [{}]
    own_page = _own_page(entry, page_url)
    is_pointer = entry.get("_type") in POINTER_TYPES
    candidates = [entry.get("url"), own_page] if is_pointer else [own_page, entry.get("url"), formats[-1].get("url")]
    addresses = (_without_smuggled(candidate, page_url) for candidate in candidates if candidate)
    return next((address for address in addresses if _parse_scheme(address) in ("http", "https")), "")


def _parse_scheme(url: str) -> str:
    """Return the scheme of a URL, "" if it has none or cannot be read."""
    try:
        return urlsplit(url).scheme
    except ValueError:
        return ""


def _without_smuggled(url: Any, page_url: Any) -> str:
    try:
        plain_url = str(unsmuggle_url(str(url))[0])
    except (ValueError, KeyError, IndexError):
        return ""  # a site has written such data itself
    if plain_url.startswith("/") and not plain_url.startswith("//"):
        plain_url = urljoin(str(page_url or ""), plain_url)
    return clean_text(str(sanitize_url(plain_url, scheme="https")))


def _own_page(entry: dict[str, Any], page_url: Any) -> str:
    page = entry.get("webpage_url")
    return str(page) if page and page != page_url else ""


def _without_query(url: str) -> str:
    try:
        return urlunsplit(urlsplit(url)._replace(query="", fragment=""))
    except ValueError:
        return url


# The request -----------------------------------------------------------------------------------


def _entry_key(entry: dict[str, Any], address: str, page_url: Any, *, is_path_unique: bool) -> str:
    """Return the identity of an entry where its address is not enough, as a hash; "" where it is."""
    if entry.get("_type") not in POINTER_TYPES:
        if _own_page(entry, page_url):
            return ""
        # Signed addresses of files differ each time, and a generic extractor only numbers the videos of a page.
        is_numbered = entry.get("extractor_key") in GENERIC_EXTRACTORS or not entry.get("id")
        file_path = _without_query(address) if is_numbered and is_path_unique else ""
        return _hash("file", page_url, file_path or [entry.get("extractor_key"), entry.get("id")])
    try:
        url, smuggled = unsmuggle_url(str(entry.get("url")), {})
    except (ValueError, KeyError, IndexError):
        return ""
    # The generic extractor's mark of a URL that it was given on purpose distinguishes no video.
    smuggled = {name: value for name, value in smuggled.items() if name != "to_generic"}
    return "" if not smuggled and address else _hash("pointer", entry.get("ie_key"), [url, smuggled])


def _hash(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode("utf-8", "replace")).hexdigest()[:40]


def _needs_request(ydl: Any, entry: dict[str, Any], page_url: Any) -> bool:
    """Tell whether yt-dlp needs more than the address: data in the URL, an extractor, metadata, headers or formats."""
    if entry.get("_type") not in POINTER_TYPES:
        return not _own_page(entry, page_url) and entry.get("_type") not in PLAYLIST_TYPES
    url, site = str(entry.get("url") or ""), entry.get("ie_key")
    if not _is_fetchable_pointer(ydl, entry, url):
        return False
    is_plain = _parse_scheme(url) in ("http", "https") and url == _without_smuggled(url, page_url)
    if entry["_type"] == "url_transparent" or not is_plain or entry.get("http_headers"):
        return True
    # A site with an extractor of its own sets the cookies that it needs itself.
    expected_site = site or ("Generic" if cookie_storage.export_cookies(ydl.cookiejar, [url]) else "")
    chosen_site = next((key for key, ie in ydl._ies.items() if ie.suitable(url)), "") if expected_site else ""
    return chosen_site != site if site else chosen_site != "" and chosen_site == expected_site


def _is_fetchable_pointer(ydl: Any, entry: dict[str, Any], url: str) -> bool:
    """Tell whether an extractor takes this URL; a text of a site must not start a search or open a file."""
    plain_url = _without_smuggled(url, "")
    if not plain_url:
        return False
    if _parse_scheme(plain_url) in ("http", "https"):
        return True
    if not INTERNAL_URL_PATTERN.fullmatch(plain_url):
        return False
    site = entry.get("ie_key")
    extractors = [ydl._ies[site]] if site in ydl._ies else ydl._ies.values()
    extractor = next((ie for ie in extractors if ie.ie_key() != "Generic" and ie.suitable(plain_url)), None)
    return extractor is not None and "Search" not in extractor.ie_key()


def _build_request(ydl: Any, entry: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of PlaylistEntry for yt-dlp: the entry for this process, the same as JSON, and cookies."""
    used = {name: value for name, value in entry.items() if name not in UNUSED_FIELDS}
    cookies = cookie_storage.export_cookies(ydl.cookiejar, itertools.islice(_iterate_urls(used), MAX_URLS))
    try:
        info = clean_value(used)
    except NotStorable:
        return {"info": None, "cookies": cookies, "raw_info": used}
    is_small = len(json.dumps(info)) <= MAX_INFO_BYTES
    return {"info": info if is_small else None, "cookies": cookies, "raw_info": info}


def _iterate_urls(entry: dict[str, Any]) -> Iterator[str]:
    """Yield the URLs that a download of this entry requests."""
    for part in (entry, *(entry.get("formats") or ())):
        yield from (str(part[name]) for name in URL_FIELDS if part.get(name))
