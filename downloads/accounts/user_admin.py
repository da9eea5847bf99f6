"""Admin of user accounts and groups, in which nobody can give or take over more permissions than their own.

Superusers may do all. Other staff, if a superuser gave them Django's permissions for users, may add and edit accounts
that have no permission that they lack, and give such accounts roles that have none either. Whoever could edit a
group, the field “superuser” or an administrator's password would become an administrator.
"""

from collections.abc import Iterable
from functools import partialmethod
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin import helpers
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, Permission, User
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from downloads.accounts.administration.account_forms import (
    ArchiveGroupForm,
    ArchivePasswordForm,
    ArchiveUserCreationForm,
    ArchiveUserForm,
)
from downloads.accounts.administration.deletion import (
    Consequences,
    PlainDeletionMixin,
    describe_additions,
    describe_group_deletion,
    describe_user_deletion,
    refusal_reason,
)
from downloads.accounts.administration.permission_choices import (
    DescribedCheckboxes,
    PermissionCheckboxes,
    PermissionsField,
    RolesField,
    describe_group,
    describe_permissions,
    names_beyond_viewing,
)
from downloads.accounts.administration.save_buttons import SaveButtonsMixin
from downloads.accounts.administration.user_list import UserListMixin
from downloads.accounts.audited_admin import AuditedAdminMixin
from downloads.accounts.permissions import can_manage_users, has_all_permissions


class SafeLookupMixin:
    """Mixin that accepts an empty `_to_field` parameter, to which Django's own admin answers 500."""

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return the object by its primary key, unless a field is named."""
        return super().get_object(request, object_id, from_field or None)  # type: ignore[misc]


class PlainWordingMixin:
    """Mixin that names pages, fields and the choice of actions plainly, without Django's "Select …", colons, dashes."""

    opts: Any

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list under the plural name of its rows."""
        title = {"title": capfirst(self.opts.verbose_name_plural)}
        return super().changelist_view(request, {**title, **(extra_context or {})})  # type: ignore[misc]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show a row under the name of its model; its own name is the subtitle."""
        title = {"title": capfirst(self.opts.verbose_name)}
        return super().change_view(request, object_id, form_url, {**title, **(extra_context or {})})  # type: ignore[misc]

    def action_checkbox(self, obj: Model) -> SafeString:
        """Return the box that selects a row, by its name; Django's says "Select this object for an action - …"."""
        box = '<input type="checkbox" name="{}" value="{}" class="action-select" aria-label="Select {}">'
        return format_html(box, helpers.ACTION_CHECKBOX_NAME, obj.pk, obj)

    def get_form(self, request: Any, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the form with labels that end without a colon, which would become a part of the accessible name."""
        form = super().get_form(request, obj, change=change, **kwargs)  # type: ignore[misc]
        return type(form)(form.__name__, (form,), {"__init__": partialmethod(form.__init__, label_suffix="")})

    def get_action_choices(self, request: HttpRequest, default_choices: Any = (("", "Choose an action"),)) -> Any:
        """Return the actions after words that say what to do, where Django has dashes."""
        return super().get_action_choices(request, list(default_choices))  # type: ignore[misc]

    def render_delete_form(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        """Ask under the name of what is to be deleted, unless it cannot be deleted."""
        if not context["perms_lacking"] and not context["protected"]:
            context = {**context, "title": f"Delete {self.opts.verbose_name} “{context['object']}”?"}
        return super().render_delete_form(request, context)  # type: ignore[misc]


class ChoicesMixin:
    """Mixin of admins with permissions to choose, as check boxes."""

    class Media:
        css: ClassVar = {"all": ("css/admin_people.css",)}

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        """Offer permissions in plain words; the form leaves out those that mean nothing here."""
        if db_field.related_model is Permission:
            kwargs |= {"form_class": PermissionsField, "widget": PermissionCheckboxes()}
        return super().formfield_for_manytomany(db_field, request, **kwargs)  # type: ignore[misc]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Leave out the button that adds a group: Django's script cannot put the new one among check boxes."""
        field: Any = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
        if db_field.many_to_many:
            field.widget = field.widget.widget
        return field


class AccountAdminMixin(
    SaveButtonsMixin, ChoicesMixin, PlainDeletionMixin, AuditedAdminMixin, SafeLookupMixin, PlainWordingMixin
):
    """Mixin of what the admins of users and of groups have in common."""

    filter_horizontal: Any = ()
    actions: Any = ("delete_selected",)


class ArchiveUserAdmin(UserListMixin, AccountAdminMixin, UserAdmin):
    """Admin of user accounts; passwords and deletion follow the permission to change an account."""

    form = ArchiveUserForm
    add_form = ArchiveUserCreationForm
    change_password_form = ArchivePasswordForm

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the parts of the page, with the single permissions folded away, and in words where they are fixed."""
        if obj is None:
            return super().get_fieldsets(request, obj)
        name = "user_permissions" if can_manage_users(request.user) else "permission_words"
        count = obj.user_permissions.count()
        return (
            ("Sign-in", {"fields": (("username", "password"),)}),
            ("Person", {"fields": (("first_name", "last_name", "email"),)}),
            ("Access", {"fields": ("is_active", "is_staff", "is_superuser")}),
            ("Roles", {"fields": ("groups",), "classes": ("roles",)}),
            (
                "Permissions beyond the roles" + f" ({count})" * bool(count),
                {"fields": (name,), "classes": ("collapse", "beyond")},
            ),
            ("Activity", {"fields": ("sign_in_text", "date_joined", "added_text"), "classes": ("aside",)}),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str] | tuple[str, ...]:
        """Add the dates and, for all but superusers, the fields that grant permissions directly."""
        fields = (*super().get_readonly_fields(request, obj), "sign_in_text", "date_joined", "added_text")
        if can_manage_users(request.user):
            return fields
        return (*fields, "is_staff", "is_superuser", "user_permissions", "permission_words")

    @admin.display(description="Permissions")
    def permission_words(self, user: User) -> str:
        """Return the permissions beyond the roles in words, for those who may not change them."""
        return describe_permissions(user.user_permissions.select_related("content_type")) or "None"

    @admin.display(description="Added")
    def added_text(self, user: User) -> str:
        """Return how much this account has added."""
        return describe_additions(user)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow accounts that have no permission that this user lacks."""
        return super().has_change_permission(request, obj) and _may_edit(request.user, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow accounts that have no permission that this user lacks, but neither one's own nor the last superuser."""
        return self._may_delete_others(request, obj) and not (obj and refusal_reason(request.user, obj))

    def _may_delete_others(self, request: HttpRequest, obj: Any) -> bool:
        return super().has_delete_permission(request, obj) and _may_edit(request.user, obj)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ask, or say why this account is never deleted."""
        user = self.get_object(request, unquote(object_id))
        if user and self._may_delete_others(request, user) and (reason := refusal_reason(request.user, user)):
            return self.render_refusal(request, user, reason)
        return super().delete_view(request, object_id, extra_context)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Collect the rows to be deleted, protecting one's own account and the last superuser from bulk deletion."""
        objects, counts, lacking, protected = super().get_deleted_objects(objs, request)
        reasons = {user.get_username(): refusal_reason(request.user, user) for user in objs}
        refusals = [f"{name}: {reason}" for name, reason in reasons.items() if reason]
        return objects, counts, set() if refusals else lacking, [*protected, *refusals]

    def describe_deletion(self, request: HttpRequest, rows: Iterable[User]) -> Consequences:
        """Return the consequences of a deletion of accounts."""
        rows = list(rows)
        may_change = all(self.has_change_permission(request, user) for user in rows)
        return describe_user_deletion(rows, may_change=may_change)

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        """Offer the groups whose permissions this user has, each with what it permits."""
        if db_field.name == "groups":
            kwargs |= {"form_class": RolesField, "widget": DescribedCheckboxes(describe_group)}
            may_give_all = can_manage_users(request.user)
            kwargs["queryset"] = Group.objects.all() if may_give_all else _grantable_groups(request.user)
        return super().formfield_for_manytomany(db_field, request, **kwargs)


class ArchiveGroupAdmin(AccountAdminMixin, GroupAdmin):
    """Admin of groups, which only superusers change: everybody in a group gets its permissions."""

    form = ArchiveGroupForm
    list_display = ("role_name", "member_count", "description")
    ordering = ()  # a count, which Django's checks do not let stand here: `get_ordering`
    search_fields = ()
    actions_on_top, actions_on_bottom = False, True

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the name and the permissions, in words where they are fixed."""
        is_editable = self.has_change_permission(request, obj)
        return (
            (None, {"fields": ("name",)}),
            ("Permissions", {"fields": ("permissions" if is_editable else "description",)}),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str] | tuple[str, ...]:
        """Add what is shown in words."""
        return (*super().get_readonly_fields(request, obj), "description")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        """Return the groups with their permissions, and the numbers of these and of their members."""
        groups = self.model.objects.prefetch_related("permissions__content_type").annotate(
            members=Count("user", distinct=True), permission_count=Count("permissions", distinct=True)
        )
        return groups.order_by(*self.get_ordering(request))

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Return the order from the roles that permit least to those that permit most."""
        return ("permission_count", "name")

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Show a group under its name as lists have it."""
        if group := context.get("original"):
            context = {**context, "subtitle": capfirst(str(group))}
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="Name", ordering="name")
    def role_name(self, group: Group) -> str:
        """Return the name as lists of users have it; on phones, what the group permits stands below."""
        return format_html(
            '<bdi>{}</bdi> <span class="row-facts">{}</span>', capfirst(group.name), describe_group(group)
        )

    @admin.display(description="Permits", ordering="permission_count")
    def description(self, group: Group) -> str:
        """Describe the permissions of a group."""
        return describe_group(group)

    @admin.display(description="Members", ordering="members")
    def member_count(self, group: Any) -> int:
        """Return the number of accounts in a group."""
        return group.members

    def describe_deletion(self, request: HttpRequest, rows: Iterable[Group]) -> Consequences:
        """Return what the members of these groups lose."""
        return describe_group_deletion(rows)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Allow superusers."""
        return super().has_add_permission(request) and can_manage_users(request.user)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow superusers."""
        return super().has_change_permission(request, obj) and can_manage_users(request.user)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow superusers."""
        return super().has_delete_permission(request, obj) and can_manage_users(request.user)


def _may_edit(user: Any, account: User | None) -> bool:
    if account is None or can_manage_users(user):
        return True
    # Not `get_all_permissions`, which is empty for an inactive account: that could be activated, and signed in to.
    granted = Permission.objects.filter(Q(user=account) | Q(group__user=account)).select_related("content_type")
    return not account.is_superuser and has_all_permissions(user, names_beyond_viewing(granted))


def _grantable_groups(user: Any) -> QuerySet[Group]:
    groups = Group.objects.prefetch_related("permissions__content_type")
    pks = [group.pk for group in groups if has_all_permissions(user, names_beyond_viewing(group.permissions.all()))]
    return Group.objects.filter(pk__in=pks)
