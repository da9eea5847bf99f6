"""Choices of permissions and of roles: check boxes in plain words, each with a sentence, grouped by subject.

Only permissions that this archive asks for are offered, and those that an account or a group has besides: these are
kept unless somebody unticks them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from django import forms
from django.contrib.auth.models import Group, User
from django.contrib.auth.models import Permission as StoredPermission
from django.db.models import Q, QuerySet
from django.forms.models import ModelChoiceIterator
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from downloads.accounts.permissions import ROLE_ABILITIES, ROLES, Permission

# By subject: each permission by its name of Django, with its label and a sentence; "" for none.
SUBJECTS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "Videos": {
        Permission.VIEW: ("View the archive", "Everybody who can sign in may do this."),
        Permission.ADD: ("Add videos", "And follow channels and playlists."),
        Permission.CHANGE: (
            "Retry, cancel and reorder videos",
            "And download them again, make playable copies, and edit, check and end subscriptions.",
        ),
        Permission.DELETE: ("Delete videos", "And protect them from being deleted by a subscription."),
    },
    "Archive": {
        Permission.MANAGE: (
            "Manage the archive",
            "Pause the queue, cancel or retry everything, update yt-dlp, and read the audit log.",
        ),
    },
    "Accounts (staff only)": {
        "auth.view_user": ("See users", ""),
        "auth.change_user": ("Edit users", "Passwords included. Only users with no more permissions than their own."),
        "auth.add_user": ("Add users", "Needs “Edit users”, too."),
        "auth.delete_user": ("Delete users", "Only users with no more permissions than their own."),
        "auth.view_group": ("See roles", "Only superusers change them."),
    },
}
OTHER_SUBJECT = "Others, which this archive does not ask for"
_WORDS = {name: words for permissions in SUBJECTS.values() for name, words in permissions.items()}
ROLE_SENTENCES = {role: f"May {ROLE_ABILITIES[role]}." for role in ROLES}


def permission_name(permission: Any) -> str:
    """Return Django's name of a stored permission ("app.codename")."""
    return f"{permission.content_type.app_label}.{permission.codename}"


def permission_label(permission: Any) -> str:
    """Return a permission in plain words; Django's own words for one that this archive does not ask for."""
    return _WORDS.get(permission_name(permission), (permission.name, ""))[0]


def permission_help(permission: Any) -> str:
    """Return the sentence of a permission, or ""."""
    return _WORDS.get(permission_name(permission), ("", ""))[1]


def names_beyond_viewing(permissions: Iterable[Any]) -> set[str]:
    """Return the names of permissions, without that of viewing: everybody who is signed in has it, stored or not."""
    return {permission_name(permission) for permission in permissions} - {Permission.VIEW}


def role_of_group(group: Group) -> str:
    """Return the role whose permissions a group has, by whatever name, or ""."""
    stored = group.permissions.all()
    names = names_beyond_viewing(stored)
    same = (role for role, permissions in ROLES.items() if permissions - {Permission.VIEW} == names)
    return next(same, "") if stored else ""


def sort_groups(groups: QuerySet[Group]) -> list[Group]:
    """Return groups with their permissions: the roles from the lowest to the highest, then all others by name."""
    order = [*ROLES, ""]
    groups = groups.prefetch_related("permissions__content_type")
    return sorted(groups, key=lambda group: (order.index(role_of_group(group)), group.name))


def describe_group(group: Group) -> str:
    """Return a sentence on what a group permits."""
    if role := role_of_group(group):
        return ROLE_SENTENCES[role]
    return describe_permissions(group.permissions.all()) or "Permits nothing yet."


def describe_permissions(permissions: Iterable[Any]) -> str:
    """Return permissions in plain words, in the order of the check boxes; "" for none."""
    by_name = {permission_name(permission): permission for permission in permissions}
    names = [*filter(by_name.__contains__, _WORDS), *sorted(by_name.keys() - _WORDS.keys())]
    return "; ".join(permission_label(by_name[name]) for name in names)


def choosable_permissions(owner: User | Group | None) -> QuerySet[Any]:
    """Return the permissions that this archive asks for, and those that `owner` has besides."""
    query = Q()
    for name in _WORDS:
        app_label, codename = name.split(".")
        query |= Q(content_type__app_label=app_label, codename=codename)
    if owner is not None and owner.pk:
        held = owner.user_permissions if isinstance(owner, User) else owner.permissions
        query |= Q(pk__in=held.values("pk"))
    return StoredPermission.objects.filter(query).select_related("content_type")


class SubjectIterator(ModelChoiceIterator):
    """Choices of permissions by subject."""

    def __iter__(self) -> Iterator[Any]:
        """Yield each subject that has choices, with them."""
        by_name = {permission_name(permission): permission for permission in self.queryset}
        others = sorted(by_name.keys() - _WORDS.keys())
        for subject, names in {**SUBJECTS, OTHER_SUBJECT: others}.items():
            if choices := [self.choice(by_name[name]) for name in names if name in by_name]:
                yield subject, choices


class PermissionsField(forms.ModelMultipleChoiceField):
    """Permissions in plain words, by subject."""

    iterator = SubjectIterator

    def label_from_instance(self, permission: Any) -> str:
        """Return the plain words."""
        return permission_label(permission)


class RoleIterator(ModelChoiceIterator):
    """Choices of groups: the roles from the lowest to the highest, then all others by name."""

    def __iter__(self) -> Iterator[Any]:
        """Yield the groups."""
        yield from map(self.choice, sort_groups(self.queryset))


class RolesField(forms.ModelMultipleChoiceField):
    """Groups, in the order of the roles."""

    iterator = RoleIterator

    def label_from_instance(self, group: Any) -> str:
        """Return the name as the list of users has it."""
        return capfirst(group.name)


class DescribedCheckboxes(forms.CheckboxSelectMultiple):
    """Check boxes with a sentence below each, by subject if there are subjects."""

    def __init__(self, describe: Callable[[Any], str]) -> None:
        super().__init__()
        self.describe = describe

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return the context of a check box, described by its sentence."""
        option = super().create_option(name, value, *args, **kwargs)
        option["help"] = self.describe(value.instance)
        option["help_id"] = f"{option['attrs'].get('id', name)}_help"
        return option

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """Render with a template of the project, which the renderers of forms do not find."""
        return render_to_string("downloads/admin/_choices.html", self.get_context(name, value, attrs))


class PermissionCheckboxes(DescribedCheckboxes):
    """Check boxes of permissions; that of what everybody may do is ticked and fixed.

    A hidden field sends that permission if it is stored, so that saving takes nothing away.
    """

    def __init__(self) -> None:
        super().__init__(permission_help)

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Add whether the check box is fixed."""
        option = super().create_option(name, value, *args, **kwargs)
        option["is_fixed"] = permission_name(value.instance) == Permission.VIEW
        return option
