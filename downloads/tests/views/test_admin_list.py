"""Videos in Django's admin."""

import datetime as dt
import re
from html import unescape

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from downloads.admin import MAX_VIDEOS_PER_DELETE
from downloads.files import trash
from downloads.models import Metadata, Status, Video
from downloads.tests.views.test_library import complete, running, tag, waiting

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]
LIST = "/admin/downloads/video/"


@pytest.fixture
def admin(client):
    client.force_login(get_user_model().objects.create_superuser("ada"))
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


def test_it_asks_as_much_for_many_as_for_few(admin):
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            admin.get(LIST)
        return len(queries)

    complete("a")
    asked()  # what is looked up once and remembered
    few = asked()
    for number in range(30):
        complete(f"v{number}")
        failed(f"w{number}")
    assert asked() == few <= 9


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
    user = get_user_model().objects.create_user("bob", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_video"))
    client.force_login(user)
    video = failed("a")
    act(client, "retry", video)
    assert "/queue/pause" not in client.get(LIST).content.decode()
    video.refresh_from_db()
    assert video.status == Status.FAILED


def test_it_sends_strangers_to_the_sign_in(client):
    assert client.get(LIST).status_code == 302


DELETE = f"{LIST}delete/"


def confirmed(client, page: str):
    """Press "Delete" on the page that asks."""
    data = {name: unescape(re.search(rf'name="{name}" value="(.*?)"', page)[1]) for name in ("chosen", "query")}
    return client.post(DELETE, data, follow=True)


def test_it_shows_size_length_and_the_way_to_the_page(admin):
    video = complete()
    page = admin.get(LIST).content.decode()
    assert "603 MB" in page
    assert "12:04" in page
    assert f'href="{video.get_absolute_url()}"' in page


@pytest.mark.parametrize("query", ["film a", "FIL", "ada", "{id}", "http://a.example.org/"])
def test_it_searches_as_the_library_does(admin, query):
    found, other = complete("a"), waiting("b")
    page = admin.get(LIST, {"q": query.format(id=found.video_id)}).content.decode()
    assert found.video_id in page
    assert other.video_id not in page


def test_it_finds_by_address_what_has_no_title(admin):
    found = waiting("needle")
    assert found.video_id in admin.get(f"{LIST}?q=edle.example").content.decode()
    assert found.video_id not in admin.get(f"{LIST}?q=edle.example&status__exact=failed").content.decode()


def test_it_filters_by_site(admin):
    cache.clear()
    videos = [running("a"), running("b")]
    for video, site in zip(videos, ("youtube", "vimeo"), strict=True):
        video.save_metadata(Metadata(title=video.host, extractor=site))
    page = admin.get(f"{LIST}?site=vimeo").content.decode()
    assert videos[1].video_id in page
    assert videos[0].video_id not in page
    assert "?site=youtube" in page


@pytest.mark.parametrize(
    "query", ["site=<x>", "p=99999", "status__exact=nonsense", "added_at__year=x", "q=%00", "o=9.9"]
)
def test_it_answers_any_query_with_a_page(admin, query):
    complete()
    assert admin.get(f"{LIST}?{query}", follow=True).status_code == 200


def test_it_asks_before_it_deletes(admin, as_in_a_child, settings):
    videos = [complete("a"), failed("b"), waiting("c")]
    for video in videos:
        (settings.MEDIA_ROOT / video.video_id).mkdir()
    page = act(admin, "delete_selected", *videos[:2])
    assert "Delete 2 videos?" in page
    assert "Film a" in page
    assert "(603 MB in all)" in page
    assert Video.objects.count() == 3
    assert "2 videos are deleted." in confirmed(admin, page).content.decode()
    assert Video.objects.get() == videos[2]
    assert [path.name for path in settings.MEDIA_ROOT.iterdir() if path.name != trash.TRASH_FOLDER] == [
        videos[2].video_id
    ]
    assert {entry.object_repr for entry in LogEntry.objects.all()} == {"Film a", videos[1].url}
    assert "2 videos" not in confirmed(admin, page).content.decode()


def test_it_refuses_to_delete_more_than_it_can_ask_for(admin, as_in_a_child, monkeypatch):
    monkeypatch.setattr("downloads.admin.MAX_VIDEOS_PER_DELETE", 2)
    videos = [complete("a"), failed("b"), waiting("c")]
    for chosen in (videos, videos[:1]):
        ids = [video.pk for video in chosen]
        everything = {"action": "delete_selected", "_selected_action": ids, "select_across": "1"}
        page = admin.post(LIST, everything, follow=True).content.decode()
        assert "2 videos at once are the most. Nothing was deleted: narrow the list with a filter." in page
    assert Video.objects.count() == 3
    assert "Delete 2 videos?" in act(admin, "delete_selected", *videos[:2])


def test_it_has_room_for_the_numbers_of_all_it_deletes_at_once(settings):
    assert 19 * MAX_VIDEOS_PER_DELETE < settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def test_it_deletes_one_from_its_own_page(admin, as_in_a_child, settings):
    video = complete()
    (settings.MEDIA_ROOT / video.video_id).mkdir()
    url = reverse("admin:downloads_video_delete", args=[video.pk])
    assert url in admin.get(reverse("admin:downloads_video_change", args=[video.pk])).content.decode()
    page = admin.get(url).content.decode()
    assert "Delete “Film a”?" in page
    assert "The video file (603 MB) and its history are removed" in page
    assert "Film a is deleted." in confirmed(admin, page).content.decode()
    assert not (settings.MEDIA_ROOT / video.video_id).exists()
    assert "not in the archive any more" in admin.get(url, follow=True).content.decode()


def test_it_says_what_it_could_not_delete(admin, as_in_a_child, settings):
    videos = [complete("a"), complete("b")]
    (settings.MEDIA_ROOT / videos[0].video_id).mkdir()
    (settings.MEDIA_ROOT / trash.TRASH_FOLDER).touch()
    page = confirmed(admin, act(admin, "delete_selected", *videos)).content.decode()
    assert "Film b is deleted." in page
    assert "Film a could not be deleted: its files cannot be moved" in page
    assert Video.objects.get() == videos[0]


@pytest.mark.parametrize("chosen", ["", "nonsense", "-1", "9" * 30, "² \x00", "999999"])
def test_it_deletes_nothing_for_nonsense(admin, chosen):
    complete()
    assert admin.post(DELETE, {"chosen": chosen}).status_code == 302
    assert admin.get(DELETE).status_code == 405
    assert Video.objects.count() == 1


def test_it_lets_those_delete_who_may(client):
    user = get_user_model().objects.create_user("bob", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=("view_video", "change_video")))
    client.force_login(user)
    video = complete()
    assert client.get(reverse("admin:downloads_video_delete", args=[video.pk])).status_code == 403
    assert client.post(DELETE, {"chosen": video.pk}).status_code == 403
    page = client.get(LIST).content.decode()
    assert "delete_selected" not in page
    assert "/queue/pause" in page
    act(client, "delete_selected", video)
    assert Video.objects.exists()


def test_it_commands_the_queue_without_a_selection(admin):
    waiting()
    page = admin.get(LIST).content.decode()
    assert 'action="/queue/pause"' in page
    page = admin.post("/queue/pause", HTTP_REFERER=f"http://testserver{LIST}", follow=True).content.decode()
    assert "The queue was paused by ada." in page
    assert 'action="/queue/resume"' in page
    assert ">Undo<" in page


@pytest.mark.parametrize(
    "query",
    [
        "added_at__year=99999999999999999999",
        "added_at__year=9999",
        "added_at__year=2024&added_at__month=99999999999999999999999",
        "id__in=9999999999999999999999",
        "status__exact=%00",
        "site=%00",
        "q=%00",
        "o=99999999999999999999.-1.x",
        "p=99999999999999999999",
        "added_at__gte=x",
        "tracks__contains=x",
        "tracks__has_key=x",
    ],
)
def test_it_answers_any_query(admin, query):
    answer = admin.get(f"{LIST}?{query}", follow=True)
    assert answer.status_code == 200


@pytest.mark.parametrize("query", ["", "_to_field=", "_to_field=id", "_popup=1&_to_field=", "_changelist_filters=%00"])
@pytest.mark.parametrize("of", ["downloads/video", "auth/user"])
def test_it_shows_one_whatever_is_asked_besides(admin, of, query):
    key = complete().pk if of.startswith("downloads") else get_user_model().objects.get().pk
    for page in ("change", "history", "delete"):
        assert admin.get(f"/admin/{of}/{key}/{page}/?{query}").status_code == 200


def test_it_goes_back_to_the_list_as_it_was_filtered(admin, as_in_a_child):
    gone, kept = complete("a"), complete("b")
    query = "q=film&status__exact=complete"
    data = {"action": "delete_selected", "_selected_action": [gone.pk]}
    page = admin.post(f"{LIST}?{query}", data).content.decode()
    assert f'href="{LIST}?{query.replace("&", "&amp;")}"' in page
    answer = confirmed(admin, page)
    assert answer.redirect_chain == [(f"{LIST}?{query}", 302)]
    page = admin.get(f"{LIST}{kept.pk}/delete/", {"_changelist_filters": query}).content.decode()
    assert confirmed(admin, page).redirect_chain == [(f"{LIST}?{query}", 302)]


def test_it_keeps_the_columns_narrow(admin):
    video = complete()
    Video.objects.filter(pk=video.pk).update(uploader="U" * 200, extractor="E" * 90)
    page = admin.get(LIST).content.decode()
    assert f"{'U' * 39}…" in page
    assert f"{'E' * 19}…" in page
    assert "U" * 41 not in page


@pytest.mark.parametrize("action", ["retry", "delete_selected"])
@pytest.mark.parametrize("key", ["x", "1\x00", "99999999999999999999999", "-1", ""])
def test_it_answers_any_selection(admin, action, key):
    answer = admin.post(LIST, {"action": action, "_selected_action": key, "index": 0}, follow=True)
    assert answer.status_code == 200


@pytest.mark.parametrize("kind", ["year", "month", "day", "week"])
def test_it_leafs_by_the_dates_that_there_are(admin, kind):
    days = ["2023-12-31T23:59:59", "2024-01-01T00:00:00", "2024-02-29T12:00:00", "2024-03-31T08:00:00", "2026-11-26"]
    for number, day in enumerate(days):
        at = dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC)
        Video.objects.filter(pk=waiting(f"v{number}").pk).update(added_at=at)
    some = Video.objects.exclude(added_at__year=2023)
    for videos in (Video.objects.all(), some, some.filter(added_at__month=2), Video.objects.none()):
        assert list(videos.datetimes("added_at", kind)) == list(QuerySet.datetimes(videos, "added_at", kind))
    page = admin.get(f"{LIST}?added_at__year=2024").content.decode()
    assert re.findall(r"added_at__month=(\d+)&amp;added_at__year=2024", page) == ["1", "2", "3"]
