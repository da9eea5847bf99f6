"""Limits per site: how many downloads of one run at once under any of its names, and pauses that it asked for."""

import datetime as dt

import pytest

from downloads.models import HostPause, TitleLookUp, Video
from downloads.models.subscriptions.host_pause import MAX_PAUSE

pytestmark = pytest.mark.django_db

NAMES = ("www.youtube.com", "youtu.be", "m.youtube.com", "music.youtube.com")


@pytest.fixture(autouse=True)
def _redis(redis_server):
    """What is claimed is published."""


def ingest(*hosts):
    urls = [f"https://{host}/{n}" for n, host in enumerate(hosts)]
    return [Video.objects.ingest(url, url)[0] for url in urls]


def claim_all():
    videos = []
    while video := Video.objects.claim("w"):
        videos.append(video.host)
    return videos


def test_the_names_of_a_site_count_as_one(settings):
    settings.PER_HOST = 2
    ingest(*NAMES, "www.example.org")
    assert claim_all() == ["www.youtube.com", "youtu.be", "www.example.org"]
    Video.objects.active().filter(host="youtu.be").first().cancel()
    assert claim_all() == ["m.youtube.com"]


def test_no_more_than_one_of_a_site_is_claimed_where_two_workers_saw_the_last_place(settings):
    settings.PER_HOST = 1
    ingest("youtu.be", "www.youtube.com")
    assert Video.objects.claim("w")
    assert not Video.objects._host_has_capacity("www.youtube.com")
    assert Video.objects._host_has_capacity("www.example.org")
    assert Video.objects._host_has_capacity("")


def test_videos_of_a_paused_site_wait_under_all_its_names():
    ingest(*NAMES, "www.example.org")
    HostPause.objects.pause("youtu.be", "Too many requests (429).")
    assert claim_all() == ["www.example.org"]
    HostPause.objects.resume("m.youtube.com")
    assert claim_all() == ["www.youtube.com", "youtu.be"]


def test_a_pause_that_is_over_or_longer_than_any_holds_nothing():
    ingest("youtu.be")
    pause = HostPause.objects.pause("www.youtube.com", "429")
    HostPause.objects.update(until=pause.until - dt.timedelta(hours=1))
    assert Video.objects.claimable().exists()
    HostPause.objects.update(until=pause.until + MAX_PAUSE)  # the clock was set back
    assert Video.objects.claimable().exists()


def test_no_title_of_a_paused_site_is_looked_up(settings):
    settings.TITLES_AHEAD_SECONDS = 3
    ingest("youtu.be", "www.example.org")
    Video.objects.update(queued_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    HostPause.objects.pause("www.youtube.com", "429")
    assert TitleLookUp.claim_next().video.host == "www.example.org"


def test_one_look_up_at_a_time_asks_a_site_whatever_its_names(settings):
    settings.TITLES_AHEAD_SECONDS = 60
    ingest("youtu.be", "www.youtube.com", "www.example.org")
    Video.objects.update(queued_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    for host in ("youtu.be", "www.example.org"):
        look_up = TitleLookUp.claim_next()
        assert look_up.video.host == host
        look_up.record_failure("No.", is_permanent=True)
    assert TitleLookUp.claim_next() is None


def test_a_claim_reads_a_constant_number_of_queries(django_assert_num_queries):
    ingest(*NAMES, *(f"{n}.example.org" for n in range(20)))
    for n in range(20):
        HostPause.objects.pause(f"{n}.example.org", "429")
    with django_assert_num_queries(4):
        assert Video.objects.claimable().exists()


def test_a_worker_without_work_asks_the_least(settings, django_assert_num_queries):
    settings.TITLES_AHEAD_SECONDS = 2
    with django_assert_num_queries(1):
        assert not Video.objects.has_claimable()
    with django_assert_num_queries(1):
        assert TitleLookUp.claim_next() is None
