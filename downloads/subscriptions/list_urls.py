"""Addresses of lists in one form, so that a list is followed once: all tabs and names of a channel are one list."""

import itertools
import re
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

from downloads.intake.urls import InvalidUrl, ParsedUrl, parse_url
from downloads.models import ChannelTab
from downloads.network.sites import site_of

YOUTUBE = "youtube.com"
CHANNEL_PATH = re.compile(r"/((?:channel|c|user)/[^/]+|@[^/]+)(?:/([^/]*))?/?")
VIDEO_PATH = re.compile(r"/watch/?|/(?:shorts|live|embed|v|e|clip)(?:/.*)?")
FEED_PATH = "/feed/"  # what somebody sees who is signed in; not "/feeds/"
CASE_SENSITIVE_PREFIX = "channel/"  # the names of people and channels are not
PLAYLIST_ID = re.compile(r"[A-Za-z0-9_-]{2,64}")
# Lists that are other for each person, or have no end.
PERSONAL_LISTS = {
    "WL": "the list “Watch later”",
    "LL": "the list of videos that you like",
    "LM": "the list of your music",
}
MIX_PREFIX = "RD"


def parse_list_url(line: str) -> tuple[ParsedUrl, str]:
    """Return the URL of the list that a line leads to, and the tab that it names ("" for none); raise InvalidUrl."""
    url = parse_url(line.strip())
    return _parse_youtube(url) if site_of(url.host) == YOUTUBE else (url, "")


def list_spellings(canonical_url: str) -> list[str]:
    """Return the URLs that lead to one list: http or https, with "www." and a slash at the end, or without.

    They are the same, in the same order, for each of these.
    """
    split = urlsplit(canonical_url)
    hosts = {split.netloc.removeprefix("www."), f"www.{split.netloc.removeprefix('www.')}"}
    path = split.path.rstrip("/")
    places = itertools.product(("https", "http"), sorted(hosts), (path, f"{path}/"))
    return [urlunsplit((scheme, host, one_path, split.query, split.fragment)) for scheme, host, one_path in places]


def _parse_youtube(url: ParsedUrl) -> tuple[ParsedUrl, str]:
    split = urlsplit(url.canonical_url)
    path, query = re.sub("/+", "/", split.path), parse_qs(split.query, keep_blank_values=True)
    if lists := [*query.get("list", ()), *query.get("playlist_id", ())]:
        return _playlist(url, lists[0]), ""
    if path.startswith("/feeds/videos.xml") and (channel_id := query.get("channel_id", [""])[0]):
        return _rewrite(url, f"/channel/{quote(channel_id, safe='')}"), ""
    _refuse_pages(path, url.host)
    if match := CHANNEL_PATH.fullmatch(path):
        tab, name = match[2] or "", match[1]
        name = name if name.startswith(CASE_SENSITIVE_PREFIX) else name.lower()
        return _rewrite(url, f"/{name}"), tab if tab in ChannelTab.values else ""
    return url, ""


def _refuse_pages(path: str, host: str) -> None:
    """Raise InvalidUrl for the pages of YouTube that are no list of anybody."""
    if VIDEO_PATH.fullmatch(path) or site_is_short(host):
        raise InvalidUrl("This is the link of one video. To follow its channel, use the channel’s own link.")
    if path.startswith(FEED_PATH):
        raise InvalidUrl("This page is another one for everybody, signed in on the site. Follow channels or playlists.")
    if path in ("", "/"):
        raise InvalidUrl("This is the site’s start page. Use the link of a channel or playlist.")


def site_is_short(host: str) -> bool:
    """Tell whether a host has only links of single videos."""
    return host == "youtu.be"


def _playlist(url: ParsedUrl, list_id: str) -> ParsedUrl:
    if list_id in PERSONAL_LISTS:
        raise InvalidUrl(f"This is {PERSONAL_LISTS[list_id]}: only you can see it, signed in on the site.")
    if list_id.startswith(MIX_PREFIX):
        raise InvalidUrl("This is a mix, which the site makes anew for everybody and which has no end.")
    if not PLAYLIST_ID.fullmatch(list_id):
        raise InvalidUrl("The playlist in this link has no valid name.")
    return _rewrite(url, f"/playlist?list={list_id}")


def _rewrite(url: ParsedUrl, path: str) -> ParsedUrl:
    address = parse_url(f"https://www.youtube.com{path}")
    return ParsedUrl(address.canonical_url, address.canonical_url, address.host)
