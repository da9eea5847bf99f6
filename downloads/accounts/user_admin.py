"""Admin of user accounts and groups, in which nobody can give or take over more permissions than their own.

Superusers may do all. Other staff, if a superuser gave them Django's permissions for users, may add and edit accounts
that have no permission that they lack, and give such accounts roles that have none either. Whoever could edit a
group, the field “superuser status” or an administrator's password would become an administrator.
"""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib.admin import RelatedFieldListFilter
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import ReadOnlyPasswordHashWidget, UserChangeForm
from django.contrib.auth.models import Group, Permission, User
from django.db.models import Q, QuerySet
from django.forms.widgets import Script
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import mark_safe
from django.utils.text import capfirst

from downloads.accounts.audited_admin import AuditedAdminMixin
from downloads.accounts.permissions import can_manage_users, has_all_permissions


class SafeLookupMixin:
    """Mixin that accepts an empty `_to_field` parameter, to which Django's own admin answers 500."""

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return the object by its primary key, unless a field is named."""
        return super().get_object(request, object_id, from_field or None)  # type: ignore[misc]


class PlainTitlesMixin:
    """Mixin that names a page by what it shows, in place of "Select user to change" and "View video"."""

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

    def render_delete_form(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        """Ask under the name of what is to be deleted, unless it cannot be deleted."""
        if not context["perms_lacking"] and not context["protected"]:
            context = {**context, "title": f"Delete {self.opts.verbose_name} “{context['object']}”?"}
        return super().render_delete_form(request, context)  # type: ignore[misc]


class PermissionsField(forms.ModelMultipleChoiceField):
    """Permissions by their names alone: "Can add video" says what "Archive | video | Can add video" says."""

    def label_from_instance(self, permission: Any) -> str:
        """Return the name."""
        return permission.name


class ChoicesMixin:
    """Mixin of forms with permissions to choose.

    Its script gives the icons of Django's lists to choose from the role of images, so that they may have a label.
    """

    class Media:
        js = (Script("js/admin_choices.js", type="module"),)

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        """Name permissions briefly, since the lists cut long names."""
        if db_field.related_model is Permission:
            kwargs["form_class"] = PermissionsField
        return super().formfield_for_manytomany(db_field, request, **kwargs)  # type: ignore[misc]


class PasswordSummaryWidget(ReadOnlyPasswordHashWidget):
    """What is known of a password: that it is set, and by which algorithm; its parameters tell nobody here anything."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Keep the sentences that say that there is no password, or no valid one: they have no value."""
        context = super().get_context(name, value, attrs)
        algorithm = context["summary"][0].get("value")
        if algorithm:
            context["summary"] = [{"label": f"Set ({algorithm})"}]
        return context


class ArchiveUserForm(UserChangeForm):
    """The form of an account, with one line for its password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "password" in self.fields:
            self.fields["password"].widget = PasswordSummaryWidget()


class GroupFilter(RelatedFieldListFilter):
    """Filter of accounts by group that says "No group", where Django has a dash."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.empty_value_display = mark_safe("No group")  # as Django declares it


class ArchiveUserAdmin(ChoicesMixin, AuditedAdminMixin, SafeLookupMixin, PlainTitlesMixin, UserAdmin):
    """Admin of user accounts; passwords and deletion follow the permission to change an account."""

    form = ArchiveUserForm
    list_filter = ("is_staff", "is_superuser", "is_active", ("groups", GroupFilter))
    # Not the groups: the few roles are check boxes.
    filter_horizontal = ("user_permissions",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow accounts that have no permission that this user lacks."""
        return super().has_change_permission(request, obj) and _may_edit(request.user, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow accounts that have no permission that this user lacks."""
        return super().has_delete_permission(request, obj) and _may_edit(request.user, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str] | tuple[str, ...]:
        """Add the dates and, for all but superusers, the fields that grant permissions directly."""
        fields = (*super().get_readonly_fields(request, obj), "last_login", "date_joined")
        return fields if can_manage_users(request.user) else (*fields, "is_staff", "is_superuser", "user_permissions")

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        """Offer the groups whose permissions this user has."""
        if db_field.name == "groups":
            kwargs["widget"] = forms.CheckboxSelectMultiple()
            if not can_manage_users(request.user):
                kwargs["queryset"] = _grantable_groups(request.user)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Leave out the button that adds a group: Django's script cannot put the new one among check boxes."""
        field: Any = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "groups":
            field.widget = field.widget.widget
        return field


class ArchiveGroupAdmin(ChoicesMixin, AuditedAdminMixin, SafeLookupMixin, PlainTitlesMixin, GroupAdmin):
    """Admin of groups, which only superusers change: everybody in a group gets its permissions."""

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
    return not account.is_superuser and has_all_permissions(user, _permission_names(granted))


def _grantable_groups(user: Any) -> QuerySet[Group]:
    groups = Group.objects.prefetch_related("permissions__content_type")
    pks = [group.pk for group in groups if has_all_permissions(user, _permission_names(group.permissions.all()))]
    return Group.objects.filter(pk__in=pks)


def _permission_names(granted: Iterable[Permission]) -> set[str]:
    return {f"{permission.content_type.app_label}.{permission.codename}" for permission in granted}
