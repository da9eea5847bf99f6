"""Accounts and groups in the admin: what staff may do who are no superusers, and what the pages say."""

import re

import pytest
from django.contrib.auth.models import Group, Permission, User

from downloads.accounts.user_admin import ArchiveUserAdmin
from downloads.tests.support.users import make_staff, make_user, role_group

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]
USERS_URL, GROUPS_URL = "/admin/auth/user/", "/admin/auth/group/"
PASSWORD = "a password of the attacker"


@pytest.fixture
def mia(client):
    """Staff with the role of an editor and all of Django's permissions for users and groups."""
    names = [f"{verb}_{model}" for verb in ("view", "add", "change", "delete") for model in ("user", "group")]
    user = make_staff("mia", *names)
    user.groups.add(role_group("editor"))
    client.force_login(user)
    return user


@pytest.fixture
def role_pks():
    return {name: role_group(name).pk for name in ("viewer", "editor", "manager")}


def change_url(user: User) -> str:
    return f"{USERS_URL}{user.pk}/change/"


def post_change(client, user: User, **fields):
    return client.post(change_url(user), {"username": user.username, "is_active": "on", **fields})


def reload_user(user: User) -> User:
    return User.objects.get(pk=user.pk)


def has_check_box(page: str, name: str) -> bool:
    return re.search(rf'<input type="checkbox" name="groups"[^>]*>\s*{name}<', page) is not None


def roles(user: User) -> set[str]:
    return set(reload_user(user).groups.values_list("name", flat=True))


# Refused ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mia", "bob"])
def test_it_ignores_the_fields_of_administrators(client, mia, role_pks, name):
    user = mia if name == "mia" else make_user("bob", "viewer")
    everything = [*Permission.objects.values_list("pk", flat=True)]
    fields = {"is_superuser": "on", "is_staff": "on", "user_permissions": everything, "groups": [role_pks["viewer"]]}
    before = set(user.user_permissions.all())

    assert post_change(client, user, **fields).status_code == 302

    after = reload_user(user)
    assert (after.is_superuser, after.is_staff) == (False, user.is_staff)
    assert set(after.user_permissions.all()) == before
    assert roles(user) == {"viewer"}


def test_it_offers_and_takes_no_role_with_more_permissions(client, mia, role_pks):
    bob = make_user("bob", "viewer")
    deleters = Group.objects.create(name="deleters")
    deleters.permissions.add(Permission.objects.get(codename="delete_video"))

    page = client.get(change_url(bob)).content.decode()
    answers = [
        post_change(client, user, groups=[pk]) for user in (bob, mia) for pk in (role_pks["manager"], deleters.pk)
    ]

    assert [name for name in ("viewer", "editor", "manager", "deleters") if has_check_box(page, name)] == [
        "viewer",
        "editor",
    ]
    assert {answer.status_code for answer in answers} == {200}, "an error beside the field"
    assert (roles(bob), roles(mia)) == ({"viewer"}, {"editor"})


@pytest.mark.parametrize("is_active", [True, False], ids=["active", "inactive"])
@pytest.mark.parametrize("kind", ["superuser", "manager", "single permission"])
def test_it_leaves_accounts_with_more_permissions_alone(client, mia, role_pks, kind, is_active):
    if kind == "single permission":
        user = make_staff("root", "delete_video")
    else:
        user = make_user("root", kind, password="theirs")
    User.objects.filter(pk=user.pk).update(is_active=is_active)
    before = User.objects.filter(pk=user.pk).values().get()
    passwords = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD, "set-password": ""}

    statuses = [
        post_change(client, user, username="mine").status_code,
        client.post(f"{USERS_URL}{user.pk}/password/", passwords).status_code,
        client.get(f"{USERS_URL}{user.pk}/password/").status_code,
        client.post(f"{USERS_URL}{user.pk}/delete/", {"post": "yes"}).status_code,
    ]
    selection = {"action": "delete_selected", "_selected_action": [user.pk], "post": "yes"}
    client.post(USERS_URL, selection)

    assert statuses == [403] * 4
    assert User.objects.filter(pk=user.pk).values().get() == before
    assert 'name="username"' not in client.get(change_url(user)).content.decode(), "it is shown read-only"


def test_it_changes_no_group(client, mia, role_pks):
    everything = [*Permission.objects.values_list("pk", flat=True)]
    before = {group.name: group.permissions.count() for group in Group.objects.all()}
    fields = {"name": "editor", "permissions": everything}

    statuses = [
        client.post(f"{GROUPS_URL}{role_pks['editor']}/change/", fields).status_code,
        client.post(f"{GROUPS_URL}add/", {**fields, "name": "mine"}).status_code,
        client.get(f"{GROUPS_URL}add/").status_code,
        client.post(f"{GROUPS_URL}{role_pks['manager']}/delete/", {"post": "yes"}).status_code,
    ]
    client.post(GROUPS_URL, {"action": "delete_selected", "_selected_action": [role_pks["manager"]], "post": "yes"})

    assert statuses == [403] * 4
    assert {group.name: group.permissions.count() for group in Group.objects.all()} == before
    assert "addlink" not in client.get(GROUPS_URL).content.decode()


@pytest.mark.parametrize("role", ["viewer", "editor", "manager"])
def test_roles_alone_open_no_accounts(client, role):
    user = make_user("bob", role, is_staff=True)
    client.force_login(user)

    assert [client.get(url).status_code for url in (USERS_URL, f"{USERS_URL}add/", change_url(user), GROUPS_URL)] == [
        403
    ] * 4
    assert USERS_URL not in client.get("/admin/").content.decode()


# Permitted ----------------------------------------------------------------------------------------


def test_it_adds_viewers_and_editors(client, mia, role_pks):
    fields = {"username": "new", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    assert client.post(f"{USERS_URL}add/", fields).status_code == 302
    new = User.objects.get(username="new")

    assert post_change(client, new, groups=[role_pks["editor"]]).status_code == 302
    assert roles(new) == {"editor"}
    assert post_change(client, new).status_code == 302
    assert roles(new) == set()


def test_a_superuser_gives_every_role(superuser_client, role_pks):
    bob = make_user("bob", "")

    fields = {"groups": [role_pks["manager"]], "is_staff": "on", "is_superuser": "on"}
    assert post_change(superuser_client, bob, **fields).status_code == 302

    after = reload_user(bob)
    assert (roles(bob), after.is_staff, after.is_superuser) == ({"manager"}, True, True)


# What the pages say -------------------------------------------------------------------------------


def text(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_it_says_of_a_password_that_it_is_set(superuser_client):
    bob = make_user("bob", "viewer", password="theirs")
    page = text(superuser_client.get(change_url(bob)).content.decode())
    assert re.search(r"Password: Set \(\w+\) Reset password", page)
    assert "*****" not in page


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        ("!unusable", "No password set. Set password"),
        ("", "No password set. Set password"),
        ("nonsense", "Invalid password format or unknown hashing algorithm. Reset password"),
    ],
)
def test_it_says_that_there_is_no_password(superuser_client, stored, words):
    bob = make_user("bob", "viewer")
    User.objects.filter(pk=bob.pk).update(password=stored)
    assert f"Password: {words}" in text(superuser_client.get(change_url(bob)).content.decode())


def test_permissions_are_named_briefly(superuser_client, role_pks):
    bob = make_user("bob", "viewer")
    for url in (change_url(bob), f"{GROUPS_URL}{role_pks['viewer']}/change/", f"{GROUPS_URL}add/"):
        page = superuser_client.get(url).content.decode()
        assert re.search(r"<option[^>]*>Can add video</option>", page), url
        assert "Archive | video" not in page


def test_roles_are_check_boxes(superuser_client, role_pks):
    bob = make_user("bob", "viewer")
    page = superuser_client.get(change_url(bob)).content.decode()
    assert all(has_check_box(page, name) for name in role_pks)
    assert re.findall(r'name="groups" value="(\d+)"[^>]*checked', page) == [str(role_pks["viewer"])]
    assert 'id="add_id_groups"' not in page


def test_it_filters_users_without_a_group(superuser_client):
    make_user("bob", "viewer")
    make_user("eve", "")
    page = superuser_client.get(USERS_URL).content.decode()
    assert re.search(r'href="\?groups__isnull=True">\s*No group\s*<', page)
    table = superuser_client.get(f"{USERS_URL}?groups__isnull=True").content.decode()
    assert ">eve</a>" in table
    assert ">bob</a>" not in table


def test_it_asks_under_the_name_of_what_it_deletes(superuser_client, role_pks):
    bob = make_user("bob <b>", "viewer")
    page = superuser_client.get(f"{USERS_URL}{bob.pk}/delete/").content.decode()
    assert "<h1>Delete user “bob &lt;b&gt;”?</h1>" in page
    assert 'type="submit" value="Delete user"' in page
    page = superuser_client.get(f"{GROUPS_URL}{role_pks['viewer']}/delete/").content.decode()
    assert "<h1>Delete group “viewer”?</h1>" in page


def test_it_does_not_ask_about_what_it_may_not_delete(superuser_client, monkeypatch):
    bob = make_user("bob", "")
    monkeypatch.setattr(ArchiveUserAdmin, "get_deleted_objects", lambda *_args: ([], {}, {"video"}, []))
    page = superuser_client.get(f"{USERS_URL}{bob.pk}/delete/").content.decode()
    assert "<h1>Cannot delete user</h1>" in page
