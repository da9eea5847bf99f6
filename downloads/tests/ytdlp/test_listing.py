"""Flat listings: real yt-dlp on a real server, and listings in the shapes of YouTube's extractor."""

import datetime as dt
from types import SimpleNamespace

import pytest
from yt_dlp.extractor.common import InfoExtractor
from yt_dlp.extractor.youtube import YoutubeIE, YoutubeTabIE

from downloads.network.proxy import EgressProxy
from downloads.tests.support.cases import each_case
from downloads.tests.support.listing_site import (
    CHANNEL_ID,
    CHANNEL_URL,
    PLAYLIST_URL,
    listing_site,
    members_only,
    premiere,
    youtube_entry,
)
from downloads.tests.support.media_server import Answer
from downloads.tests.support.playlist_site import add_extractor
from downloads.ytdlp.errors.retry_after import MAX_SECONDS, read_retry_after
from downloads.ytdlp.playlists import listing
from downloads.ytdlp.results import DownloadError, SiteError

__all__ = ["listing_site"]

pytestmark = pytest.mark.usefixtures("ytdlp_environment")
NOW = dt.datetime(2026, 11, 29, 12, 0, tzinfo=dt.UTC)
RSS_ITEM = "<item><title>{0}</title><link>{1}</link><pubDate>Fri, 02 Jan 2026 10:00:00 GMT</pubDate></item>"


@pytest.fixture
def list_entries():
    with EgressProxy() as proxy:
        yield lambda url, first=1, last=50, **options: listing.list_entries(
            url, proxy_url=proxy.url, first=first, last=last, **options
        )


@pytest.mark.parametrize(
    ("path", "answer", "sentence"),
    [
        ("/page/one", None, "single video"),
        ("/clip.mp4", None, "single video"),
        ("/missing", None, "Not found (404)"),
        ("/empty.html", Answer(b"<!doctype html><title>x</title>", "text/html"), "No video found"),
        ("/odd.rss", Answer(b"<rss><channel><item>", "application/rss+xml"), ""),
        ("/endless.html", None, ""),
    ],
)
def test_it_refuses_what_is_no_list(list_entries, media_server, path, answer, sentence):
    if answer:
        media_server.answers[path] = answer
    with pytest.raises(DownloadError, match=r"^.+") as error:
        list_entries(media_server.url(path))
    assert sentence in str(error.value)


def test_it_lists_a_feed(list_entries, media_server):
    items = "".join(RSS_ITEM.format(f"Film {n}", media_server.url(f"/named/{n}.mp4")) for n in range(3))
    feed = f'<?xml version="1.0"?><rss version="2.0"><channel><title>Films</title>{items}</channel></rss>'
    media_server.answers["/films.rss"] = Answer(feed.encode(), "application/rss+xml")
    listed = list_entries(media_server.url("/films.rss"))
    assert (listed.title, listed.is_channel, listed.total, listed.source_id) == ("Films", False, 3, "")
    first = listed.entries[0]
    assert (first.title, first.url, first.position) == ("Film 0", media_server.url("/named/0.mp4"), 1)
    assert first.published == dt.datetime(2026, 1, 2, 10, tzinfo=dt.UTC)
    assert not first.is_date_rough
    assert media_server.count_requests("/named/") == 0  # flat: no video was looked up


def test_it_lists_a_page_of_videos(list_entries, media_server):
    listed = list_entries(media_server.url("/several"))
    assert [entry.url for entry in listed.entries] == [media_server.url(f"/named/{n}.mp4") for n in ("one", "two")]


@pytest.mark.parametrize(("first", "last", "places"), [(1, 2, [1, 2]), (3, 5, [3, 4, 5]), (6, 9, [6]), (7, 9, [])])
def test_it_lists_a_range_and_reads_no_further(list_entries, listing_site, first, last, places):
    listing_site.tabs["videos"] = [youtube_entry(f"v{n}") for n in range(1, 7)]
    listed = list_entries(CHANNEL_URL, first, last, tab="videos")
    assert [(entry.position, entry.source_id) for entry in listed.entries] == [(n, f"v{n}") for n in places]
    assert max(place for _, place in listing_site.requested) <= last


def test_it_tells_what_a_channel_says_of_its_videos(list_entries, listing_site):
    listing_site.tabs["videos"] = [
        members_only("m"),
        premiere("p", NOW),
        youtube_entry("d", timestamp=NOW.timestamp(), duration=61.5),
        youtube_entry("l", live_status="is_live", duration=None),
    ]
    listed = list_entries(CHANNEL_URL, tab="videos")
    assert (listed.title, listed.source_id, listed.is_channel) == ("Films", CHANNEL_ID, True)
    members, announced, dated, live = listed.entries
    assert (members.availability, members.extractor, members.tab) == ("subscriber_only", "Youtube", "videos")
    assert (announced.live_status, announced.release_at, announced.duration) == ("is_upcoming", NOW, None)
    assert (dated.published, dated.is_date_rough, dated.duration) == (NOW, True, 61.5)
    assert live.live_status == "is_live"


def test_each_tab_is_a_list_and_one_that_is_not_there_is_empty(list_entries, listing_site):
    listing_site.tabs = {"shorts": [youtube_entry("s", is_short=True)]}
    assert [entry.url for entry in list_entries(CHANNEL_URL, tab="shorts").entries] == [
        "https://www.youtube.com/shorts/s"
    ]
    missing = list_entries(CHANNEL_URL, tab="streams")
    assert (missing.entries, missing.is_channel) == ([], True)


def test_a_playlist_is_no_channel(list_entries, listing_site):
    listing_site.playlist = [youtube_entry("a"), youtube_entry("b")]
    listed = list_entries(PLAYLIST_URL)
    assert (listed.title, listed.source_id, listed.is_channel) == ("Best films", "PLfilms", False)


@pytest.mark.parametrize(
    ("url", "tab", "tab_url"),
    [
        ("https://www.youtube.com/@films", "shorts", "https://www.youtube.com/@films/shorts"),
        ("https://m.youtube.com/channel/UCx/videos?x=1", "streams", "https://m.youtube.com/channel/UCx/streams"),
        ("https://www.youtube.com/@films/", "", "https://www.youtube.com/@films/"),
        ("https://www.youtube.com/playlist?list=PL1", "videos", "https://www.youtube.com/playlist?list=PL1"),
        ("https://example.org/@films", "videos", "https://example.org/@films"),
    ],
)
def test_a_tab_has_its_own_url(url, tab, tab_url):
    assert listing.build_tab_url(url, tab) == tab_url


def test_a_list_of_lists_is_refused_and_a_list_among_videos_left_out(list_entries, listing_site):
    shelf = InfoExtractor.url_result("https://www.youtube.com/playlist?list=PL1", "YoutubeTab")
    listing_site.tabs["videos"] = [shelf, youtube_entry("a")]
    assert [(entry.source_id, entry.position) for entry in list_entries(CHANNEL_URL).entries] == [("a", 2)]
    listing_site.tabs["videos"] = [shelf, dict(shelf)]
    with pytest.raises(DownloadError, match="list of lists"):
        list_entries(CHANNEL_URL)


def test_an_endless_list_is_read_to_the_end_of_the_range(list_entries, listing_site):
    listing_site.tabs["videos"] = InfiniteEntries()
    assert len(list_entries(CHANNEL_URL, 1, 200).entries) == 200


class InfiniteEntries:
    def __iter__(self):
        return (youtube_entry(f"v{n}") for n in iter(int, 1))


def test_a_list_that_goes_on_without_videos_ends(list_entries, media_server, monkeypatch):
    monkeypatch.setattr(listing, "MAX_REQUESTS", 5)

    def extract(extractor, url):
        def pages():
            while True:
                extractor._download_webpage(media_server.url("/missing.html"), None, expected_status=404)
                yield from ()

        return extractor.playlist_result(pages(), "endless")

    add_extractor(monkeypatch, r"https://endless\.example/", extract)
    with pytest.raises(DownloadError, match="doesn’t end"):
        list_entries("https://endless.example/")
    assert media_server.count_requests("/missing.html") == 5


def test_it_announces_each_request(list_entries, media_server):
    announced = []
    list_entries(media_server.url("/feed"), before_request=announced.append)
    assert announced == [media_server.url("/feed")]

    class LeaseLost(Exception):
        pass

    def refuse(url):
        raise LeaseLost

    with pytest.raises(LeaseLost):
        list_entries(media_server.url("/feed"), before_request=refuse)
    assert media_server.count_requests("/feed") == 1


@pytest.mark.parametrize(
    ("status", "headers", "asks_for_pause", "retry_after"),
    [
        (429, {}, True, None),
        (429, {"Retry-After": "120"}, True, 120),
        (503, {"Retry-After": "5"}, True, 5),
        (503, {}, False, None),
        (403, {}, False, None),
        (404, {"Retry-After": "9"}, False, 9),
    ],
)
def test_it_tells_whether_the_site_asks_for_a_pause(
    list_entries, media_server, status, headers, asks_for_pause, retry_after
):
    media_server.answers["/list"] = Answer(b"", "text/html", status, headers)
    with pytest.raises(SiteError) as error:
        list_entries(media_server.url("/list"))
    listed = error.value
    seconds = listed.retry_after and listed.retry_after.total_seconds()
    assert (listed.status, listed.asks_for_pause, seconds) == (status, asks_for_pause, retry_after)


def test_a_refusal_of_our_own_proxy_is_none_of_the_site(list_entries, settings):
    settings.ALLOW_PRIVATE_HOSTS = False
    with pytest.raises(SiteError, match="this machine itself") as error:
        list_entries("http://127.0.0.1:1/feed")
    assert (error.value.status, error.value.asks_for_pause) == (None, False)


def test_a_site_that_takes_us_for_a_bot_asks_for_a_pause(list_entries, listing_site):
    from yt_dlp.utils import ExtractorError

    listing_site.error = ExtractorError("Sign in to confirm you’re not a bot.", expected=True)
    with pytest.raises(SiteError) as error:
        list_entries(CHANNEL_URL, tab="videos")
    assert error.value.asks_for_pause


@each_case(
    ("value", "seconds"),
    [
        ("0", 0),
        (" 7 ", 7),
        ("Sun, 29 Nov 2026 12:01:00 GMT", 60),
        ("Sun, 29 Nov 2020 12:01:00 GMT", 0),
        ("9" * 400, MAX_SECONDS),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("١٢", None),
        ("Sun, 99 Nov 2026 12:01:00 GMT", None),
    ],
)
def test_it_reads_both_forms_of_retry_after(value, seconds):
    error = SimpleNamespace(response=SimpleNamespace(headers={"Retry-After": value}))
    wait = read_retry_after(error, NOW)
    assert wait == (None if seconds is None else dt.timedelta(seconds=seconds))
    assert read_retry_after(None) is None


def test_the_recorded_shapes_are_those_of_the_real_extractor():
    """What YouTube sends for a video, as its extractor reads it; the fields are those that `youtube_entry` has."""
    from downloads.ytdlp.resuming_client import ResumingYoutubeDL

    renderer = {
        "videoId": "aaaaaaaaaaa",
        "title": {"runs": [{"text": "Film"}]},
        "lengthText": {"simpleText": "1:00"},
        "publishedTimeText": {"simpleText": "2 weeks ago"},
        "upcomingEventData": {"startTime": "1796000000"},
        "badges": [{"metadataBadgeRenderer": {"style": "BADGE_STYLE_TYPE_MEMBERS_ONLY", "label": "Members only"}}],
    }
    ydl = ResumingYoutubeDL(listing._build_options("", 1, 1))
    entry = YoutubeTabIE(ydl)._extract_video(renderer)
    assert entry["ie_key"] == YoutubeIE.ie_key()
    assert (entry["availability"], entry["live_status"]) == ("subscriber_only", "is_upcoming")
    assert entry["release_timestamp"] == 1796000000
    weeks_ago = dt.datetime.now(dt.UTC) - dt.datetime.fromtimestamp(entry["timestamp"], dt.UTC)
    assert dt.timedelta(days=13) < weeks_ago < dt.timedelta(days=16)
    assert set(youtube_entry("a")) <= set(entry)
