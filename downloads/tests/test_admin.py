"""Videos in Django's admin."""

import re

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.urls import reverse

from downloads.models import Status, Video
from downloads.tests.test_library import complete, running, tag, waiting

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]
LIST = "/admin/downloads/video/"


@pytest.fixture
def admin(client):
    client.force_login(get_user_model().objects.create_superuser("ada", password="x"))
    return client


def act(client, action: str, *videos: Video) -> str:
    data = {"action": action, "_selected_action": [video.pk for video in videos]}
    return client.post(LIST, data, follow=True).content.decode()


def failed(name: str) -> Video:
    video = running(name)
    assert video.fail("No.")
    return video


def test_it_lists_each_video_once_with_its_bar(admin):
    videos = [complete("a"), running("b", percent=42), waiting("c")]
    page = admin.get(LIST).content.decode()
    for video in videos:
        assert f'data-status="{video.status}"' in tag(page, Video.objects.get(pk=video.pk))
    assert page.count("data-video-id=") == 3
    assert 'aria-valuenow="42"' in page
    assert re.search(r'<script type="module" src="/static/js/main\..*?js"', page)


def test_it_asks_as_much_for_many_as_for_few(admin, django_assert_max_num_queries):
    for number in range(30):
        complete(f"v{number}")
    with django_assert_max_num_queries(8):
        admin.get(LIST)


def test_it_finds_and_filters(admin):
    found, other = complete("needle"), waiting("hay")
    for query in ("q=needle", "status__exact=complete"):
        page = admin.get(f"{LIST}?{query}").content.decode()
        assert found.video_id in page
        assert other.video_id not in page


def test_it_retries_and_says_what_it_skipped(admin):
    videos = [failed("a"), failed("b"), complete("c")]
    page = act(admin, "retry", *videos)
    assert "2 videos wait for another try." in page
    assert "Film c needs no other try: it is complete." in page
    assert Video.objects.filter(status=Status.QUEUED).count() == 2


def test_it_cancels_and_says_what_it_skipped(admin):
    videos = [complete("c"), running("a"), waiting("b")]
    page = act(admin, "cancel", *videos)
    assert "2 videos are cancelled." in page
    assert "Film c had ended before: it is complete." in page


def test_it_shows_a_video_to_read_only(admin):
    video = failed("a")
    url = reverse("admin:downloads_video_change", args=[video.pk])
    page = admin.get(url).content.decode()
    tag(page, video)
    assert 'name="title"' not in page
    assert 'name="_save"' not in page
    assert "Timeline" in page
    assert "No." in page
    assert admin.post(url, {"title": "x"}).status_code == 403


def test_it_offers_no_adding(admin):
    assert admin.get(f"{LIST}add/").status_code == 403


def test_it_lets_those_act_who_may(client):
    user = get_user_model().objects.create_user("bob", password="x", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_video"))
    client.force_login(user)
    video = failed("a")
    act(client, "retry", video)
    video.refresh_from_db()
    assert video.status == Status.FAILED


def test_it_sends_strangers_to_the_sign_in(client):
    assert client.get(LIST).status_code == 302
