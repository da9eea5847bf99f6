"""Accounts and groups in the admin: what staff may do who are no superusers, and what the pages say."""

import datetime as dt
import re

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, Permission, User

from downloads.accounts.administration.deletion import refusal_reason
from downloads.accounts.administration.permission_choices import describe_group
from downloads.accounts.user_admin import ArchiveUserAdmin
from downloads.models import Subscription, Video, WatchState
from downloads.tests.support.factories import complete
from downloads.tests.support.subscriptions import claimed
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
    label = name.capitalize()
    return re.search(rf'<input type="checkbox"\s+name="groups"[^>]*>\s*<label[^>]*>{label}<', page) is not None


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


def test_one_button_saves(superuser_client, role_pks):
    bob = make_user("bob", "")
    for url in (change_url(bob), f"{GROUPS_URL}{role_pks['viewer']}/change/", f"{USERS_URL}add/", f"{GROUPS_URL}add/"):
        page = superuser_client.get(url).content.decode()
        names = re.findall(r'<input type="submit"[^>]*name="(\w+)"', page)
        assert names == ["_save", "_addanother"] if "add" in url else ["_save"], url


# What the pages say -------------------------------------------------------------------------------


def text(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_it_says_of_a_password_that_it_is_set(superuser_client):
    bob = make_user("bob", "viewer", password="theirs")
    page = text(superuser_client.get(change_url(bob)).content.decode())
    assert re.search(r"Password Set \(\w+\) Reset password", page)
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
    assert f"Password {words}" in text(superuser_client.get(change_url(bob)).content.decode())


def checked(page: str, name: str) -> list[str]:
    """Return the labels of the check boxes of a field that are ticked."""
    boxes = re.findall(rf'<input type="checkbox"\s+name="{name}"([^>]*)>\s*<label[^>]*>([^<]*)<', page)
    return [label for attributes, label in boxes if "checked" in attributes]


def test_permissions_are_check_boxes_in_plain_words(superuser_client, role_pks):
    bob = make_user("bob", "viewer")
    for url in (change_url(bob), f"{GROUPS_URL}{role_pks['viewer']}/change/", f"{GROUPS_URL}add/"):
        page = superuser_client.get(url).content.decode()
        choices = page[page.index('class="choices"') :]
        assert re.findall(r"<legend>([^<]*)</legend>", choices) == ["Videos", "Archive", "Accounts (staff only)"], url
        assert re.search(r"<label[^>]*>Add videos</label>\s*<p[^>]*>And follow channels and playlists.</p>", page), url
        assert "log entry" not in page
        assert "<select" not in page


def test_a_group_is_saved_with_what_is_ticked(superuser_client):
    names = ["add_video", "delete_video", "view_user"]
    pks = [*Permission.objects.filter(codename__in=names).values_list("pk", flat=True)]
    assert superuser_client.post(f"{GROUPS_URL}add/", {"name": "friends", "permissions": pks}).status_code == 302
    friends = Group.objects.get(name="friends")
    assert {permission.codename for permission in friends.permissions.all()} == set(names)
    page = superuser_client.get(f"{GROUPS_URL}{friends.pk}/change/").content.decode()
    assert checked(page, "permissions") == ["Add videos", "Delete videos", "See users"]


@pytest.mark.parametrize("model", ["user", "group"])
@pytest.mark.parametrize("is_stored", [True, False], ids=["stored", "not stored"])
def test_what_everybody_may_do_is_ticked_and_not_changed(superuser_client, model, is_stored):
    view = Permission.objects.get(codename="view_video")
    owner = make_user("bob", "") if model == "user" else Group.objects.create(name="friends")
    field = "user_permissions" if model == "user" else "permissions"
    getattr(owner, field).set([view] * is_stored)
    url = change_url(owner) if model == "user" else f"{GROUPS_URL}{owner.pk}/change/"

    page = superuser_client.get(url).content.decode()
    assert re.search(r"checked\s+disabled\s*/?>\s*<label[^>]*>View the archive<", page)
    sent = re.findall(rf'<input type="hidden"\s+name="{field}"\s+value="(\d+)"', page)
    assert sent == [str(view.pk)] * is_stored
    fields = {"username": "bob", "is_active": "on", "name": "friends", field: sent}
    assert superuser_client.post(url, fields).status_code == 302
    assert [*getattr(owner, field).all()] == [view] * is_stored


@pytest.mark.parametrize("model", ["user", "group"])
def test_other_permissions_are_kept_until_they_are_unticked(superuser_client, model):
    odd = Permission.objects.get(codename="delete_logentry")
    owner = make_user("bob", "viewer") if model == "user" else Group.objects.create(name="odd")
    field = "user_permissions" if model == "user" else "permissions"
    getattr(owner, field).add(odd)
    url = change_url(owner) if model == "user" else f"{GROUPS_URL}{owner.pk}/change/"
    fields = {"username": "bob", "is_active": "on", "name": "odd"}

    page = superuser_client.get(url).content.decode()
    assert "Others, which this archive does not ask for" in page
    assert checked(page, field) == ["Can delete log entry"]
    assert superuser_client.post(url, {**fields, field: [odd.pk]}).status_code == 302
    assert list(getattr(owner, field).all()) == [odd]
    assert superuser_client.post(url, fields).status_code == 302
    assert not getattr(owner, field).exists()
    # It is offered to nobody who does not have it.
    assert superuser_client.post(url, {**fields, field: [odd.pk]}).status_code == 200
    assert not getattr(owner, field).exists()


def test_the_page_of_a_user_says_in_words_what_is_fixed(client, mia):
    page = text(client.get(change_url(mia)).content.decode())
    assert "Permissions See users; Edit users; Add users; Delete users; See roles;" in page
    assert "Activity" in page
    assert "Added 0 videos, 0 subscriptions" in page


def test_roles_are_check_boxes(superuser_client, role_pks):
    bob = make_user("bob", "viewer")
    page = superuser_client.get(change_url(bob)).content.decode()
    assert re.findall(r"<label[^>]*>(Viewer|Editor|Manager)</label>", page) == ["Viewer", "Editor", "Manager"]
    assert checked(page, "groups") == ["Viewer"]
    assert "May watch and search everything." in page
    assert 'id="add_id_groups"' not in page


def test_a_group_of_ones_own_says_what_it_permits(superuser_client):
    bob = make_user("bob", "viewer")
    friends, nothing = Group.objects.create(name="friends"), Group.objects.create(name="nothing")
    friends.permissions.set(Permission.objects.filter(codename__in=["delete_video", "add_video"]))
    nothing.user_set.add(bob)
    for url in (change_url(bob), GROUPS_URL):
        page = text(superuser_client.get(url).content.decode())
        assert "Friends Add videos; Delete videos" in page
        assert "Nothing Permits nothing yet." in page


def test_the_list_of_roles_begins_with_those_who_may_least(superuser_client, role_pks):
    page = superuser_client.get(GROUPS_URL).content.decode()
    assert re.search(r"<h1>\s*Roles\s*</h1>", page)
    assert re.search(r'class="addlink">\s*Add role\s*<', page)
    assert "3 roles" in page
    assert re.findall(r"<bdi>(\w+)</bdi>", page[page.index("<tbody") :]) == ["Viewer", "Editor", "Manager"]
    assert "aria-sort" not in page
    page = superuser_client.get(f"{GROUPS_URL}?o=-1").content.decode()
    assert re.findall(r"<bdi>(\w+)</bdi>", page[page.index("<tbody") :]) == ["Viewer", "Manager", "Editor"]
    assert re.search(r'column-role_name sorted descending"\s+aria-sort="descending"', page)


def test_the_list_of_users_says_what_each_may_do(superuser_client):
    make_user("bob", "editor", first_name="Bob", last_name="Miller", email="bob@example.org")
    make_user("eve", "", is_active=False)
    signed_in_at = dt.datetime(2026, 3, 1, 7, 49, tzinfo=dt.UTC)
    User.objects.filter(username="ann").update(last_login=signed_in_at)
    page = superuser_client.get(USERS_URL).content.decode()
    rows = [text(row) for row in re.findall(r"<tr>.*?</tr>", page[page.index("<tbody") :], re.DOTALL)]
    assert [row.split(" ", 1)[1] for row in rows] == [
        "ann Staff · Signed in 1 Mar 2026 Superuser Active · Staff 1 Mar 2026, 07:49",
        "bob Bob Miller · bob@example.org Never signed in Editor Active Never",
        "eve Inactive · Never signed in None Inactive Never",
    ]


def test_a_short_list_of_users_has_no_filters(superuser_client):
    for number in range(9):
        make_user(f"user{number}", "viewer")
    for query, is_shown in (("", False), ("?q=ann", True), ("?role=none", True), ("?o=1", False)):
        assert ('aria-label="Filters"' in superuser_client.get(USERS_URL + query).content.decode()) == is_shown, query
    make_user("bob", "viewer")
    page = superuser_client.get(USERS_URL).content.decode()
    assert 'aria-label="Filters"' in page
    assert 'id="searchbar"' in page


@pytest.mark.parametrize("model", ["user", "group"])
def test_lists_take_as_many_queries_for_many_rows(superuser_client, django_assert_max_num_queries, model):
    for number in range(20):
        user = make_user(f"user{number}", "editor")
        user.groups.add(Group.objects.create(name=f"group{number}"))
    with django_assert_max_num_queries(12):
        superuser_client.get(f"/admin/auth/{model}/")


def test_it_filters_users_by_what_the_column_of_roles_says(superuser_client, role_pks):
    make_user("bob", "viewer")
    make_user("eve", "")
    page = superuser_client.get(f"{USERS_URL}?role=none").content.decode()
    assert re.search(r'href="\?role=superuser"\s*>\s*Superuser\s*<', page)
    # Whose column says “Superuser”.
    User.objects.get(username="ann").groups.add(role_pks["viewer"])
    everybody = ["ann", "bob", "eve"]
    for role, names in (
        ("none", ["eve"]),
        ("superuser", ["ann"]),
        (str(role_pks["viewer"]), ["bob"]),
        ("nonsense", everybody),
        ("9" * 30, everybody),
    ):
        table = superuser_client.get(f"{USERS_URL}?role={role}").content.decode()
        assert re.findall(r"<bdi>(\w+)</bdi>", table[table.index("<tbody") :]) == names, role


def test_the_permission_that_everybody_has_tells_nobody_apart(client, role_pks):
    client.force_login(make_staff("mia", "view_user", "change_user"))
    bob = make_user("bob", "viewer")
    page = client.get(change_url(bob)).content.decode()
    assert 'name="_save"' in page
    assert has_check_box(page, "viewer")
    assert not has_check_box(page, "editor")
    group = Group.objects.create(name="helpers")
    assert describe_group(group) == "Permits nothing yet."
    group.permissions.set(Permission.objects.filter(codename__in=("add_video", "change_video")))
    assert describe_group(group) == describe_group(role_group("editor"))


def test_it_asks_under_the_name_of_what_it_deletes(superuser_client, role_pks):
    bob = make_user("bob <b>", "viewer")
    page = superuser_client.get(f"{USERS_URL}{bob.pk}/delete/").content.decode()
    assert "<h1>Delete user “bob &lt;b&gt;”?</h1>" in page
    assert 'type="submit" value="Delete user"' in page
    page = superuser_client.get(f"{GROUPS_URL}{role_pks['viewer']}/delete/").content.decode()
    assert "<h1>Delete role “viewer”?</h1>" in page


def test_it_says_what_goes_with_a_user_and_what_stays(superuser_client):
    bob = make_user("bob", "editor")
    video = complete("a")
    Video.objects.filter(pk=video.pk).update(added_by=bob)
    claimed(added_by=bob)
    WatchState.objects.create(user=bob, video=video, position=3)
    LogEntry.objects.log_actions(bob.pk, [bob], CHANGE)
    url = f"{USERS_URL}{bob.pk}/delete/"

    page = superuser_client.get(url).content.decode()
    removed, kept = text(page).split("This stays:")
    assert "The account: bob can no longer sign in" in removed
    assert "What bob watched and where they stopped: 1 video." in removed
    assert "1 line of the admin’s own history that was written by it." in removed
    assert "1 video that bob added." in kept
    assert "1 subscription that bob added." in kept
    assert f'<a href="/admin/auth/user/{bob.pk}/change/">untick “Active”</a> instead' in page
    assert page.index("untick “Active”") < page.index(">Cancel<") < page.index('value="Delete user"')
    assert superuser_client.post(url, {"post": "yes"}).status_code == 302

    assert not User.objects.filter(username="bob").exists()
    assert (Video.objects.get().added_by, Subscription.objects.get().added_by) == (None, None)
    assert not WatchState.objects.exists()


@pytest.mark.parametrize(("verbs", "is_advised"), [(("view", "change", "delete"), True), (("view", "delete"), False)])
def test_it_advises_to_deactivate_those_who_may(client, verbs, is_advised):
    user = make_staff("mia", *[f"{verb}_user" for verb in verbs])
    user.groups.add(role_group("editor"))
    client.force_login(user)
    users = [make_user(name, "viewer") for name in ("bob", "eve")]

    assert ("untick" in client.get(f"{USERS_URL}{users[0].pk}/delete/").content.decode()) == is_advised
    page = select(client, *users, index=0).content.decode()
    assert "Delete users “bob” and “eve”?" in text(page)
    assert ("untick" in page) == is_advised


def test_no_label_ends_with_a_colon(superuser_client, role_pks):
    video, subscription, user = complete(), claimed(), make_user("bob", "viewer")
    for path in (
        *(f"auth/user/{tail}" for tail in ("add/", f"{user.pk}/change/", f"{user.pk}/password/")),
        *(f"auth/group/{tail}" for tail in ("add/", f"{role_pks['viewer']}/change/")),
        f"downloads/video/{video.pk}/change/",
        f"downloads/subscription/{subscription.pk}/change/",
    ):
        page = superuser_client.get(f"/admin/{path}").content.decode()
        labels = [text(label).strip() for label in re.findall(r"<label.*?</label>", page, re.DOTALL)]
        assert labels, path
        assert not [label for label in labels if label.endswith(":")], path


def test_a_group_is_called_alike_in_its_list_and_on_its_page(superuser_client, role_pks):
    assert "<bdi>Editor</bdi>" in superuser_client.get(GROUPS_URL).content.decode()
    page = superuser_client.get(f"{GROUPS_URL}{role_pks['editor']}/change/").content.decode()
    assert "<h1>Editor</h1>" in page


def test_it_says_what_the_members_of_a_group_lose(superuser_client, role_pks):
    for name in ("bob", "eve"):
        make_user(name, "editor")
    page = text(superuser_client.get(f"{GROUPS_URL}{role_pks['editor']}/delete/").content.decode())
    assert "The role “editor”. May watch and add videos" in page
    assert "The 2 accounts with this role; they lose what the role permits" in page
    page = text(superuser_client.get(f"{GROUPS_URL}{role_pks['manager']}/delete/").content.decode())
    assert "All accounts: nobody has this role." in page


def select(client, *users: User, **fields):
    pks = [user.pk for user in users]
    return client.post(USERS_URL, {"action": "delete_selected", "_selected_action": pks, **fields}, follow=True)


def test_several_users_are_deleted_after_one_question(superuser_client):
    users = [make_user(name, "viewer") for name in ("bob", "eve")]
    page = text(select(superuser_client, *users, index=0).content.decode())
    assert "Delete users “bob” and “eve”?" in page
    assert "2 accounts: bob and eve can no longer sign in" in page
    assert "untick “Active” on their pages instead" in page
    select(superuser_client, *users, post="yes")
    assert [user.username for user in User.objects.all()] == ["ann"]


def test_users_of_all_pages_can_be_selected(superuser_client, monkeypatch):
    monkeypatch.setattr(ArchiveUserAdmin, "list_per_page", 1)
    user, _ = (make_user(name, "viewer") for name in ("bob1", "bob2"))
    url = f"{USERS_URL}?q=bob"
    page = superuser_client.get(url).content.decode()
    assert 'class="select-across"' in page
    assert "Select all 2 users" in page
    fields = {"action": "delete_selected", "_selected_action": user.pk, "index": 0, "select_across": 1}
    assert "Delete users “bob1” and “bob2”?" in text(superuser_client.post(url, fields).content.decode())


def test_it_names_whom_it_deletes(superuser_client):
    users = [make_user(name, "viewer") for name in ("bob", "eve", "kim", "lea", "max")]
    page = select(superuser_client, users[0], index=0).content.decode()
    assert "<h1>Delete user “bob”?</h1>" in page
    assert '<li aria-current="page">Delete</li>' in page
    page = select(superuser_client, *users, index=0).content.decode()
    assert re.search("<h1>Delete users (“(bob|eve|kim|lea|max)”, ){2}“(bob|eve|kim|lea|max)” and 2 more[?]</h1>", page)


@pytest.mark.parametrize("has_others", [True, False], ids=["one of two superusers", "the only superuser"])
def test_nobody_deletes_the_own_account(superuser_client, has_others):
    ann, bob = User.objects.get(), make_user("bob", "superuser" if has_others else "viewer")
    url = f"{USERS_URL}{ann.pk}/delete/"

    page = superuser_client.get(url).content.decode()
    answer = superuser_client.post(url, {"post": "yes"})
    selected = [select(superuser_client, ann, bob, **fields).content.decode() for fields in ({"index": 0}, {"post": 1})]

    assert "<h1>Can’t delete user “ann”</h1>" in page
    for html in (page, answer.content.decode(), *selected):
        assert "This is the account you are signed in with" in html
        assert 'type="submit" value="Delete' not in html
    assert answer.status_code == 403
    assert User.objects.count() == 2, "nor any of the others that were selected with it"
    assert "deletelink" not in superuser_client.get(change_url(ann)).content.decode()
    assert "deletelink" in superuser_client.get(change_url(bob)).content.decode()


def test_nobody_deletes_the_only_superuser():
    ann, bob = make_user("ann", "superuser"), make_user("bob", "superuser", is_active=False)
    assert refusal_reason(bob, ann).startswith("This is the only active superuser")
    assert refusal_reason(ann, bob) == ""
    User.objects.update(is_active=True)
    assert refusal_reason(bob, ann) == ""


@pytest.mark.parametrize("name", ["is_active", "is_staff", "is_superuser"])
def test_the_only_superuser_stays_one(superuser_client, name):
    ann = User.objects.get()
    flags = {"is_active": "on", "is_staff": "on", "is_superuser": "on"}
    others = {flag: value for flag, value in flags.items() if flag != name}

    answer = superuser_client.post(change_url(ann), {"username": "ann", **others})
    assert "This is the only active superuser, and has to keep this." in answer.content.decode()
    assert vars(reload_user(ann))[name]
    make_user("root", "superuser")
    assert superuser_client.post(change_url(ann), {"username": "ann", **others}).status_code == 302
    assert not vars(reload_user(ann))[name]


def test_the_only_superuser_keeps_a_password(superuser_client):
    ann = User.objects.get()
    ann.set_password(PASSWORD)
    ann.save()
    superuser_client.force_login(ann)
    url = f"{USERS_URL}{ann.pk}/password/"
    assert "Take the password away" not in superuser_client.get(url).content.decode()
    superuser_client.post(url, {"usable_password": "false", "unset-password": ""})
    assert User.objects.get().has_usable_password()
    # One that cannot open the admin could not give it back.
    make_user("root", "", is_superuser=True)
    assert "Take the password away" not in superuser_client.get(url).content.decode()
    User.objects.update(is_staff=True)
    assert "Take the password away" in superuser_client.get(url).content.decode()


def test_it_does_not_ask_about_what_it_may_not_delete(superuser_client, monkeypatch):
    bob = make_user("bob", "")
    monkeypatch.setattr(ArchiveUserAdmin, "get_deleted_objects", lambda *_args: ([], {}, {"video"}, []))
    page = superuser_client.get(f"{USERS_URL}{bob.pk}/delete/").content.decode()
    assert "<h1>Cannot delete user</h1>" in page
