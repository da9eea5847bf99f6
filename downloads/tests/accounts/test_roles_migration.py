"""Roles that the migration makes, on a fresh database and in an archive that has users and groups."""

from types import SimpleNamespace

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission, User
from django.db import connection

from downloads.accounts import permissions
from downloads.accounts.permissions import ROLES
from downloads.tests.support.users import make_user, roles_migration

pytestmark = pytest.mark.django_db


def migrate() -> None:
    # Not a schema editor, which SQLite does not have within a test's transaction.
    roles_migration.make_users_managers(apps, SimpleNamespace(connection=connection))


@pytest.fixture
def archive_without_roles():
    """The state of an archive before the migration."""
    Group.objects.all().delete()
    Permission.objects.filter(codename="manage_archive").delete()


def group_permissions() -> dict[str, set[str]]:
    return {
        group.name: {
            f"{label}.{name}" for label, name in group.permissions.values_list("content_type__app_label", "codename")
        }
        for group in Group.objects.all()
    }


def test_it_gives_the_roles_their_permissions(archive_without_roles):
    migrate()

    assert group_permissions() == ROLES


def test_it_makes_everybody_a_manager_and_leaves_the_rest(archive_without_roles):
    friends = Group.objects.create(name="friends")
    plain, staff = User.objects.create_user("plain"), User.objects.create_user("staff", is_staff=True)
    gone = User.objects.create_user("gone", is_active=False)
    User.objects.create_superuser("root")
    staff.user_permissions.add(Permission.objects.get(codename="view_video"))
    plain.groups.add(friends)
    before = list(User.objects.order_by("pk").values("username", "is_staff", "is_superuser", "is_active", "password"))

    migrate()

    assert {user.username for user in Group.objects.get(name="manager").user_set.all()} == {
        "plain",
        "staff",
        "gone",
        "root",
    }
    assert set(plain.groups.values_list("name", flat=True)) == {"friends", "manager"}
    assert list(staff.user_permissions.values_list("codename", flat=True)) == ["view_video"]
    assert list(User.objects.order_by("pk").values(*before[0])) == before
    assert all(permissions.has_permission(User.objects.get(username="plain"), name) for name in permissions.Permission)
    assert not any(permissions.has_permission(gone, name) for name in ROLES["manager"] - ROLES["viewer"])
    assert not any(
        User.objects.get(username="staff").has_perm(f"auth.{name}_user") for name in ("add", "change", "delete")
    )


def test_it_completes_groups_that_are_there(archive_without_roles):
    editors = Group.objects.create(name="editor")
    editors.permissions.add(Permission.objects.get(codename="view_user"))
    editors.user_set.add(User.objects.create_user("ed"))

    migrate()

    assert group_permissions()["editor"] == ROLES["editor"] | {"auth.view_user"}
    assert {user.username for user in editors.user_set.all()} == {"ed"}


def test_it_makes_nobody_a_manager_the_second_time(archive_without_roles):
    migrate()
    later = User.objects.create_user("later")
    manager = make_user("boss", "manager")
    Group.objects.filter(name="viewer").delete()

    migrate()

    assert not later.groups.exists()
    assert manager.groups.get().name == "manager"
    assert group_permissions() == ROLES


def test_a_renamed_role_keeps_its_permissions():
    user = make_user("ed", "editor")
    Group.objects.filter(name="editor").update(name="Redaktion")

    assert permissions.has_permission(User.objects.get(pk=user.pk), permissions.Permission.ADD)
    assert not permissions.has_permission(User.objects.get(pk=user.pk), permissions.Permission.DELETE)


@pytest.mark.parametrize("is_private", [False, True])
def test_a_user_without_a_role_is_a_viewer(settings, is_private):
    settings.PRIVATE = is_private
    user = User.objects.create_user("new")

    assert {name for name in permissions.Permission if permissions.has_permission(user, name)} == ROLES["viewer"]
