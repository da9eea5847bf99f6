"""A channel and a playlist in the shapes of yt-dlp's real extractors, whose sites no test can reach.

`listing_site.tabs["videos"] = [youtube_entry("a"), …]`; entries are as `YoutubeTabIE` yields them (2026.10.26).
"""

import datetime as dt
from typing import Any

import pytest
from yt_dlp.utils import ExtractorError

from downloads.tests.support.playlist_site import add_extractor

CHANNEL_ID = "UCaaaaaaaaaaaaaaaaaaaaaa"
CHANNEL_URL = "https://www.youtube.com/@films"
PLAYLIST_URL = "https://www.youtube.com/playlist?list=PLfilms"
TAB_PATTERN = r"https://www\.youtube\.com/(?P<id>@films|playlist\?list=PLfilms)(?:/(?P<tab>\w+))?"


def youtube_entry(video_id: str, title: str = "", *, is_short: bool = False, **fields: Any) -> dict[str, Any]:
    """Return an entry of a flat listing of YouTube."""
    path = f"shorts/{video_id}" if is_short else f"watch?v={video_id}"
    return {
        "_type": "url",
        "ie_key": "Youtube",
        "id": video_id,
        "url": f"https://www.youtube.com/{path}",
        "title": title or f"Film {video_id}",
        "duration": None if is_short else 60,
        "channel_id": CHANNEL_ID,
        "channel": "Films",
        "channel_url": f"https://www.youtube.com/channel/{CHANNEL_ID}",
        "uploader": "Films",
        "uploader_id": "@films",
        "timestamp": None,
        "release_timestamp": None,
        "availability": None,
        "live_status": None,
        "channel_is_verified": None,
        **fields,
    }


def members_only(video_id: str, **fields: Any) -> dict[str, Any]:
    return youtube_entry(video_id, availability="subscriber_only", **fields)


def premiere(video_id: str, starts_at: dt.datetime, **fields: Any) -> dict[str, Any]:
    moment = int(starts_at.timestamp())
    return youtube_entry(video_id, live_status="is_upcoming", release_timestamp=moment, duration=None, **fields)


class ListingSite:
    """What the channel and the playlist hold now; a test changes it. `requested` has the places that were read."""

    def __init__(self) -> None:
        self.tabs: dict[str, list[dict[str, Any]]] = {"videos": []}
        self.playlist: list[dict[str, Any]] = []
        self.playlist_count: int | None = None  # as the site tells it
        self.error: Exception | None = None
        self.requested: list[tuple[str, int]] = []

    def _iterate(self, name: str, entries: list[dict[str, Any]]) -> Any:
        for place, entry in enumerate(entries, 1):
            self.requested.append((name, place))
            yield dict(entry)

    def extract(self, extractor: Any, url: str) -> dict[str, Any]:
        match = extractor._match_valid_url(url)
        if self.error:
            raise self.error
        if match["id"].startswith("playlist"):
            entries = self._iterate("playlist", self.playlist)
            details = {"channel_id": CHANNEL_ID, "channel": "Films", "playlist_count": self.playlist_count}
            return extractor.playlist_result(entries, "PLfilms", "Best films", **details)
        tab = match["tab"] or "videos"
        if tab not in self.tabs:
            raise ExtractorError(f"This channel does not have a {tab} tab", expected=True)
        details = {"channel": "Films", "channel_id": CHANNEL_ID, "uploader_id": "@films"}
        entries = self._iterate(tab, self.tabs[tab])
        return extractor.playlist_result(entries, CHANNEL_ID, f"Films - {tab.title()}", **details)


@pytest.fixture
def listing_site(monkeypatch: pytest.MonkeyPatch) -> ListingSite:
    site = ListingSite()

    def extract(extractor: Any, url: str) -> dict[str, Any]:  # a function, which becomes a method of the extractor
        return site.extract(extractor, url)

    add_extractor(monkeypatch, TAB_PATTERN, extract, key="YoutubeTab")
    return site
