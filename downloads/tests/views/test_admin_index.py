"""The first page of the admin."""

import re

import pytest
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth.models import User

from downloads.models import Queue
from downloads.tests.support.admin import run_admin_action
from downloads.tests.support.cases import each_case
from downloads.tests.support.factories import complete, failed
from downloads.tests.support.users import make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


def index_text(client) -> str:
    return " ".join(client.get("/admin/").content.decode().split())


def test_it_leaves_out_what_was_done_before_anything_was(superuser_client):
    assert "recent actions" not in index_text(superuser_client)


def test_it_says_what_was_done_in_words(superuser_client):
    ann = User.objects.get(username="ann")
    bob = make_user("bob", "viewer")
    for action in (ADDITION, CHANGE, DELETION):
        LogEntry.objects.log_actions(ann.pk, [bob], action)
    page = index_text(superuser_client)
    assert "Your recent actions" in page
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
    assert '<li class="failed"> <a href="/activity/?state=failed"><strong>1</strong> Failed</a>' in page
    assert '<li class="none"> <a href="/activity/?state=queued"><strong>0</strong> Waiting</a>' in page
    assert '<a href="/admin/downloads/video/">Videos</a> <span class="muted">2</span>' in page
    assert '<a href="/admin/auth/user/">Users</a> <span class="muted">2</span>' in page
    assert 'href="/admin/auth/user/add/">Add user</a>' in page
    for words in (
        '<span>Pause<span class="rest"> queue</span></span>',
        "Update yt-dlp",
        "What was done, when and by whom.",
    ):
        assert words in page
    assert page.partition('id="content-main"')[2].count('href="/audit/"') == 1
    Queue.objects.update_or_create(pk=1, defaults={"paused": True})
    assert "Queue paused." in index_text(superuser_client)


def test_it_shows_a_viewer_the_state_without_the_buttons(client):
    client.force_login(make_user("carl", "viewer", is_staff=True))
    page = index_text(client)
    assert "</strong> Downloading</a>" in page
    for words in ('<span>Pause<span class="rest"> queue</span></span>', "Update yt-dlp", "Audit log", "People"):
        assert words not in page


@each_case(
    ("path", "trail"),
    [
        ("auth/user/add/", ["Users", "Add user"]),
        ("auth/user/{pk}/change/", ["Users", "bob"]),
        ("auth/user/{pk}/delete/", ["Users", "bob", "Delete"]),
        ("auth/user/{pk}/history/", ["Users", "bob", "History"]),
        ("auth/user/{pk}/password/", ["Users", "bob", "Password"]),
    ],
)
def test_it_leads_back_by_the_names_of_what_is_above(path, trail, superuser_client, bob):
    page = superuser_client.get(f"/admin/{path.format(pk=bob.pk)}").content.decode()
    breadcrumbs = page[page.index('<nav class="breadcrumbs"') :].partition("</nav>")[0]
    assert [" ".join(word.split()) for word in re.findall(r"(?<=>)[^<>]*\w[^<>]*", breadcrumbs)] == trail
    assert breadcrumbs.count("<a ") == len(trail) - 1
    assert breadcrumbs.count('aria-current="page"') == 1


def read_tabs(client, path: str) -> list[tuple[str, str]]:
    """Return the tabs of the admin on a page: the value of `aria-current`, and the words."""
    page = client.get(path).content.decode()
    tabs = page[page.index('aria-label="Admin"') :].partition("</nav>")[0]
    return re.findall(r'<a href="[^"]*"\s*(?:aria-current="(\w+)")?\s*>([^<]+)</a>', tabs)


@each_case(
    ("path", "current", "value"),
    [
        ("/admin/", "Admin", "page"),
        ("/admin/downloads/", None, None),
        ("/admin/auth/user/", "Users", "page"),
        ("/admin/auth/user/{pk}/change/", "Users", "true"),
        ("/admin/auth/user/{pk}/password/", "Users", "true"),
        ("/admin/auth/group/", "Roles", "page"),
        ("/admin/downloads/subscriptionitem/", "Items", "page"),
        ("/audit/", "Audit log", "page"),
    ],
)
def test_tabs_lead_across_the_admin(path, current, value, superuser_client, bob):
    tabs = read_tabs(superuser_client, path.format(pk=bob.pk))
    names = ["Admin", "Videos", "Subscriptions", "Items", "Users", "Roles", "Audit log"]
    assert [name for _, name in tabs] == names
    assert [(name, mark) for mark, name in tabs if mark] == ([(current, value)] if current else [])


def test_only_staff_have_tabs_at_the_audit_log(client):
    client.force_login(make_user("carl", "manager"))
    assert 'aria-label="Admin"' not in client.get("/audit/").content.decode()


def test_pages_that_ask_before_a_deletion_have_the_tabs(superuser_client, bob):
    data = {"action": "delete_selected", "_selected_action": [bob.pk], "index": 0}
    for page in (
        run_admin_action(superuser_client, "delete_selected", complete("a")),
        superuser_client.post("/admin/auth/user/", data).content.decode(),
    ):
        assert page.index('aria-label="Admin"') < page.index('aria-label="Breadcrumbs"')


def test_tabs_lead_to_what_one_may_open(client):
    client.force_login(make_user("carl", "viewer", is_staff=True))
    assert [name for _, name in read_tabs(client, "/admin/")] == ["Admin", "Videos", "Subscriptions", "Items"]


@pytest.fixture
def bob():
    return make_user("bob", "viewer")
