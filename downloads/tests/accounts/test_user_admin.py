"""Attempts of staff who may edit users, but are no superusers, to get more permissions than they have."""

import pytest
from django.contrib.auth.models import Group, Permission, User

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

    assert [name for name in ("viewer", "editor", "manager", "deleters") if f">{name}</option>" in page] == [
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
