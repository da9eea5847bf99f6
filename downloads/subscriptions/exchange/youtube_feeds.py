"""Addresses of YouTube's feeds, which lists of subscriptions have in place of those of channels and playlists."""

import re
from urllib.parse import parse_qs, urlsplit

from downloads.network.sites import site_of

CHANNEL_ID_PATTERN = re.compile(r"UC[\w-]{22}", re.ASCII)
PLAYLIST_ID_PATTERN = re.compile(r"[\w-]{2,64}", re.ASCII)
FEED_URL = "https://www.youtube.com/feeds/videos.xml"


def channel_url(channel_id: str) -> str:
    """Return the address of a channel's page."""
    return f"https://www.youtube.com/channel/{channel_id}"


def page_of_feed(url: str) -> str:
    """Return the page of the channel or playlist that a feed of YouTube is of; other addresses as they are."""
    try:
        parts = urlsplit(url.strip())
        site = site_of(parts.hostname or "")
    except ValueError:
        return url
    if site != "youtube.com" or parts.path.rstrip("/") != "/feeds/videos.xml":
        return url
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    if CHANNEL_ID_PATTERN.fullmatch(query.get("channel_id", "")):
        return channel_url(query["channel_id"])
    if PLAYLIST_ID_PATTERN.fullmatch(query.get("playlist_id", "")):
        return f"https://www.youtube.com/playlist?list={query['playlist_id']}"
    if PLAYLIST_ID_PATTERN.fullmatch(query.get("user", "")):
        return f"https://www.youtube.com/user/{query['user']}"
    return url


def feed_of_page(url: str, source_id: str = "") -> str:
    """Return YouTube's feed of a channel or playlist, for programs that read feeds; other addresses as they are."""
    try:
        parts = urlsplit(url)
        site = site_of(parts.hostname or "")
    except ValueError:
        return url
    if site != "youtube.com":
        return url
    match = CHANNEL_ID_PATTERN.fullmatch(parts.path.removeprefix("/channel/").partition("/")[0])
    if channel := match[0] if match else (source_id if CHANNEL_ID_PATTERN.fullmatch(source_id) else ""):
        return f"{FEED_URL}?channel_id={channel}"
    playlist = parse_qs(parts.query).get("list", [""])[0]
    return f"{FEED_URL}?playlist_id={playlist}" if PLAYLIST_ID_PATTERN.fullmatch(playlist) else url
