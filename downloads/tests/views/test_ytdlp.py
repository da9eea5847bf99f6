"""The button that updates yt-dlp, and where its version and age stand."""

import re

import pytest
from django.test import Client

from downloads.models import Video
from downloads.tests.support.factories import failed
from downloads.tests.support.users import make_staff, make_user
from downloads.tests.support.ytdlp_wheels import BUNDLED_VERSION
from downloads.ytdlp_update import selection, status
from downloads.ytdlp_update.status import State

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files", "ytdlp_root")]
URL = "/yt-dlp/update"
ADMIN_URL = "/admin/"
EXTRACTOR_ERROR = "yt-dlp couldn’t download this video.\nUnable to extract player response"


@pytest.fixture
def ytdlp_root(settings, tmp_path):
    settings.YTDLP_ROOT = tmp_path / "yt-dlp"


@pytest.fixture
def old_version(monkeypatch):
    monkeypatch.setattr(selection.Selection, "age_days", 45)


@pytest.fixture
def manager(client):
    user = make_user("mia", "manager", is_staff=True)
    client.force_login(user)
    return user


# Access --------------------------------------------------------------------------------------------


def test_it_wants_a_sign_in(client):
    response = client.post(URL)

    assert (response.status_code, response.url.partition("?")[0]) == (302, "/accounts/login/")
    assert status.read_status().state == State.NONE


@pytest.mark.parametrize("role", ["", "viewer", "editor"])
@pytest.mark.parametrize("is_staff", [True, False])
def test_it_refuses_users_who_do_not_manage(client, role, is_staff):
    client.force_login(make_user("bob", role, is_staff=is_staff))

    assert client.post(URL).status_code == 403
    assert status.read_status().state == State.NONE


def test_it_refuses_a_get_and_a_form_of_another_site(manager, client):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(manager)

    assert client.get(URL).status_code == 405
    assert strict.post(URL).status_code == 403
    assert status.read_status().state == State.NONE


def test_it_says_that_the_data_folder_cannot_be_written_to(superuser_client, settings, tmp_path):
    (tmp_path / "file").touch()
    settings.YTDLP_ROOT = tmp_path / "file" / "yt-dlp"

    page = superuser_client.post(URL, {"next": ADMIN_URL}, follow=True).content.decode()

    assert "The data folder cannot be written to" in page


# Requests ------------------------------------------------------------------------------------------


def test_those_who_manage_request_an_update_once(manager, client):
    page = client.post(URL, {"next": ADMIN_URL}, follow=True).content.decode()

    assert status.read_status().state == State.REQUESTED
    assert "yt-dlp is being updated" in page
    assert "Waiting for a worker…" in page
    assert "An update of yt-dlp is already running." in client.post(URL, {"next": "/"}, follow=True).content.decode()


def test_the_admin_shows_version_age_and_result(superuser_client, old_version):
    status.write_status(State.FAILED, "The disk is full: make room, then try again.")

    page = superuser_client.get(ADMIN_URL).content.decode()

    assert re.search(r'class="problem">\s*<svg.*?</svg>\s*yt-dlp is 45 days old: update it\.', page, re.DOTALL)
    assert f"Version {BUNDLED_VERSION}" in page
    assert page.count("days old") == 1
    assert "The disk is full: make room, then try again." in page
    assert f'action="{URL}"' in page


def test_the_admin_hides_it_from_others(client):
    client.force_login(make_staff("vic", "view_video", "change_video", "delete_video"))

    assert URL not in client.get(ADMIN_URL).content.decode()


def test_an_update_that_died_is_interrupted():
    status.write_status(State.RUNNING)
    assert status.read_status().state == State.INTERRUPTED

    with status.update_lock(None):
        assert status.read_status().state == State.RUNNING
        assert status.request_update() is False
    assert status.request_update() is True


# A failed video ------------------------------------------------------------------------------------


def page_of(client, error, **fields):
    video = failed("a")
    Video.objects.filter(pk=video.pk).update(error=error, **fields)
    return client.get(video.get_absolute_url()).content.decode()


def test_a_failed_video_advises_those_who_manage(superuser_client, old_version):
    page = page_of(superuser_client, EXTRACTOR_ERROR)

    assert "yt-dlp is 45 days old: update it." in page
    assert f'formaction="{URL}"' in page


def test_a_video_whose_new_download_failed_advises_too(superuser_client, old_version):
    page = page_of(superuser_client, EXTRACTOR_ERROR, status="complete")

    assert "Downloading it again failed. Your existing copy is unchanged." in page
    assert "yt-dlp is 45 days old: update it." in page


def test_a_failed_video_advises_nobody_else(client, old_version):
    client.force_login(make_user(role="editor"))

    assert "update it" not in page_of(client, EXTRACTOR_ERROR)


def test_a_missing_video_needs_no_update(superuser_client, old_version):
    error = "Not found (404).\nUnable to download webpage: HTTP Error 404: Not Found"

    assert "update it" not in page_of(superuser_client, error, extractor="Youtube")


def test_a_young_yt_dlp_needs_no_update(superuser_client, monkeypatch):
    monkeypatch.setattr(selection.Selection, "age_days", 3)

    assert "update it" not in page_of(superuser_client, EXTRACTOR_ERROR)
