"""The first page of the admin."""

import re

import pytest
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth.models import User

from downloads.models import Queue
from downloads.tests.support.cases import each_case
from downloads.tests.support.factories import complete, failed
from downloads.tests.support.users import make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


def index_text(client) -> str:
    return " ".join(client.get("/admin/").content.decode().split())


def test_it_says_that_nothing_was_done_yet(superuser_client):
    assert "Nothing yet." in index_text(superuser_client)


def test_it_says_what_was_done_in_words(superuser_client):
    ann = User.objects.get(username="ann")
    bob = make_user("bob", "viewer")
    for action in (ADDITION, CHANGE, DELETION):
        LogEntry.objects.log_actions(ann.pk, [bob], action)
    page = index_text(superuser_client)
    for verb in ("Added", "Changed"):
        assert f'{verb} user <a href="/admin/auth/user/{bob.pk}/change/">bob</a>' in page
    assert "Deleted user bob" in page


def test_it_has_the_header_of_the_other_pages_and_says_where_one_is(superuser_client):
    page = index_text(superuser_client)
    for name in ("Library", "Channels", "Subscriptions", "Activity"):
        assert f"</svg> {name}</a>" in page
    assert 'aria-label="Account of ann"' in page
    assert '<a href="/admin/" aria-current="page">' in page
    assert "Keyboard shortcuts" not in page  # their dialog is not here


def test_it_says_how_the_archive_is_and_what_each_list_is_for(superuser_client, bob):
    complete("a")
    failed("b")
    page = index_text(superuser_client)
    assert '<a href="/activity/?state=failed"><strong>1</strong> Failed</a>' in page
    assert '<a href="/activity/?state=queued"><strong>0</strong> Waiting</a>' in page
    assert '<a href="/admin/downloads/video/">Videos</a> <span class="muted">2</span>' in page
    assert '<a href="/admin/auth/user/">Users</a> <span class="muted">2</span>' in page
    assert 'href="/admin/auth/user/add/">Add user</a>' in page
    for words in ("Pause queue", "Update yt-dlp", "What was done, when and by whom."):
        assert words in page
    assert page.partition('id="content-main"')[2].count('href="/audit/"') == 1
    Queue.objects.update_or_create(pk=1, defaults={"paused": True})
    assert "Queue paused." in index_text(superuser_client)


def test_it_shows_a_viewer_the_state_without_the_buttons(client):
    client.force_login(make_user("carl", "viewer", is_staff=True))
    page = index_text(client)
    assert "</strong> Downloading</a>" in page
    for words in ("Pause queue", "Update yt-dlp", "Audit log", "People"):
        assert words not in page


@each_case(
    ("path", "trail"),
    [
        ("downloads/", ["Admin", "Archive"]),
        ("auth/user/", ["Admin", "People", "Users"]),
        ("auth/user/add/", ["Admin", "People", "Users", "Add user"]),
        ("auth/user/{pk}/change/", ["Admin", "People", "Users", "bob"]),
        ("auth/user/{pk}/delete/", ["Admin", "People", "Users", "bob", "Delete"]),
        ("auth/user/{pk}/history/", ["Admin", "People", "Users", "bob", "History"]),
        ("auth/user/{pk}/password/", ["Admin", "People", "Users", "bob", "Password"]),
    ],
)
def test_it_leads_back_by_the_names_of_what_is_above(path, trail, superuser_client, bob):
    page = superuser_client.get(f"/admin/{path.format(pk=bob.pk)}").content.decode()
    breadcrumbs = page[page.index('<nav class="breadcrumbs"') :].partition("</nav>")[0]
    assert [" ".join(word.split()) for word in re.findall(r"(?<=>)[^<>]*\w[^<>]*", breadcrumbs)] == trail
    assert breadcrumbs.count("<a ") == len(trail) - 1
    assert breadcrumbs.count('aria-current="page"') == 1


@pytest.fixture
def bob():
    return make_user("bob", "viewer")
