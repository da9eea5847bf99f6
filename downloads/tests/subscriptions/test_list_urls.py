"""Addresses of lists: one form for each list, and links that are no list."""

import pytest

from downloads.intake.urls import InvalidUrl
from downloads.network.sites import site_of
from downloads.subscriptions.list_urls import list_spellings, parse_list_url
from downloads.tests.support.cases import each_case

CHANNEL = "https://www.youtube.com/@ada"
UC = "https://www.youtube.com/channel/UC1234567890"


@each_case(
    ("line", "url", "tab"),
    [
        ("https://www.youtube.com/@ada", CHANNEL, ""),
        ("https://m.youtube.com/@ada/", CHANNEL, ""),
        ("http://youtube.com/@ada/videos?view=0", CHANNEL, "videos"),
        ("https://www.youtube.com/@ada/shorts", CHANNEL, "shorts"),
        ("https://www.youtube.com/@ada/featured", CHANNEL, ""),
        ("https://www.youtube.com/channel/UC1234567890/streams", UC, "streams"),
        ("https://www.youtube.com/feeds/videos.xml?channel_id=UC1234567890", UC, ""),
        ("https://www.youtube.com/feeds/videos.xml?playlist_id=PL12", "https://www.youtube.com/playlist?list=PL12", ""),
        ("https://youtu.be/abc?list=PL12", "https://www.youtube.com/playlist?list=PL12", ""),
        ("https://www.youtube.com/watch?v=1&list=PL12&index=3", "https://www.youtube.com/playlist?list=PL12", ""),
        ("https://www.youtube.com/@Ada?si=x", CHANNEL, ""),
        ("https://www.youtube.com/c/Ada", "https://www.youtube.com/c/ada", ""),
        ("https://m.youtube.com/channel/UC1234567890/videos?view=57&flow=grid", UC, "videos"),
        ("https://music.youtube.com/channel/UC1234567890", UC, ""),
        ("https://www.youtube.com//@ada/videos/", CHANNEL, "videos"),
        ("https://youtube.com/playlist?si=abc&list=PL12", "https://www.youtube.com/playlist?list=PL12", ""),
        ("https://www.youtube.com/embed/videoseries?list=PL12", "https://www.youtube.com/playlist?list=PL12", ""),
        ("https://www.youtube.com/@été", "https://www.youtube.com/@%C3%A9t%C3%A9", ""),
        ("https://video.example.org/c/ada?page=2", "https://video.example.org/c/ada?page=2", ""),
    ],
)
def test_a_list_has_one_address(line, url, tab):
    parsed, named_tab = parse_list_url(line)
    assert (parsed.canonical_url, named_tab) == (url, tab)


def test_all_spellings_of_a_list_have_the_same_spellings():
    spellings = list_spellings("https://example.org/feed?a=1")
    assert len(set(spellings)) == 8
    assert "http://www.example.org/feed/?a=1" in spellings
    assert all(list_spellings(url) == spellings for url in spellings)
    assert "https://example.org/" in list_spellings("http://www.example.org")


@each_case(
    ("line", "words"),
    [
        ("ada", "isn’t a link"),
        ("https://www.youtube.com/watch?v=abc", "the link of one video"),
        ("https://youtu.be/abc", "the link of one video"),
        ("https://www.youtube.com/shorts/abc", "the link of one video"),
        ("https://www.youtube.com/live/abc", "the link of one video"),
        ("https://www.youtube.com/embed/abc", "the link of one video"),
        ("https://www.youtube.com/clip/abc", "the link of one video"),
        ("https://www.youtube.com/feed/subscriptions", "another one for everybody"),
        ("https://www.youtube.com/", "start page"),
        ("https://www.youtube.com/playlist?list=", "no valid name"),
        ("https://www.youtube.com/playlist?list=WL", "only you can see it"),
        ("https://www.youtube.com/watch?v=a&list=RDabc", "a mix"),
        ("https://www.youtube.com/playlist?list=<b>", "no valid name"),
        ("ftp://example.org/a", "Only http and https"),
    ],
)
def test_what_is_no_list_is_refused(line, words):
    with pytest.raises(InvalidUrl, match=words):
        parse_list_url(line)


@each_case(
    ("host", "site"),
    [
        ("www.youtube.com", "youtube.com"),
        ("youtu.be", "youtube.com"),
        ("M.YouTube.com.", "youtube.com"),
        ("www.youtube-nocookie.com", "youtube.com"),
        ("music.youtube.com", "youtube.com"),
        ("m.example", "m.example"),
        ("www.example.org", "example.org"),
        ("video.example.org", "video.example.org"),
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("", ""),
    ],
)
def test_names_of_a_site_are_one(host, site):
    assert site_of(host) == site
    assert site_of(site) == site
