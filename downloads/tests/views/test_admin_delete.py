"""Deletion in the admin."""

import re
from html import unescape

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from downloads.admin import MAX_VIDEOS_PER_DELETE
from downloads.files import trash
from downloads.models import Video
from downloads.tests.support.admin import CHANGELIST_URL, run_admin_action
from downloads.tests.support.factories import complete, failed, waiting
from downloads.tests.support.users import make_staff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


DELETE_URL = f"{CHANGELIST_URL}delete/"


def confirm_deletion(client, page: str):
    """Press "Delete" on the confirmation page."""
    data = {name: unescape(re.search(rf'name="{name}" value="(.*?)"', page)[1]) for name in ("chosen", "query")}
    return client.post(DELETE_URL, data, follow=True)


def test_it_asks_before_it_deletes(superuser_client, child_environment, settings):
    videos = [complete("a"), failed("b"), waiting("c")]
    for video in videos:
        (settings.MEDIA_ROOT / video.video_id).mkdir()
    page = run_admin_action(superuser_client, "delete_selected", *videos[:2])
    assert "Delete 2 videos?" in page
    assert "Film a" in page
    assert "This permanently deletes their files (603 MB) and history." in page
    assert Video.objects.count() == 3
    assert "Deleted 2 videos." in confirm_deletion(superuser_client, page).content.decode()
    assert Video.objects.get() == videos[2]
    assert [path.name for path in settings.MEDIA_ROOT.iterdir() if path.name != trash.TRASH_FOLDER] == [
        videos[2].video_id
    ]
    assert {entry.object_repr for entry in LogEntry.objects.all()} == {"Film a", videos[1].url}
    assert "2 videos" not in confirm_deletion(superuser_client, page).content.decode()


def test_it_refuses_to_delete_more_than_it_can_ask_for(superuser_client, child_environment, monkeypatch):
    monkeypatch.setattr("downloads.admin.MAX_VIDEOS_PER_DELETE", 2)
    videos = [complete("a"), failed("b"), waiting("c")]
    for chosen in (videos, videos[:1]):
        ids = [video.pk for video in chosen]
        selection = {"action": "delete_selected", "_selected_action": ids, "select_across": "1"}
        page = superuser_client.post(CHANGELIST_URL, selection, follow=True).content.decode()
        assert "You can select up to 2 videos at a time. Nothing was deleted. Narrow the list with a filter." in page
    assert Video.objects.count() == 3
    assert "Delete 2 videos?" in run_admin_action(superuser_client, "delete_selected", *videos[:2])


def test_it_has_room_for_the_numbers_of_all_it_deletes_at_once(settings):
    assert 19 * MAX_VIDEOS_PER_DELETE < settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def test_it_deletes_one_from_its_own_page(superuser_client, child_environment, settings):
    video = complete()
    (settings.MEDIA_ROOT / video.video_id).mkdir()
    url = reverse("admin:downloads_video_delete", args=[video.pk])
    assert url in superuser_client.get(reverse("admin:downloads_video_change", args=[video.pk])).content.decode()
    page = superuser_client.get(url).content.decode()
    assert "Delete “Film a”?" in page
    assert "This permanently deletes the video file (603 MB) and its history" in page
    assert "Deleted Film a." in confirm_deletion(superuser_client, page).content.decode()
    assert not (settings.MEDIA_ROOT / video.video_id).exists()
    assert "no longer in the archive" in superuser_client.get(url, follow=True).content.decode()


def test_it_says_what_it_could_not_delete(superuser_client, child_environment, settings):
    videos = [complete("a"), complete("b")]
    (settings.MEDIA_ROOT / videos[0].video_id).mkdir()
    (settings.MEDIA_ROOT / trash.TRASH_FOLDER).touch()
    page = confirm_deletion(
        superuser_client, run_admin_action(superuser_client, "delete_selected", *videos)
    ).content.decode()
    assert "Deleted Film b." in page
    assert "Couldn’t delete Film a: its files cannot be moved" in page
    assert Video.objects.get() == videos[0]


@pytest.mark.parametrize("chosen", ["", "nonsense", "-1", "9" * 30, "² \x00", "999999"])
def test_it_deletes_nothing_for_nonsense(superuser_client, chosen):
    complete()
    assert superuser_client.post(DELETE_URL, {"chosen": chosen}).status_code == 302
    assert superuser_client.get(DELETE_URL).status_code == 405
    assert Video.objects.count() == 1


def test_it_lets_those_delete_who_may(client):
    client.force_login(make_staff("bob", "view_video", "change_video"))
    video = complete()
    assert client.get(reverse("admin:downloads_video_delete", args=[video.pk])).status_code == 403
    assert client.post(DELETE_URL, {"chosen": video.pk}).status_code == 403
    page = client.get(CHANGELIST_URL).content.decode()
    assert "delete_selected" not in page
    assert "/queue/pause" not in page
    run_admin_action(client, "delete_selected", video)
    assert Video.objects.exists()


def test_it_goes_back_to_the_list_as_it_was_filtered(superuser_client, child_environment):
    gone, kept = complete("a"), complete("b")
    query = "q=film&status__exact=complete"
    data = {"action": "delete_selected", "_selected_action": [gone.pk]}
    page = superuser_client.post(f"{CHANGELIST_URL}?{query}", data).content.decode()
    assert f'href="{CHANGELIST_URL}?{query.replace("&", "&amp;")}"' in page
    answer = confirm_deletion(superuser_client, page)
    assert answer.redirect_chain == [(f"{CHANGELIST_URL}?{query}", 302)]
    page = superuser_client.get(f"{CHANGELIST_URL}{kept.pk}/delete/", {"_changelist_filters": query}).content.decode()
    assert confirm_deletion(superuser_client, page).redirect_chain == [(f"{CHANGELIST_URL}?{query}", 302)]
