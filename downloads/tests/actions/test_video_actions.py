"""Actions on one video: retry, cancel."""

import pytest
from django.test import Client

from downloads.models import Status
from downloads.tests.support.factories import complete, failed, running, waiting

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


def test_it_retries_a_failed_video_once(client, signed_in_user):
    video = failed()
    for _ in range(2):
        response = client.post(f"/videos/{video.video_id}/retry", HTTP_REFERER="http://testserver/?page=2")
        assert response["Location"] == "http://testserver/?page=2"
    video.refresh_from_db()
    assert (video.status, video.attempt) == (Status.QUEUED, 2)
    assert video.events.filter(reason="Retried by ada").count() == 1


def test_it_cancels_a_waiting_and_a_running_video(client, signed_in_user):
    for video in (running("a"), waiting("b")):
        assert client.post(f"/videos/{video.video_id}/cancel").status_code == 302
        video.refresh_from_db()
        assert video.status == Status.CANCELLED


def test_it_leaves_a_complete_video_alone(client, signed_in_user):
    video = complete()
    for verb in ("cancel", "retry"):
        page = client.post(f"/videos/{video.video_id}/{verb}", follow=True).content.decode()
        assert "it is complete" in page
    video.refresh_from_db()
    assert video.status == Status.COMPLETE


@pytest.mark.parametrize("verb", ["retry", "cancel"])
def test_it_lets_strangers_change_nothing(client, verb):
    video = failed() if verb == "retry" else running()
    response = client.post(f"/videos/{video.video_id}/{verb}", HTTP_REFERER="http://testserver/videos/x/")
    assert response["Location"] == "/accounts/login/?next=http%3A//testserver/videos/x/"
    before = video.status
    video.refresh_from_db()
    assert video.status == before


@pytest.mark.parametrize("verb", ["retry", "cancel"])
def test_it_changes_nothing_on_get(client, signed_in_user, verb):
    video = failed() if verb == "retry" else running()
    assert client.get(f"/videos/{video.video_id}/{verb}").status_code == 405


@pytest.mark.parametrize("verb", ["retry", "cancel"])
def test_it_does_not_act_on_what_is_not_there(client, signed_in_user, verb):
    assert client.post(f"/videos/nope/{verb}").status_code == 404


def test_it_never_leads_to_another_site(client, signed_in_user):
    response = client.post(f"/videos/{failed().video_id}/retry", HTTP_REFERER="https://evil.example/")
    assert response["Location"] == "/"


def test_it_asks_for_the_token_of_the_form(signed_in_user):
    client = Client(enforce_csrf_checks=True)
    client.force_login(signed_in_user)
    response = client.post(f"/videos/{running().video_id}/cancel")
    assert response.status_code == 403
    assert "reload the page" in response.content.decode()
