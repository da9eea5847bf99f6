"""The page of one video, and what can be done there."""

import re

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from downloads.models import Facts, Filed, Status, Video
from downloads.templatetags import words
from downloads.tests.test_library import complete, running, tag, waiting

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


@pytest.fixture
def ada(client):
    user = get_user_model().objects.create_user("ada", password="x")
    client.force_login(user)
    return user


def failed() -> Video:
    video = running()
    assert video.fail("The site answered 404: nothing is there.")
    return video


def test_it_shows_a_complete_video_with_its_player(client):
    video = complete()
    page = client.get(video.get_absolute_url()).content.decode()
    assert 'data-status="complete"' in tag(page, video)
    player = re.search(r"<video.*?>", page, re.DOTALL).group(0)
    assert f'src="/media/{video.video_id}/video"' in player
    assert 'preload="metadata"' in player
    assert "12:04" in page
    assert "?download=1" in page
    assert re.findall(r"<li class=\"state-(\w+)\"", page) == ["queued", "downloading", "downloading", "complete"]


def test_it_shows_a_running_video_with_its_bar(client):
    video = running(percent=7)
    page = client.get(video.get_absolute_url()).content.decode()
    assert 'aria-valuenow="7"' in page
    assert "<video" not in page


def test_it_shows_why_a_video_failed(client, ada):
    page = client.get(failed().get_absolute_url()).content.decode()
    assert "The site answered 404" in page
    assert "Retry" in page


@pytest.mark.parametrize("path", ["/videos/nope/", "/videos/nope/extra", "/nowhere"])
def test_it_has_a_way_back_from_what_is_not_there(client, path):
    response = client.get(path)
    assert response.status_code == 404
    assert 'href="/"' in response.content.decode()


def test_it_sends_strangers_of_a_private_archive_to_the_sign_in(client, settings):
    settings.PRIVATE = True
    for path in (complete().get_absolute_url(), "/videos/nope/"):
        assert client.get(path).status_code == 302


def test_it_refuses_to_be_posted_to(client):
    assert client.post(complete().get_absolute_url()).status_code == 405


def test_it_retries_a_failed_video_once(client, ada):
    video = failed()
    for _ in range(2):
        response = client.post(f"/videos/{video.video_id}/retry", HTTP_REFERER="http://testserver/?page=2")
        assert response["Location"] == "http://testserver/?page=2"
    video.refresh_from_db()
    assert (video.status, video.attempt) == (Status.QUEUED, 2)
    assert video.events.filter(reason="Retried by ada").count() == 1


def test_it_cancels_a_waiting_and_a_running_video(client, ada):
    for video in (running("a"), waiting("b")):
        assert client.post(f"/videos/{video.video_id}/cancel").status_code == 302
        video.refresh_from_db()
        assert video.status == Status.CANCELLED


def test_it_leaves_a_complete_video_alone(client, ada):
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
def test_it_changes_nothing_on_get(client, ada, verb):
    video = failed() if verb == "retry" else running()
    assert client.get(f"/videos/{video.video_id}/{verb}").status_code == 405


@pytest.mark.parametrize("verb", ["retry", "cancel"])
def test_it_does_not_act_on_what_is_not_there(client, ada, verb):
    assert client.post(f"/videos/nope/{verb}").status_code == 404


def test_it_never_leads_to_another_site(client, ada):
    response = client.post(f"/videos/{failed().video_id}/retry", HTTP_REFERER="https://evil.example/")
    assert response["Location"] == "/"


def test_it_asks_for_the_token_of_the_form(ada):
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    response = client.post(f"/videos/{running().video_id}/cancel")
    assert response.status_code == 403
    assert "reload the page" in response.content.decode()


def test_it_signs_in_and_out(client):
    get_user_model().objects.create_user("ada", password="x")
    page = client.get("/accounts/login/").content.decode()
    assert re.findall(r"<label[^>]*>(.*?)</label>", page) == ["Username", "Password"]
    assert (
        "do not belong together"
        in client.post("/accounts/login/", {"username": "ada", "password": "y"}).content.decode()
    )
    assert client.post("/accounts/login/", {"username": "ada", "password": "x", "next": ""})["Location"] == "/"
    assert client.get("/accounts/logout/").status_code == 405
    assert client.post("/accounts/logout/")["Location"] == "/"


def test_it_shows_a_broken_page_in_the_same_dress(client, monkeypatch):
    def broken(*args):
        raise RuntimeError("a bug")

    monkeypatch.setattr(Video.objects, "rev", broken)
    client.raise_request_exception = False
    response = client.get("/")
    assert response.status_code == 500
    assert "It was noted in the log" in response.content.decode()


def test_it_folds_the_description(client):
    video = running()
    video.describe(Facts(title="A", description="See https://example.org/more\nand more"))
    assert video.finish(Filed("a.mp4", 1), lambda: None)
    page = client.get(video.get_absolute_url()).content.decode()
    assert '<a href="https://example.org/more" rel="nofollow">' in page


@pytest.mark.parametrize(
    "path", ["/videos/%00/", "/videos/a%00b/retry", "/media/%00/video", "/videos/" + "x" * 65 + "/"]
)
def test_it_takes_nothing_for_an_id_that_cannot_be_one(client, path) -> None:
    assert client.get(path).status_code == 404
    assert client.get("/videos/cards?id=%00").status_code == 200


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://www.example.org/", "example.org"),
        ("http://example.org/watch?v=1", "example.org/watch?v=1"),
        ("http://example.org/Big%20Buck.mp4", "example.org/Big Buck.mp4"),
        ("http://example.org/%00%E2%80%AE", "example.org/%00%E2%80%AE"),
        ("http://example.org/%ff", "example.org/%ff"),
        (f"http://example.org/{'x/' * 50}clip.mp4", f"example.org/…{'/x' * 20}/clip.mp4"),
        (f"http://{'a.' * 60}org/{'b' * 80}", f"…{'.a' * 13}.org/…{'b' * 29}"),
    ],
)
def test_it_says_an_address_as_people_do(url, said):
    assert words.address(url) == said
    assert len(said) <= words.LONGEST_ADDRESS + 2


def test_it_names_a_video_without_a_title_by_its_address(client):
    video = waiting()
    for path in ("/", video.get_absolute_url()):
        page = client.get(path).content.decode()
        assert "a.example.org<" in page
        assert 'title="http://a.example.org/"' in page
