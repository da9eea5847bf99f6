"""User accounts with a role, or with single permissions."""

import importlib

from django.apps import apps
from django.contrib.auth.models import Group, Permission, User

roles_migration = importlib.import_module("downloads.migrations.0013_roles")


def make_user(name: str = "ada", role: str = "manager", password: str | None = None, **fields) -> User:
    """Return a user with this role; "" for none, "superuser" for a superuser."""
    if role == "superuser":
        return User.objects.create_superuser(name, password=password, **fields)
    user = User.objects.create_user(name, password=password, **fields)
    if role:
        user.groups.add(role_group(role))
    return user


def role_group(role: str) -> Group:
    """Return a role's group. Tests that use transactions empty its table, and leave what migrations made out."""
    if not Group.objects.filter(name=role).exists():
        roles_migration.create_roles(apps, "default")
    return Group.objects.get(name=role)


def make_staff(name: str, *codenames: str) -> User:
    """Return a user who may open the admin, with these permissions only, such as "view_video"."""
    user = User.objects.create_user(name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return user
