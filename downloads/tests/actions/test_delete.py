"""Deletion on the pages: one video or several, confirmed on a page or in a dialog."""

import json

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse

from downloads.actions import delete_confirmation
from downloads.files import trash
from downloads.models import Metadata, Status, StoredFiles, Video
from downloads.tests.support import pictures
from downloads.tests.support.factories import complete, running, waiting
from downloads.tests.support.users import make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("child_environment", "static_files")]
HTMX_HEADERS = {"HTTP_HX_REQUEST": "true", "HTTP_HX_CURRENT_URL": "http://testserver/"}


@pytest.fixture
def signed_in_client(client):
    client.force_login(make_user())
    return client


def message_text(response) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def get_confirmation(client, video, **headers) -> str:
    return client.get(reverse("delete", args=[video.video_id]), **headers).content.decode()


def post_delete(client, video, back="", **headers):
    return client.post(reverse("delete", args=[video.video_id]), {"next": back}, **headers)


def post_delete_many(client, videos, **data):
    return client.post(reverse("many"), {"do": "delete", "id": [video.video_id for video in videos], **data})


def test_it_refuses_strangers(client):
    video = complete()
    for response in (
        client.get(reverse("delete", args=[video.video_id])),
        post_delete(client, video),
        post_delete_many(client, [video]),
    ):
        assert "/accounts/login/" in response.url
    assert Video.objects.exists()


def test_it_knows_no_video_that_is_gone(signed_in_client):
    for method in (signed_in_client.get, signed_in_client.post, signed_in_client.head):
        response = method("/videos/nope/delete")
        assert response.status_code == 404
    page = signed_in_client.get("/videos/nope/delete").content.decode()
    assert "no longer in the archive" in page
    assert "Back to the library" in page


def test_it_takes_no_other_method(signed_in_client):
    assert signed_in_client.put(reverse("delete", args=[complete().video_id])).status_code == 405


def test_it_asks_before_it_deletes(signed_in_client):
    video = complete()
    page = get_confirmation(signed_in_client, video, HTTP_REFERER="http://testserver/?page=2")
    assert "<html" in page
    # The browser must leave this page after the deletion, so its form is posted without htmx.
    assert f'hx-post="/videos/{video.video_id}/delete"' not in page
    assert "Delete “Film a”?" in page
    assert "This permanently deletes the video file (603 MB) and its history." in page
    assert 'href="http://testserver/?page=2">Keep it</a>' in page
    assert 'value="http://testserver/?page=2"' in page
    assert Video.objects.exists()


def test_it_asks_in_a_dialog(signed_in_client):
    response = signed_in_client.get(reverse("delete", args=[complete().video_id]), **HTMX_HEADERS)
    page = response.content.decode()
    assert "<html" not in page
    assert '<form method="dialog">' in page
    assert "HX-Request" in response["Vary"]


def test_it_says_in_its_place_that_there_is_nothing_to_ask_for(signed_in_client):
    for response in (
        signed_in_client.get("/videos/nope/delete", **HTMX_HEADERS),
        signed_in_client.post(reverse("many"), {"do": "delete"}, **HTMX_HEADERS),
    ):
        assert response.status_code == 200
        assert (response["HX-Retarget"], response["HX-Reswap"]) == ("[data-part='messages']", "outerHTML")


def confirmation_text(**fields) -> str:
    return delete_confirmation.build_delete_confirmation([Video(title="A", **fields)]).message


def test_it_says_what_is_removed():
    tracks = [{"language": language, "file": f"a/a.{language}.vtt"} for language in ("de", "en")]
    kept = {"media_file": "a/a.mp4", "size": 603_000_000, "thumbnail": "a/a.jpg", "subtitle_files": tracks}
    assert confirmation_text(**kept) == (
        "This permanently deletes the video file (603 MB), its thumbnail, 2 subtitle files and its history."
    )
    assert "1 subtitle file and" in confirmation_text(**{**kept, "subtitle_files": [*tracks[1:], {}]})
    nothing = "This removes it and its history from the archive."
    assert confirmation_text(status=Status.FAILED) == nothing
    assert confirmation_text(status=Status.DOWNLOADING) == f"Its download will be stopped. {nothing}"
    assert confirmation_text(is_list=True).endswith("Its videos stay in the archive.")


def test_it_says_of_many_what_is_removed_and_what_stays():
    two_videos = [Video(title="A", size=1_000_000), Video(title="B", size=2_000_000)]
    removed = "This permanently deletes their files (3.0 MB) and history."
    assert delete_confirmation.build_delete_confirmation(two_videos).message == removed
    of_list = [*two_videos, Video(title="C", is_list=True)]
    assert (
        delete_confirmation.build_delete_confirmation(of_list).message
        == f"{removed} Videos in a playlist stay unless you selected them too."
    )


def test_it_names_the_first_of_many(signed_in_client):
    videos = [complete(f"v{n}") for n in range(11)] + [running("b")]
    page = post_delete_many(signed_in_client, videos).content.decode()
    assert "Delete 12 videos?" in page
    assert page.count("<li>Film v") == 10
    assert "and 2 more" in page
    assert "1 is still downloading and will be stopped. This permanently deletes their files (6.6 GB)" in page
    assert page.count('name="id"') == 12
    assert Video.objects.count() == 12


def test_it_shows_a_title_as_text(signed_in_client):
    video = running("a")
    video.save_metadata(Metadata(title="<script>alert(1)</script>"))
    assert "<script>alert" not in get_confirmation(signed_in_client, video)
    assert "&lt;script&gt;alert" in post_delete(signed_in_client, video, **HTMX_HEADERS).content.decode()


def test_it_goes_back_where_it_was_asked_for(signed_in_client):
    video = complete()
    response = post_delete(signed_in_client, video, "http://testserver/?page=2")
    assert response.url == "http://testserver/?page=2"
    assert message_text(response) == "Deleted Film a."
    assert not Video.objects.exists()
    assert post_delete(signed_in_client, video).status_code == 404


def test_it_leaves_the_page_of_a_video_that_is_gone(signed_in_client):
    video = complete()
    assert post_delete(signed_in_client, video, f"http://testserver{video.get_absolute_url()}").url == "/"
    assert signed_in_client.get(video.get_absolute_url()).status_code == 404
    other = complete("b")
    response = post_delete(signed_in_client, other, other.get_absolute_url(), **HTMX_HEADERS)
    assert response["HX-Redirect"] == "/"
    assert "Deleted Film b." in signed_in_client.get("/").content.decode()


@pytest.mark.parametrize("back", ["https://evil.example/", "javascript:alert(1)", "//evil.example"])
def test_it_never_leads_to_another_site(signed_in_client, back):
    assert post_delete(signed_in_client, complete(), back).url == "/"


def test_it_answers_htmx_with_words_and_what_to_look_at(signed_in_client):
    video = complete()
    for message in ("Deleted Film a.", "This video is no longer in the archive."):
        response = post_delete(signed_in_client, video, "http://testserver/", **HTMX_HEADERS)
        assert response.status_code == 200
        assert message in response.content.decode()
        assert "<html" not in response.content.decode()
        assert json.loads(response["HX-Trigger"]) == {"acted": {"ids": [video.video_id]}}


def test_it_deletes_many(signed_in_client, settings):
    videos = [complete("a"), waiting("b")]
    folder = settings.MEDIA_ROOT / videos[0].video_id
    folder.mkdir()
    response = post_delete_many(signed_in_client, videos, confirmed="1")
    assert message_text(response) == "Deleted 2 videos."
    assert not Video.objects.exists()
    assert not folder.exists()
    assert "Select at least one video" in message_text(post_delete_many(signed_in_client, videos, confirmed="1"))


def test_it_says_why_a_video_stays(signed_in_client, settings):
    video = complete()
    folder = settings.MEDIA_ROOT / video.video_id
    folder.mkdir()
    (settings.MEDIA_ROOT / trash.TRASH_FOLDER).touch()
    response = post_delete(signed_in_client, video, video.get_absolute_url())
    assert response.url == video.get_absolute_url()
    reason = "its files cannot be moved (File exists)"
    assert f"Couldn’t delete Film a: {reason}. Nothing was removed." in message_text(response)
    assert folder.is_dir()
    (settings.MEDIA_ROOT / trash.TRASH_FOLDER).unlink()
    assert message_text(post_delete(signed_in_client, video)).endswith("Deleted Film a.")


@pytest.mark.django_db(transaction=True)  # the media response runs in another thread
def test_it_serves_nothing_of_what_is_gone(signed_in_client, settings):
    video = running()
    stored_files = StoredFiles(f"{video.video_id}/a.mp4", 1, f"{video.video_id}/a.jpg")
    folder = settings.MEDIA_ROOT / video.video_id

    def place():
        folder.mkdir()
        (folder / "a.mp4").touch()
        (folder / "a.jpg").write_bytes(pictures.encode(pictures.two_halves(), "JPEG"))

    assert video.finish(stored_files, place)
    urls = [f"/media/{video.video_id}/video", f"/media/{video.video_id}/thumbnail", video.get_absolute_url()]
    assert [signed_in_client.get(url).status_code for url in urls] == [200, 200, 200]
    post_delete(signed_in_client, video)
    assert [signed_in_client.get(url).status_code for url in urls] == [404, 404, 404]


def test_it_deletes_what_is_downloaded_again(signed_in_client):
    video = complete()
    video.redownload()
    claimed = Video.objects.claim("w")
    post_delete(signed_in_client, video)
    assert not claimed.holds_lease()
    assert not claimed.renew_lease(percent=3.0)
    assert not claimed.finish(StoredFiles("a.mp4", 1), lambda: pytest.fail("nothing is filed"))
