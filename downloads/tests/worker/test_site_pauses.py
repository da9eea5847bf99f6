"""Sites that ask for a pause: the download waits and has not failed, and so do the others of the site."""

import datetime as dt
import tempfile

import pytest
from django.utils import timezone
from yt_dlp.utils import ExtractorError

from downloads.models import HostPause, Status, TitleLookUp, Video, VideoEvent
from downloads.models.subscriptions.host_pause import FIRST_PAUSE, MAX_PAUSE
from downloads.network.proxy import EgressProxy
from downloads.tests.support.media_server import Answer
from downloads.tests.support.playlist_site import add_extractor
from downloads.worker.titles.look_up import run_look_up
from downloads.ytdlp import options

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("child_environment", "redis_server")]


@pytest.fixture(autouse=True)
def _fast_retries(monkeypatch):
    monkeypatch.setattr(options, "_retry_delay", lambda n: 0.0)


@pytest.fixture
def refuse(media_server):
    """Have the media server refuse a path with a status and headers; return its URL."""

    def register(path="/film.mp4", status=429, **headers):
        media_server.answers[path] = Answer(b"", "text/html", status, headers)
        return media_server.url(path)

    return register


def seconds_left(pause):
    return (pause.until - timezone.now()).total_seconds()


def test_a_refused_download_waits_with_its_site_and_has_not_failed(download, refuse, media_server):
    video = download(refuse(**{"Retry-After": "600"}))
    assert (video.status, video.attempt, video.retry_count, video.error) == (Status.QUEUED, 1, 0, "")
    pause = HostPause.objects.get()
    assert (pause.host, pause.count) == ("127.0.0.1", 1)
    assert 590 < seconds_left(pause) <= 600
    Video.objects.ingest(media_server.url("/named/b.mp4"), media_server.url("/named/b.mp4"))
    assert not Video.objects.claimable().exists()
    assert VideoEvent.objects.filter(public_id="queue").count() == 1  # open pages say so
    HostPause.objects.resume("127.0.0.1")
    assert Video.objects.claimable().count() == 2
    assert video.queued_at > video.started_at  # it comes behind those that waited


def test_without_a_time_each_pause_is_twice_as_long(download, refuse):
    url = refuse()
    download(url)
    lengths = []
    for _ in range(8):
        lengths.append(seconds_left(HostPause.objects.get()))
        HostPause.objects.update(until=timezone.now())
        download(url)
        assert HostPause.objects.get().until - timezone.now() <= MAX_PAUSE
    expected = [min(FIRST_PAUSE.total_seconds() * 2**n, 24 * 3600) for n in range(8)]
    assert lengths == pytest.approx(expected, abs=10)
    video = Video.objects.get()
    assert (video.status, video.attempt) == (Status.FAILED, 1)  # refused so often, it may be the only one
    assert video.error.startswith("Too many requests (429)")


def test_a_site_that_asks_for_no_time_at_all_is_left_alone_longer_each_time(refuse):
    for seconds in (1, 4, 16, 64, 256):
        began = timezone.now()
        pause = HostPause.objects.pause("example.com", "429", dt.timedelta(0))
        assert seconds_left(pause) <= seconds
        assert (pause.until - began).total_seconds() >= seconds
        HostPause.objects.update(until=timezone.now())


def test_a_success_starts_the_count_again(download, media_server):
    HostPause.objects.pause("127.0.0.1", "429")
    HostPause.objects.update(until=timezone.now())
    assert download(media_server.url("/named/b.mp4")).status == Status.COMPLETE
    assert not HostPause.objects.exists()


def test_a_site_that_takes_us_for_a_bot_is_paused(download, monkeypatch):
    def extract(extractor, url):
        raise ExtractorError("Sign in to confirm you’re not a bot. This helps protect our community.", expected=True)

    add_extractor(monkeypatch, r"https://www\.youtube\.com/watch.*", extract)
    video = download("https://www.youtube.com/watch?v=1")
    assert video.status == Status.QUEUED
    assert HostPause.objects.get().host == "youtube.com"


@pytest.mark.parametrize("status", [403, 404, 500])
def test_other_errors_pause_no_site(download, refuse, status):
    download(refuse(status=status))
    assert not HostPause.objects.exists()


def test_a_look_up_ahead_of_the_queue_that_is_refused_pauses_the_site_too(refuse, settings):
    settings.TITLES_AHEAD_SECONDS = 3
    settings.CACHE_ROOT.mkdir(parents=True, exist_ok=True)
    url = refuse(**{"Retry-After": "60"})
    Video.objects.ingest(url, url)
    Video.objects.update(queued_at=timezone.now() - dt.timedelta(minutes=1))
    with EgressProxy() as proxy, tempfile.TemporaryDirectory():
        run_look_up(TitleLookUp.claim_next(), proxy_url=proxy.url)
    assert HostPause.objects.get().host == "127.0.0.1"
    assert Video.objects.get().status == Status.QUEUED
