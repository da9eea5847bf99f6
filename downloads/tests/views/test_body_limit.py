"""Requests whose body is too long."""

import html

import pytest
from django.conf import settings as project_settings

from downloads.models import Video

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]
FORM_TYPE = "application/x-www-form-urlencoded"


def post_bytes(client, path, count, **headers):
    return client.post(path, b"urls=" + b"x" * count, content_type=FORM_TYPE, headers=headers)


@pytest.fixture
def low_limit(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 300 * 1024


def test_a_page_says_that_it_is_too_much(client, signed_in_user, low_limit):
    response = post_bytes(client, "/videos/add/", 400 * 1024)
    page = html.unescape(response.content.decode())
    assert response.status_code == 413
    assert (
        "This is too much at once: it has 410 kB, and 307 kB are taken. Nothing was added; send a part of it." in page
    )
    assert "keeps what you pasted" in page


def test_an_open_page_keeps_the_form_and_shows_the_sentence(client, signed_in_user, low_limit):
    response = post_bytes(client, "/videos/add/", 400 * 1024, **{"HX-Request": "true"})
    assert response.status_code == 200
    assert response.headers["HX-Retarget"] == "[data-part='messages']"
    assert "This is too much at once" in response.content.decode()


def test_a_stranger_may_not_send_much(client):
    response = post_bytes(client, "/videos/add/", 300 * 1024)
    assert (response.status_code, Video.objects.count()) == (413, 0)
    assert "You’ve been signed out. Copy your links" in response.content.decode()


@pytest.mark.parametrize("path", ["/videos/many", "/accounts/login/", "/queue/pause", "/admin/login/"])
def test_other_forms_are_short(client, signed_in_user, path):
    assert post_bytes(client, path, 300 * 1024).status_code == 413


def test_the_form_that_adds_videos_has_room_for_them_all(client, signed_in_user):
    response = post_bytes(client, "/videos/add/", 11 * 1024 * 1024)
    assert response.status_code == 200
    assert "That’s too much at once" in response.content.decode()


def test_the_proxy_lets_through_what_the_form_refuses_in_words():
    text = (project_settings.BASE_DIR / "deploy" / "nginx.conf").read_text()
    limit = int(text.partition("client_max_body_size ")[2].partition("m;")[0]) * 1024 * 1024
    assert limit > project_settings.DATA_UPLOAD_MAX_MEMORY_SIZE
