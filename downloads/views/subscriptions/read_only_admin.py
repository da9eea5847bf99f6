"""Base of the admin pages for reading: what people do with a row, they do on the pages."""

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest

from downloads.accounts.admin_url_secrets import SecretLookupGuardMixin
from downloads.accounts.filled_fields import FilledFieldsMixin
from downloads.accounts.permissions import Permission, has_permission
from downloads.accounts.user_admin import PlainWordingMixin, SafeLookupMixin


class ReadOnlyAdmin(FilledFieldsMixin, SecretLookupGuardMixin, SafeLookupMixin, PlainWordingMixin, admin.ModelAdmin):
    """Rows that are written by verbs alone; whoever may view the archive, and is staff, may read them."""

    actions: Any = None
    # Below the list, where they appear as soon as something is selected.
    actions_on_top, actions_on_bottom = False, True
    show_full_result_count = False
    list_per_page = 50
    empty_value_display = ""
    change_form_template = "admin/downloads/record.html"

    class Media:
        css: ClassVar = {"all": ("css/state.css", "css/thumb.css", "css/admin.css")}

    def has_module_permission(self, request: HttpRequest) -> bool:
        """List the model for those who may view the archive."""
        return has_permission(request.user, Permission.VIEW)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Show rows to those who may view the archive."""
        return has_permission(request.user, Permission.VIEW)

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Offer the actions of a list to those who have them on the pages."""
        return has_permission(request.user, Permission.CHANGE)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: the pages add rows."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: the pages change rows."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: the pages delete rows."""
        return False
