"""Videos that a check has queued, through the look-up of their downloads: what nobody wants leaves the queue."""

import datetime as dt

import pytest
from django.utils import timezone
from yt_dlp.utils import ExtractorError

from downloads.models import Status, SubscriptionItem, Video
from downloads.network.proxy import EgressProxy
from downloads.tests.support.listing_site import CHANNEL_URL, listing_site, youtube_entry
from downloads.tests.support.media_server import Answer
from downloads.tests.support.playlist_site import add_extractor, playlist_site
from downloads.worker import attempt

__all__ = ["listing_site", "playlist_site"]

pytestmark = pytest.mark.django_db(transaction=True)


def download_next():
    video = Video.objects.claim("test")
    with EgressProxy() as proxy:
        attempt.run_attempt(video, proxy_url=proxy.url, on_progress=lambda state: None)


@pytest.mark.parametrize(("max_duration", "state"), [(1, "filtered"), (3600, "queued")])
def test_the_length_of_an_hls_stream_is_known_after_the_look_up(follow, run_check, media_server, max_duration, state):
    item = f"<item><title>Stream</title><link>{media_server.url('/hls/index.m3u8')}</link></item>"
    feed = f'<?xml version="1.0"?><rss version="2.0"><channel><title>F</title>{item}</channel></rss>'
    media_server.answers["/f.rss"] = Answer(feed.encode(), "application/rss+xml")
    subscription = follow(media_server.url("/f.rss"), max_duration=max_duration)
    assert run_check(subscription).queued == 1
    download_next()
    assert SubscriptionItem.objects.get().state == state
    assert [video.status for video in Video.objects.all()] == [Status.COMPLETE] * (state == "queued")
    assert run_check(subscription).queued == 0


def test_a_video_that_needs_its_page_is_fetched_with_it(follow, run_check, media_server, playlist_site):
    subscription = follow(media_server.url("/guarded/page"))
    assert run_check(subscription).queued == 2
    download_next()
    download_next()
    assert [video.status for video in Video.objects.all()] == [Status.COMPLETE] * 2
    assert playlist_site.refused == []
    assert run_check(subscription).queued == 0


def test_a_video_of_a_feed_has_the_title_that_the_feed_gives(follow, run_check, media_server, playlist_site):
    subscription = follow(media_server.url("/guids"))
    assert run_check(subscription).queued == 3
    download_next()
    assert Video.objects.get(status=Status.COMPLETE).title == "Film 0"
    assert run_check(subscription).queued == 0


@pytest.fixture
def look_up_only_entry(follow, run_check, listing_site, monkeypatch):
    """Follow a channel of one video, and fetch it by this extractor; return the subscription and the item."""

    def look_up(extract):
        add_extractor(monkeypatch, r"https://www\.youtube\.com/watch.*", extract)
        listing_site.tabs["videos"] = [youtube_entry("aaaaaaaaaaa")]
        subscription = follow(CHANNEL_URL)
        run_check(subscription)
        download_next()
        return subscription, SubscriptionItem.objects.get()

    return look_up


def test_members_only_that_only_the_look_up_tells_is_nobodys_failure(look_up_only_entry, run_check):
    def extract(extractor, url):
        raise ExtractorError("Join this channel to get access to members-only content like this video", expected=True)

    subscription, item = look_up_only_entry(extract)
    assert (item.state, Video.objects.count()) == ("members", 0)
    assert item.retry_at > timezone.now()
    assert run_check(subscription).queued == 0


def test_a_premiere_that_only_the_look_up_tells_waits_in_the_ledger(look_up_only_entry, run_check):
    start = timezone.now().replace(microsecond=0) + dt.timedelta(days=2)

    def extract(extractor, url):
        extractor.raise_no_formats("Premieres in 2 days", expected=True)
        fields = {"live_status": "is_upcoming", "release_timestamp": start.timestamp()}
        return {"id": "aaaaaaaaaaa", "title": "The premiere", "formats": [], **fields}

    subscription, item = look_up_only_entry(extract)
    assert (item.state, item.title, Video.objects.count()) == ("waiting", "The premiere", 0)
    assert item.retry_at == start + dt.timedelta(hours=1)
    assert run_check(subscription).queued == 0
