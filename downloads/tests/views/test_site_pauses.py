"""Pauses that sites have asked for: what pages say of them, and how a person ends one."""

import datetime as dt

import pytest
from django.urls import reverse

from downloads.models import AuditEntry, HostPause, Video, VideoEvent

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


@pytest.fixture
def paused(redis_server):
    url = "https://youtu.be/1"
    video, _ = Video.objects.ingest(url, url)
    HostPause.objects.pause("www.youtube.com", "Too many requests (429). Try again later.\nHTTP Error 429", None)
    return video


def normalized(response):
    return " ".join(response.content.decode().split())


def test_the_row_and_the_page_of_a_video_say_what_it_waits_for(superuser_client, paused):
    time = f'<time datetime="{HostPause.objects.get().until.isoformat()}">'
    for url in (reverse("activity"), reverse("video", args=[paused.video_id])):
        text = normalized(superuser_client.get(url))
        assert "Waiting: youtube.com asked for a pause until <time" in text
    assert time in text
    activity = normalized(superuser_client.get(reverse("activity")))
    assert "</time>: too many requests (429).</p>" in activity
    assert "HTTP Error" not in activity
    assert 'data-blocked="youtube.com:' in activity
    assert "data-turn" not in activity


def test_videos_of_other_sites_only_wait(superuser_client, paused):
    Video.objects.update(host="example.org")
    assert "Waiting: youtube.com" not in normalized(superuser_client.get(reverse("activity")))


def test_a_pause_that_is_over_is_not_told(superuser_client, paused):
    HostPause.objects.update(until=HostPause.objects.get().until - dt.timedelta(hours=1))
    assert "asked for a pause" not in normalized(superuser_client.get(reverse("activity")))


def test_a_person_ends_a_pause(superuser_client, paused):
    events = VideoEvent.objects.count()
    response = superuser_client.post(reverse("site-resume"), {"site": "youtube.com"}, follow=True)
    assert "Asking youtube.com again." in normalized(response)
    assert not HostPause.objects.exists()
    assert Video.objects.claimable().exists()
    assert VideoEvent.objects.count() == events + 1
    assert AuditEntry.objects.filter(details="Pause of youtube.com ended").exists()
    again = superuser_client.post(reverse("site-resume"), {"site": "youtube.com"}, follow=True)
    assert "No pause of this site is left." in normalized(again)
    assert superuser_client.post(reverse("site-resume")).status_code == 302


def test_pages_without_a_pause_ask_for_none(superuser_client, django_assert_max_num_queries, paused):
    HostPause.objects.all().delete()
    with django_assert_max_num_queries(12):
        superuser_client.get(reverse("activity"))
