"""Rows that hold what the program never writes: no page, command or process may break, and no other row be hidden."""

import math
import re

import pytest
from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection

from downloads.accounts.session_store import checked_session_data
from downloads.bridge import rows
from downloads.library.activity import PAGE_SIZE, SECTION_KINDS
from downloads.management.commands.ingest import _bar_line
from downloads.models import EntryRequest, Queue, Status, Video, VideoEvent
from downloads.monitoring import metrics
from downloads.progress.message import encode_json
from downloads.tests.support.factories import create_videos
from downloads.tests.support.odd_rows import (
    create_odd_videos,
    create_very_odd_videos,
    odd_literals,
    writable_fields,
    write_value,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]
TABLES = (
    *("downloads_videoevent", "downloads_entryrequest", "downloads_playlistitem", "downloads_video"),
    *("downloads_queue", "django_session"),
)
PAGES_OF_A_VIDEO = (
    "/videos/{0}/",
    "/videos/{0}/delete",
    "/videos/cards?id={0}",
    "/videos/cards?id={0}&as=activity",
    "/videos/cards?id={0}&as=detail",
    "/videos/cards?id={0}&as=admin",
    "/admin/downloads/video/{1}/change/",
)
LISTS = (
    *(f"/?sort={sort}" for sort in ("newest", "title", "duration", "size")),
    *(f"/activity/?state={kind.state}" for kind in SECTION_KINDS),
    *("/?q=film", "/?kind=audio", "/?site=weird", "/?date=week", "/videos/list", "/api/progress"),
    *("/activity/", "/activity/list", "/channels/"),
    *(f"/admin/downloads/video/?{query}" for query in ("", "o=5", "o=-6", "q=film", "status__exact=weird")),
    *(f"/admin/downloads/video/?added_at__year={year}" for year in (1, 2024)),
)


@pytest.fixture
def written(redis_server):
    """Remove what the test wrote before the end of its transaction, which checks the foreign keys."""
    yield
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"DELETE FROM {table}")


def get(client, path: str) -> str:
    response = client.get(path)
    assert response.status_code in (200, 503 if path.startswith("/api") else 200), (path, response.status_code)
    return response.content.decode()


def check_pages_of(client, videos: list[Video]) -> None:
    for video in Video.objects.filter(pk__in=[video.pk for video in videos]):
        for path in PAGES_OF_A_VIDEO:
            get(client, path.format(video.video_id, video.pk))
        for name in ("video", "thumbnail?size=small", "thumbnail", "tracks/en.vtt"):
            assert client.get(f"/media/{video.video_id}/{name}").status_code == 404


def check_lists(client) -> None:
    for path in LISTS:
        get(client, path)
    # Pages of the library are longer.
    last_page = math.ceil(Video.objects.terminal().count() / PAGE_SIZE)
    pages = ("/?", "/activity/?state=failed&", "/activity/?state=cancelled&")
    cards = "".join(get(client, f"{page}page={number}") for page in pages for number in range(1, last_page + 1))
    ids = set(re.findall('data-video-id="([^"]+)"', cards))
    assert ids >= {video.video_id for video in Video.objects.terminal()}
    assert "Good film" in cards


def check_processes() -> None:
    for row in rows._to_row_states(Video.objects.all()):
        assert encode_json(row.progress.to_dict())
    for video in Video.objects.all():
        assert _bar_line(video)
    call_command("index", all=True, verbosity=0)
    assert list(metrics._database_metrics())
    Video.objects.requeue_expired()
    Video.objects.finish_interrupted_removals()
    while Video.objects.claim("worker"):
        pass


@pytest.mark.parametrize("text", ["percent = 1e308", "duration = 9e999"])
def test_one_odd_row_breaks_nothing(superuser_client, written, text):
    create_videos(title="Good film")
    (odd,) = create_videos(title="Odd film", status="downloading" if text.startswith("percent") else "complete")
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE downloads_video SET {text} WHERE id = {odd.pk}")
    check_lists(superuser_client)
    check_pages_of(superuser_client, [odd])
    check_processes()


def test_no_value_of_any_column_breaks_a_page_or_hides_another_video(superuser_client, written):
    create_videos(title="Good film")
    odd = create_very_odd_videos()
    check_lists(superuser_client)
    check_pages_of(superuser_client, odd[::6])
    check_processes()


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_no_single_value_of_any_column_breaks_a_page(superuser_client, written):
    create_videos(title="Good film")
    odd = [video for video, _ in create_odd_videos()]
    check_lists(superuser_client)
    check_pages_of(superuser_client, odd)
    check_processes()


def test_an_id_that_names_another_folder_leads_nowhere(superuser_client, written):
    (odd,) = create_videos()
    for video_id in ("..", ".incoming", "", "a/b", '"><script>'):
        Video.objects.filter(pk=odd.pk).update(video_id=video_id)
        video = Video.objects.get(pk=odd.pk)
        assert video.video_id == f"invalid-{odd.pk}"
        assert f'href="/videos/invalid-{odd.pk}/"' in get(superuser_client, "/")
        assert superuser_client.get(video.get_absolute_url()).status_code == 404


def test_a_url_that_is_no_link_is_not_linked(superuser_client, written):
    (odd,) = create_videos(title="")
    for url in ("javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,a", "file:///etc/passwd", "no scheme"):
        Video.objects.filter(pk=odd.pk).update(url=url)
        page = get(superuser_client, f"/videos/{odd.video_id}/")
        assert f'href="{url}' not in page
        assert "Open original" not in page


def test_values_that_mean_nothing_are_shown_as_unknown(written):
    (odd,) = create_videos(title="  ")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE downloads_video SET url = '', percent = 1e308, duration = -1, size = -5, quality = 'weird', "
            f"added_at = '9999-12-31 23:59:59' WHERE id = {odd.pk}"
        )
    video = Video.objects.get(pk=odd.pk)
    assert (video.percent, video.duration, video.size, video.added_at) == (None, None, None, None)
    assert video.name == "Unknown video"


@pytest.mark.parametrize("model", [VideoEvent, Queue, EntryRequest], ids=lambda model: model.__name__)
def test_odd_rows_of_other_tables_break_nothing(superuser_client, written, model):
    (video,) = create_videos(title="Good film", status=Status.QUEUED)
    row = {
        VideoEvent: lambda: VideoEvent.objects.create(video=video, public_id=video.video_id, status="queued"),
        Queue: lambda: Queue.objects.create(pk=1, held_by="a"),
        EntryRequest: lambda: EntryRequest.objects.create(video=video, playlist_url="http://a.example/"),
    }[model]()
    for field in writable_fields(model):
        literals = list(odd_literals(field))
        for literal in literals[:: 1 + len(literals) // 4]:
            if write_value(row, field, literal):
                list(model.objects.all())
        get(superuser_client, "/")
        get(superuser_client, f"/videos/{video.video_id}/")
        get(superuser_client, f"/admin/downloads/video/{video.pk}/change/")
        assert list(metrics._database_metrics())
        Video.objects.claimable().exists()
    for request in EntryRequest.objects.all():
        request.forget_secrets()


def test_odd_rows_of_users_and_sessions_sign_nobody_in_and_break_nothing(client, written):
    user = get_user_model().objects.create_superuser("ann")
    for data in ({SESSION_KEY: "abc"}, {SESSION_KEY: None}, [1, 2], "text", {SESSION_KEY: "9" * 400}):
        store = SessionStore()
        key = store.session_key or "a" * 32
        Session.objects.update_or_create(
            session_key=key, defaults={"session_data": store.encode(data), "expire_date": "2999-01-01 00:00:00+00:00"}
        )
        client.cookies.load({settings.SESSION_COOKIE_NAME: key})
        assert "Sign in" in get(client, "/")
        assert not checked_session_data(data)
    client.force_login(user)
    for field in writable_fields(get_user_model()):
        if field.name in ("last_login", "date_joined", "email"):
            for literal in list(odd_literals(field))[:8:2]:
                write_value(user, field, literal)
                get(client, "/")
                get(client, "/admin/auth/user/")
                get(client, f"/admin/auth/user/{user.pk}/change/")
