"""Entries of playlists in the shapes that yt-dlp's extractors make: their addresses, identities and requests."""

import json

import pytest
from yt_dlp.extractor.brightcove import BrightcoveNewIE
from yt_dlp.extractor.common import InfoExtractor
from yt_dlp.extractor.vimeo import VimeoIE
from yt_dlp.extractor.youtube import YoutubeIE
from yt_dlp.utils import smuggle_url

from downloads.ytdlp import results
from downloads.ytdlp.playlists import entries
from downloads.ytdlp.resuming_client import ResumingYoutubeDL

PAGE = "https://site.example/list"
BRIGHTCOVE = "http://players.brightcove.net/1/default_default/index.html?videoId=ref:2"
VIMEO = "https://player.vimeo.com/video/76979871"
# (raw entry, address for people, whether it needs a request, whether it has a key)
SHAPES = {
    "a page": ({"_type": "url", "url": "https://a.example/1"}, "https://a.example/1", False, False),
    "YouTube": (
        InfoExtractor.url_result("https://www.youtube.com/watch?v=dQw4w9WgXcQ", YoutubeIE, "dQw4w9WgXcQ", "A song"),
        *("https://www.youtube.com/watch?v=dQw4w9WgXcQ", False, False),
    ),
    "an id at YouTube": (InfoExtractor.url_result("dQw4w9WgXcQ", YoutubeIE), "", True, True),
    "Brightcove": (
        InfoExtractor.url_result(smuggle_url(BRIGHTCOVE, {"referrer": PAGE, "geo_countries": ["GB"]}), BrightcoveNewIE),
        *(BRIGHTCOVE, True, True),
    ),
    "Vimeo": (InfoExtractor.url_result(VimeoIE._smuggle_referrer(VIMEO, PAGE), VimeoIE), VIMEO, True, True),
    "Kaltura": (
        InfoExtractor.url_result(smuggle_url("kaltura:308:0_abc", {"service_url": "https://k.example"}), "Kaltura"),
        *("", True, True),
    ),
    "Anvato": (InfoExtractor.url_result("anvato:key:123", "Anvato"), "", True, True),
    "the generic extractor": (
        InfoExtractor.url_result("https://a.example/x.mp4", "Generic"),
        *("https://a.example/x.mp4", True, False),
    ),
    "metadata of the list": (
        InfoExtractor.url_result("https://a.example/1", url_transparent=True, video_title="T"),
        *("https://a.example/1", True, False),
    ),
    "without a scheme": ({"_type": "url", "url": "//a.example/1"}, "https://a.example/1", True, False),
    "relative": ({"_type": "url", "url": "/film/1"}, "https://site.example/film/1", False, False),
    "a whole video": (
        {
            "id": "1",
            "extractor_key": "Site",
            "webpage_url": PAGE,
            "formats": [{"url": "https://cdn.example/1.m3u8?s=1"}],
        },
        *("https://cdn.example/1.m3u8?s=1", True, True),
    ),
    "a video with a page": (
        {"id": "1", "extractor_key": "Site", "webpage_url": "https://site.example/1", "url": "https://cdn.example/1"},
        *("https://site.example/1", False, False),
    ),
    "a search": ({"_type": "url", "url": "ytsearch5:cats", "ie_key": "YoutubeSearch"}, "", False, False),
    "a file": ({"_type": "url", "url": "file:///etc/passwd", "ie_key": "Generic"}, "", False, False),
    "an option": ({"_type": "url", "url": "--exec=true"}, "", False, False),
    "rtmp": ({"_type": "url", "url": "rtmp://a.example/x", "ie_key": "Rtmp"}, "", False, False),
}


@pytest.fixture(scope="module")
def ydl():
    return ResumingYoutubeDL({"quiet": True})


def build(ydl, *raw_entries):
    return entries.build_entries(ydl, [dict(entry) for entry in raw_entries], {"webpage_url": PAGE})


@pytest.mark.parametrize("shape", SHAPES)
def test_it_knows_the_shapes_of_extractors(ydl, shape):
    raw_entry, address, needs_request, has_key = SHAPES[shape]
    (entry,) = build(ydl, raw_entry)
    assert (entry.url, entry.has_request) == (address, needs_request)
    assert bool(entry.key) == has_key or not needs_request
    assert "smuggle" not in repr(entry)
    if needs_request:
        assert entry.info["url" if "url" in raw_entry else "formats"] == raw_entry.get("url", raw_entry.get("formats"))
        assert json.loads(json.dumps(entry.info)) == entry.info


def test_data_in_an_address_distinguish_videos(ydl):
    first, second, again = build(
        ydl, *(embed_vimeo(page) for page in ("https://a.example", "https://b.example", "https://a.example"))
    )
    assert first.url == second.url == VIMEO
    assert first.key == again.key != second.key
    assert not first.is_url_unique


def embed_vimeo(page):
    return InfoExtractor.url_result(VimeoIE._smuggle_referrer(VIMEO, page), VimeoIE)


def make_video(number, url, key="HTML5MediaEmbed"):
    return {"id": f"page-{number}", "extractor_key": key, "webpage_url": PAGE, "formats": [{"url": url}]}


def test_a_signed_address_is_the_same_video_with_another_signature(ydl):
    before = build(ydl, make_video(1, "https://c.example/a.mp4?s=1"), make_video(2, "https://c.example/b.mp4?s=1"))
    after = build(
        ydl,
        make_video(1, "https://c.example/new.mp4?s=2"),
        make_video(2, "https://c.example/a.mp4?s=2"),
        make_video(3, "https://c.example/b.mp4?s=2"),
    )
    assert [entry.key for entry in after[1:]] == [entry.key for entry in before]
    assert entries.find_same_entry(after, before[0]).url == "https://c.example/a.mp4?s=2"


def test_addresses_that_differ_in_their_query_are_two_videos(ydl):
    videos = build(ydl, make_video(1, "https://c.example/get?id=1"), make_video(2, "https://c.example/get?id=2"))
    assert videos[0].key != videos[1].key


def test_a_video_is_found_again_by_its_place_only_with_the_same_title():
    newer = [results.PlaylistEntry(f"https://a.example/{n}", title=f"T{n}") for n in range(2)]
    assert entries.find_same_entry(newer, results.PlaylistEntry("x", title="T1", index=1)) is newer[1]
    assert entries.find_same_entry(newer, results.PlaylistEntry("x", title="T1", index=0)) is None
    assert entries.find_same_entry(newer, results.PlaylistEntry("x", title="T1", index=9)) is None
