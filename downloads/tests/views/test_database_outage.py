"""Pages and forms while the database is locked, away or of another version."""

import html
import re
import sqlite3
import time

import pytest
from django.conf import settings as project_settings
from django.contrib.auth import get_user_model
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from downloads.database import schema
from downloads.database.outages import UNREACHABLE
from downloads.models import Video
from downloads.tests.support.responses import HTMX_HEADERS
from downloads.tests.support.sqlite_lock import locked_database
from downloads.views.middleware import database_outage

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("static_files", "redis_server", "short_waits"),
]
URLS = "http://93.184.215.14/one.mp4\nhttp://93.184.215.14/two.mp4"


@pytest.fixture
def short_waits(monkeypatch):
    """Connections that wait 0.1 s for a lock, and an outage that nobody has noticed yet."""
    monkeypatch.setattr(database_outage, "tracker", database_outage.OutageTracker())
    monkeypatch.setattr(database_outage, "PROBE_INTERVAL_SECONDS", 0.0)
    monkeypatch.setattr(schema, "CACHE_SECONDS", 0.0)
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.1)
    connection.close()
    yield
    connection.close()


@pytest.fixture
def browser() -> Client:
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(get_user_model().objects.create_superuser("ann", password="secret pass"))
    return client


def send(client: Client, path: str, data: dict | None = None, **headers):
    page = client.get("/accounts/logout/").content.decode()
    token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[0]
    return client.post(path, {"csrfmiddlewaretoken": token, **(data or {})}, **headers)


def text_of(response) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def fields_of(response) -> list[tuple[str, str]]:
    page = response.content.decode()
    inputs = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page)
    areas = re.findall(r'<textarea[^>]* name="(\w+)"[^>]*>([^<]*)</textarea>', page)
    return [(name, html.unescape(value)) for name, value in [*areas, *inputs] if name != "csrfmiddlewaretoken"]


def test_what_was_typed_can_be_sent_again_once_the_database_is_unlocked(browser):
    began = time.monotonic()
    with locked_database():
        response = send(browser, "/videos/add/", {"urls": URLS, "quality": "audio", "subtitles": "en"})
    assert time.monotonic() - began < 3
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"
    assert "The database is busy" in text_of(response)
    fields = fields_of(response)
    assert dict(fields) == {"urls": URLS, "quality": "audio", "subtitles": "en"}
    assert send(browser, "/videos/add/", dict(fields)).status_code == 302
    assert Video.objects.filter(quality="audio").count() == 2


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/queue/pause", {"next": "/?q=a"}),
        ("/queue/cancel-all", {}),
        ("/videos/{0}/cancel", {}),
        ("/videos/{0}/delete", {"next": "/"}),
        ("/videos/many", {"do": "cancel", "id": "{0}"}),
        ("/videos/many", {"do": "delete", "confirmed": "1", "id": "{0}"}),
    ],
)
def test_an_action_is_kept_with_all_its_fields(browser, path, data):
    video, _ = Video.objects.ingest("http://a.example/", "http://a.example/")
    data = {name: value.format(video.video_id) for name, value in data.items()}
    with locked_database():
        response = send(browser, path.format(video.video_id), data)
    assert response.status_code == 503
    assert "Send it again" in text_of(response)
    assert fields_of(response) == [*data.items()]
    assert Video.objects.filter(pk=video.pk, status="queued").exists()


def test_who_signs_in_keeps_the_name_and_never_the_password(browser):
    path = "/accounts/login/"
    browser.logout()
    with locked_database():
        token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', browser.get(path).content.decode())[0]
        data = {"csrfmiddlewaretoken": token, "username": "ann", "password": "secret pass", "next": "/admin/"}
        response = browser.post(path, data)
    assert response.status_code == 503
    page = response.content.decode()
    assert 'value="ann"' in page
    assert "secret pass" not in page
    assert f'action="{path}"' in page


def test_a_form_with_a_password_is_not_repeated(browser):
    with locked_database():
        response = send(
            browser, "/admin/auth/user/add/", {"username": "bob", "password1": "a pass", "password2": "a pass"}
        )
    assert response.status_code == 503
    assert "a pass" not in response.content.decode()
    assert "Back button" in text_of(response)


def test_an_admin_action_is_answered_in_words(browser):
    video, _ = Video.objects.ingest("http://a.example/", "http://a.example/")
    with locked_database():
        response = send(
            browser, "/admin/downloads/video/", {"action": "cancel", "_selected_action": [video.pk], "index": "0"}
        )
    assert response.status_code == 503
    assert ("action", "cancel") in fields_of(response)


def test_an_open_page_gets_the_sentence_in_place(browser):
    with locked_database():
        response = send(browser, "/videos/add/", {"urls": URLS, "quality": "best"}, **HTMX_HEADERS)
    assert response.status_code == 503
    page = response.content.decode()
    assert page.count('class="notice"') == 1, "the part that htmx selects"
    assert "The database is busy" in page
    assert "<html" not in page


def test_the_log_has_one_line_of_an_outage_and_one_of_its_end(browser, caplog):
    with locked_database():
        for _ in range(3):
            assert send(browser, "/queue/pause").status_code == 503
            assert browser.get("/").status_code == 200, "it can be read meanwhile"
    assert send(browser, "/queue/pause").status_code == 302
    assert caplog.text.count("Requests are answered with 503: The database is busy") == 1
    assert caplog.text.count("The database can be used again") == 1
    assert "Traceback" not in caplog.text


@pytest.fixture
def damaged_database():
    """Another file in the place of the database."""
    connection.close()
    path = project_settings.DATABASES["default"]["NAME"]
    files = [path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")]
    for file in files:
        if file.exists():
            file.rename(file.with_name(f"aside-{file.name}"))
    path.write_bytes(b"no database " * 1000)
    yield
    connection.close()
    for file in files:
        file.unlink(missing_ok=True)
        moved = file.with_name(f"aside-{file.name}")
        if moved.exists():
            moved.rename(file)


@pytest.mark.parametrize(
    "path", ["/", "/videos/list", "/videos/abc/", "/admin/", "/media/abc/video", "/accounts/login/"]
)
def test_every_page_says_that_the_database_is_damaged(browser, damaged_database, path):
    response = browser.get(path)
    assert response.status_code == 503
    assert "The database is damaged" in text_of(response)
    assert "Back to the library" in text_of(response)


def test_the_snapshot_is_answered_in_json(browser, damaged_database):
    response = browser.get("/api/progress")
    assert response.status_code == 503
    assert response.json() == {"error": "The database is damaged."}


def test_an_emptied_database_is_no_upgrade(browser, damaged_database):
    project_settings.DATABASES["default"]["NAME"].unlink()
    assert "The database has no tables: its file was replaced or emptied." in text_of(browser.get("/"))


def test_a_database_that_cannot_be_reached_is_asked_once(monkeypatch):
    """Each request for a connection waits for seconds."""
    monkeypatch.setattr(schema, "find_mismatch_cached", lambda: pytest.fail("it is asked again"))
    assert database_outage._describe(OperationalError("couldn't get a connection")) == UNREACHABLE


def test_a_newer_schema_is_named_in_place_of_a_traceback(browser, caplog, monkeypatch):
    # Nothing is locked here: where the migrations are read, a slow machine needs more than 0.1 s.
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 10)
    connection.close()
    recorder = MigrationRecorder(connection)
    recorder.record_applied("downloads", "0099_future")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE downloads_queue RENAME COLUMN reason TO why")
    try:
        response = browser.get("/")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE downloads_queue RENAME COLUMN why TO reason")
        recorder.record_unapplied("downloads", "0099_future")
    assert response.status_code == 503
    assert "The archive is being upgraded" in text_of(response)
    assert "Traceback" not in caplog.text


def test_a_bug_stays_a_bug(browser, monkeypatch):
    def broken(*args):
        raise OperationalError("no such column: nonsense") from sqlite3.OperationalError("no such column: nonsense")

    monkeypatch.setattr(Video.objects, "latest_rev", broken)
    assert browser.get("/videos/abc/").status_code == 500
