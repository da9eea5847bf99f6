"""The account page, its password form, the sessions of an account, and the theme."""

import re

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from downloads.accounts.theme import COOKIE_NAME
from downloads.models.audit.entry import AuditAction, AuditEntry
from downloads.tests.support.factories import complete, failed, waiting
from downloads.tests.support.users import make_staff, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files", "redis_server")]
OLD, NEW = "correct horse battery staple", "a quite different sentence"


@pytest.fixture
def user():
    return make_user("ada", "editor", password=OLD)


@pytest.fixture
def client(user):
    return sign_in()


def sign_in() -> Client:
    client = Client()
    assert client.post("/accounts/login/", {"username": "ada", "password": OLD}).status_code == 302
    return client


def change_password(client: Client, old: str = OLD, new: str = NEW, again: str = NEW):
    return client.post("/account/", {"old_password": old, "new_password1": new, "new_password2": again})


def is_signed_in(client: Client) -> bool:
    return client.get("/account/").status_code == 200


@pytest.mark.parametrize(("role", "text"), [
    ("viewer", "Viewer: you can watch"),
    ("", "Viewer: you can watch"),
    ("editor", "Editor: you can watch and add videos, follow channels, and"),
    ("manager", "Manager: you can do everything with videos and subscriptions"),
    ("superuser", "Administrator: you can do everything"),
])  # fmt: skip
def test_it_says_the_name_and_the_role(role, text):
    browser = Client()
    browser.force_login(make_user("<b>bob", role))
    page = browser.get("/account/").content.decode()
    assert text in page
    assert "&lt;b&gt;bob" in page
    assert "<b>bob" not in page


def test_a_new_password_keeps_this_session_and_ends_the_others(client, user):
    other = sign_in()
    response = change_password(client)
    assert (response.status_code, response["Location"]) == (302, "/account/")
    assert "Password changed." in client.get("/account/").content.decode()
    assert not is_signed_in(other)
    user.refresh_from_db()
    assert user.check_password(NEW)
    entry = AuditEntry.objects.filter(action=AuditAction.ACCOUNT_CHANGED).get()
    assert (entry.actor, entry.details) == (user, "User ada: changed their own password.")


@pytest.mark.parametrize(("fields", "text"), [
    ({"old": "wrong"}, "That isn’t your current password."),
    ({"new": "abc", "again": "abc"}, "too short"),
    ({"new": "password123", "again": "password123"}, "too common"),
    ({"again": "something else"}, "didn’t match"),
    ({"old": ""}, "required"),
])  # fmt: skip
def test_a_refused_password_says_why(client, user, fields, text):
    response = change_password(client, **fields)
    assert response.status_code == 200
    page = response.content.decode().replace("&#x27;", "’")
    assert text in page
    assert all(password not in page for password in (OLD, NEW, "password123"))
    user.refresh_from_db()
    assert user.check_password(OLD)


def test_guessing_the_old_password_is_limited_as_the_sign_in_is(client, user):
    for _ in range(9):
        assert change_password(client, old="wrong").status_code == 200
    response = change_password(client, old="wrong")
    assert (response.status_code, response["Retry-After"]) == (429, "300")
    assert "Too many failed attempts. Try again in 5 minutes." in response.content.decode()
    assert change_password(client).status_code == 429
    assert Client().post("/accounts/login/", {"username": "ada", "password": OLD}).status_code == 429
    user.refresh_from_db()
    assert user.check_password(OLD)


def test_other_devices_can_be_signed_out(client):
    others = [sign_in(), sign_in()]
    bob = Client()
    bob.force_login(make_user("bob"))
    assert client.post("/account/sign-out-others").status_code == 302
    assert "Signed out 2 other devices." in client.get("/account/").content.decode()
    assert [is_signed_in(browser) for browser in (client, *others, bob)] == [True, False, False, True]


# The theme ----------------------------------------------------------------------------------------


def html_tag(page: bytes) -> str:
    return re.search(r"<html[^>]*>", page.decode())[0]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/nowhere"])
def test_the_server_applies_the_theme_of_anybody(theme, path):
    stranger = Client()
    response = stranger.post("/account/theme", {"theme": theme}, headers={"Referer": "http://testserver/?q=a"})
    assert response["Location"] == "http://testserver/?q=a"
    assert response.cookies[COOKIE_NAME]["samesite"] == "Lax"
    page = stranger.get(path).content
    assert f'data-theme="{theme}"' in html_tag(page)
    assert re.search(rf'value="{theme}"\s+aria-pressed="true"', page.decode())
    stranger.post("/account/theme", {"theme": "system"})
    assert "data-theme" not in html_tag(stranger.get(path).content)


def test_the_admin_follows_the_theme(client):
    staff = Client()
    staff.force_login(make_user("bob", "superuser"))
    assert 'content="light dark"' in staff.get("/admin/").content.decode()
    staff.post("/account/theme", {"theme": "dark"})
    page = staff.get("/admin/").content.decode()
    assert re.search(r'<meta name="color-scheme"\s+content="dark" />', page)


@pytest.mark.parametrize("theme", ["", "blue", '"><script>', "SYSTEM"])
def test_another_theme_is_refused(client, theme):
    response = client.post("/account/theme", {"theme": theme})
    assert COOKIE_NAME not in response.cookies
    assert "Choose the theme" in client.get("/account/").content.decode()
    client.cookies[COOKIE_NAME] = theme
    assert "data-theme" not in html_tag(client.get("/account/").content)


def test_a_theme_is_no_way_to_another_site(client):
    for url in ("https://evil.example/", "//evil.example", "javascript:alert(1)"):
        assert client.post("/account/theme", {"theme": "dark", "next": url})["Location"] == "/"


# One sign-in for the site and the admin ------------------------------------------------------------


def test_the_admin_uses_the_sign_in_of_the_site():
    response = Client().get("/admin/downloads/video/?q=a", follow=True)
    assert response.redirect_chain[-1][0].startswith("/accounts/login/?next=/admin/downloads/video/")
    assert b"Sign in to continue." in response.content


def test_the_admin_refuses_those_who_are_no_staff(client):
    response = client.get("/admin/", follow=True)
    assert response.status_code == 403
    assert "The admin is for staff" in response.content.decode()


def test_the_password_is_changed_in_one_place():
    staff = Client()
    staff.force_login(make_staff("eve", "view_video"))
    assert staff.get("/admin/password_change/")["Location"] == "/account/"
    page = staff.get("/admin/").content.decode()
    assert 'action="/accounts/logout/"' in page
    assert "Log out" not in page
    assert get_user_model().objects.get(username="eve").is_staff


# The page of a video in the admin ------------------------------------------------------------------


@pytest.mark.parametrize(("make", "words"), [
    (waiting, ["Start next", "Cancel"]),
    (failed, ["Retry"]),
    (complete, ["Download again"]),
])  # fmt: skip
def test_a_video_of_the_admin_has_its_verbs_as_buttons(make, words):
    staff = Client()
    staff.force_login(make_user("root", "superuser"))
    video = make("a")
    url = f"/admin/downloads/video/{video.pk}/change/"
    page = staff.get(url).content.decode()
    assert re.findall(r'<button class="button" type="submit">([^<]+)</button>', page) == words
    name = re.search(rf'action="(/videos/{video.video_id}/\w+)"', page)[1]
    assert staff.post(name, {"next": url})["Location"] == url
