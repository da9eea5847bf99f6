"""Permissions and roles: the one place that decides who may do what.

Pages, the WebSocket, media files, the admin and the monitoring endpoints ask here. Commands do not: whoever has a
shell on the archive's machine owns its data folder, and may do everything.
"""

import enum
import hmac
from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth import models as auth_models
from django.core.exceptions import PermissionDenied
from django.db.models import Q


class Permission(enum.StrEnum):
    """Permissions of the archive, each by the name of a model permission of Django."""

    VIEW = "downloads.view_video"
    ADD = "downloads.add_video"  # also channels and playlists to follow
    CHANGE = "downloads.change_video"  # retry, cancel, reorder, download again; check, edit and end subscriptions
    DELETE = "downloads.delete_video"  # also have retention delete them, and protect them from it
    MANAGE = "downloads.manage_archive"  # the queue as a whole, yt-dlp, the audit log


# Groups that a migration made, the lowest first. Only their permissions count: they may be renamed, or others be made.
ROLES: Mapping[str, frozenset[Permission]] = {
    "viewer": frozenset({Permission.VIEW}),
    "editor": frozenset({Permission.VIEW, Permission.ADD, Permission.CHANGE}),
    "manager": frozenset(Permission),
}
# What each role, and a superuser, may do, for the sentences of the account page and the admin.
ROLE_ABILITIES = {
    "viewer": "watch and search everything",
    "editor": "watch and add videos, follow channels, and retry, cancel and reorder",
    "manager": "do everything with videos and subscriptions, and manage the queue, yt-dlp and the audit log",
    "administrator": "do everything, including managing accounts",
}
# What a person was about to do, for the sentence that refuses it.
_ACTIVITIES = {
    Permission.VIEW: "Viewing this archive",
    Permission.ADD: "Adding videos and following channels",
    Permission.CHANGE: "Retrying, cancelling and reordering videos, and changing subscriptions",
    Permission.DELETE: "Deleting videos, by retention as well, and protecting them",
    Permission.MANAGE: "Managing the archive (the whole queue, yt-dlp, the audit log)",
}


class RoleRequired(PermissionDenied):
    """A request that lacks a permission; the message names the role to ask for, and who can give it."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission
        super().__init__(
            f"{_ACTIVITIES[permission]} needs the role “{required_role(permission)}”, which your account does not have."
            " An administrator of this archive can give it to you."
        )


def has_permission(user: Any, permission: Permission) -> bool:
    """Return True if `user` has this permission; VIEW needs no query.

    Everyone may view an open archive. All who are signed in are viewers, with or without that role.
    """
    if permission is Permission.VIEW:
        return not settings.PRIVATE or is_signed_in(user)
    if not is_signed_in(user):
        return False
    _load_permissions(user)
    return bool(user.has_perm(permission))


def _load_permissions(user: Any) -> None:
    """Read the permissions of a user and those of the groups by one query, where Django's ModelBackend takes two.

    They are kept where that backend keeps them (`_perm_cache`), for this object and so for one request.
    """
    if user.is_superuser or not user.is_active or hasattr(user, "_perm_cache"):
        return
    rows = auth_models.Permission.objects.filter(Q(user=user) | Q(group__user=user)).order_by()
    names = rows.values_list("content_type__app_label", "codename").distinct()
    user._perm_cache = {f"{app_label}.{codename}" for app_label, codename in names}


def can_view(user: Any) -> bool:
    """Return True if `user` may view the archive."""
    return has_permission(user, Permission.VIEW)


def require(user: Any, permission: Permission) -> None:
    """Raise RoleRequired, which `downloads.views.error_handlers` answers, if `user` lacks the permission."""
    if not has_permission(user, permission):
        raise RoleRequired(permission)


def require_staff(user: Any) -> None:
    """Raise PermissionDenied if `user` may not open the admin."""
    if not can_open_admin(user):
        raise PermissionDenied(
            "The admin is for staff, which your account isn’t. An administrator of this archive can change that."
        )


def is_signed_in(user: Any) -> bool:
    """Return True for the user of an active account."""
    return bool(user.is_authenticated and user.is_active)


def can_open_admin(user: Any) -> bool:
    """Return True if `user` may open the admin, by Django's own rule."""
    return is_signed_in(user) and bool(user.is_staff)


def can_manage_users(user: Any) -> bool:
    """Return True if `user` may give any role and any permission: superusers may."""
    return is_signed_in(user) and bool(user.is_superuser)


def is_marked_superuser(user: Any) -> bool:
    """Return the flag of an account, which permits nothing while that is inactive: for lists that show it."""
    return bool(user.is_superuser)


def is_marked_staff(user: Any) -> bool:
    """Return the flag of an account, which permits nothing while that is inactive: for lists that show it."""
    return bool(user.is_staff)


def is_last_administrator(user: Any) -> bool:
    """Return True if `user` is a superuser, and no other one can open the admin."""
    others = auth_models.User.objects.filter(is_active=True, is_staff=True, is_superuser=True).exclude(pk=user.pk)
    return can_manage_users(user) and not others.exists()


def has_all_permissions(user: Any, names: Iterable[str]) -> bool:
    """Return True if `user` has all of Django's permissions with these names ("app.codename")."""
    return is_signed_in(user) and bool(user.has_perms(names))


def can_monitor(authorization: bytes) -> bool:
    """Return True if an Authorization header permits reading metrics and the details of health checks."""
    if not settings.PRIVATE:
        return True
    scheme, _, token = authorization.partition(b" ")
    # RFC 9110, 11.1: the scheme's name is case-insensitive.
    is_valid = scheme.lower() == b"bearer" and hmac.compare_digest(token.strip(), settings.METRICS_TOKEN.encode())
    return is_valid and bool(settings.METRICS_TOKEN)


def role_of(user: Any) -> str:
    """Return the highest role whose permissions `user` has, "administrator" for superusers."""
    if can_manage_users(user):
        return "administrator"
    roles = (name for name in reversed([*ROLES]) if all(has_permission(user, needed) for needed in ROLES[name]))
    return next(roles, "viewer")


def required_role(permission: Permission) -> str:
    """Return the lowest role that has this permission."""
    return next(name for name, permissions in ROLES.items() if permission in permissions)
