"""List of accounts in the admin: columns in words, and filters as rows of links."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import BooleanFieldListFilter, SimpleListFilter
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import mark_safe
from django.utils.text import capfirst

from downloads.accounts.administration.permission_choices import sort_groups
from downloads.accounts.permissions import is_marked_staff, is_marked_superuser


class LinkFilterMixin:
    """Mixin of filters that are a row of links above the list."""

    template = "downloads/admin/_link_filter.html"


class RoleFilter(LinkFilterMixin, SimpleListFilter):
    """Filter of accounts by what the column of roles says of them."""

    title = parameter_name = "role"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the groups in the order of the roles, as (value, label), then superusers and those without a role."""
        groups = [(str(group.pk), capfirst(group.name)) for group in sort_groups(Group.objects.all())]
        return [*groups, ("superuser", "Superuser"), ("none", "No role")]

    def queryset(self, request: HttpRequest, users: QuerySet[User]) -> QuerySet[User]:
        """Return the accounts with the selected role; all of them if there is no such role."""
        role = self.value()
        if role == "superuser":
            return users.filter(is_superuser=True)
        if role == "none":
            return users.filter(is_superuser=False, groups=None)
        pks = [int(value) for value, _ in self.lookup_choices if value == role]
        return users.filter(is_superuser=False, groups__in=pks) if pks else users


class FlagFilter(LinkFilterMixin, BooleanFieldListFilter):
    """Filter of accounts by a flag, under the name that its column has."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = str(self.title).removesuffix(" status")


class UserListMixin:
    """Mixin of the admin of accounts with the columns and the filters of its list."""

    list_display: Any = ("person", "role_text", "status_text", "sign_in_text")
    list_filter: Any = (RoleFilter, ("is_active", FlagFilter), ("is_staff", FlagFilter))
    show_facets = admin.ShowFacets.NEVER
    search_help_text: Any = "Search users"
    # The only action has its button below the list, where it can be seen that something is selected.
    actions_on_top, actions_on_bottom = False, True

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Return the accounts with their groups."""
        return super().get_queryset(request).prefetch_related("groups")  # type: ignore[misc]

    @admin.display(description="User", ordering="username")
    def person(self, user: User) -> str:
        """Return the username behind its first letter, with the name and the address, if there are any.

        Where columns are left out, on phones, what they say stands below.
        """
        name = user.get_username()
        details = " · ".join(filter(None, (user.get_full_name(), user.email)))
        facts = ("" if user.is_active else "Inactive", "Staff" if is_marked_staff(user) else "", _sign_in_phrase(user))
        return format_html(
            '<span class="initial" aria-hidden="true">{}</span> <span class="person"><bdi>{}</bdi>{}'
            ' <span class="row-facts">{}</span></span>',
            name[:1].upper(),
            name,
            format_html(' <span class="details">{}</span>', details) if details else "",
            " · ".join(filter(None, facts)),
        )

    @admin.display(description="Role")
    def role_text(self, user: User) -> str:
        """Return the roles of an account; a superuser needs none."""
        if is_marked_superuser(user):
            return "Superuser"
        names = sorted(group.name for group in user.groups.all())
        nothing = "None (may view)" if user.is_active else "None"
        return ", ".join(map(capfirst, names)) or format_html('<span class="quiet">{}</span>', nothing)

    @admin.display(description="Status", ordering="is_active")
    def status_text(self, user: User) -> str:
        """Return whether the account can be used, and whether it may use the admin."""
        status = "Active" if user.is_active else mark_safe('<span class="quiet">Inactive</span>')
        return format_html("{}{}", status, " · Staff" if is_marked_staff(user) else "")

    @admin.display(description="Last sign-in", ordering="last_login")
    def sign_in_text(self, user: User) -> str:
        """Return the time of the last sign-in; the page's foot names the zone."""
        if user.last_login is None:
            return mark_safe('<span class="quiet">Never</span>')
        return formats.date_format(timezone.localtime(user.last_login), "j M Y, H:i")


def _sign_in_phrase(user: User) -> str:
    if user.last_login is None:
        return "Never signed in"
    return f"Signed in {formats.date_format(timezone.localtime(user.last_login), 'j M Y')}"
