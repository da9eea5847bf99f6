"""Addresses of lists in one form, so that a list is followed once: all tabs and names of a channel are one list."""

import re
from urllib.parse import parse_qs, quote, urlsplit

from downloads.intake.urls import InvalidUrl, ParsedUrl, parse_url
from downloads.models import ChannelTab
from downloads.network.sites import site_of

YOUTUBE = "youtube.com"
CHANNEL_PATH = re.compile(r"/((?:channel|c|user)/[^/]+|@[^/]+)(?:/([^/]*))?/?")
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


def _parse_youtube(url: ParsedUrl) -> tuple[ParsedUrl, str]:
    split = urlsplit(url.canonical_url)
    query = parse_qs(split.query)
    if list_id := query.get("list", query.get("playlist_id", [""]))[0]:
        return _playlist(url, list_id), ""
    if split.path.startswith("/feeds/videos.xml") and (channel_id := query.get("channel_id", [""])[0]):
        return _rewrite(url, f"/channel/{quote(channel_id, safe='')}"), ""
    if split.path == "/watch" or site_is_short(url.host) or split.path.startswith("/shorts/"):
        raise InvalidUrl("This is the link of one video. To follow its channel, use the channel’s own link.")
    if match := CHANNEL_PATH.fullmatch(split.path):
        tab = match[2] or ""
        return _rewrite(url, f"/{match[1]}"), tab if tab in ChannelTab.values else ""
    return url, ""


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
