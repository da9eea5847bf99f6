"""Mixin of the admin of accounts and groups that records their changes in the audit log."""

import json
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.http import HttpRequest

from downloads.models.audit.entry import AuditAction, record_entry


class AuditedAdminMixin:
    """Mixin that records what Django's own history records, with the roles that an account has afterwards."""

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Record an addition."""
        record_entry(AuditAction.ACCOUNT_CHANGED, details=f"{_name_with_model(obj)} was added.")
        return super().log_addition(request, obj, message)  # type: ignore[misc]

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Record a change, with what was changed and what the account may do now."""
        # Django keeps the message as JSON, which its own history translates when it is shown.
        changes = LogEntry(change_message=json.dumps(message) if isinstance(message, list) else message)
        details = f"{_name_with_model(obj)}: {changes.get_change_message()}{_describe_roles(obj)}"
        record_entry(AuditAction.ACCOUNT_CHANGED, details=details)
        return super().log_change(request, obj, message)  # type: ignore[misc]

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Record deletions."""
        for obj in queryset:
            record_entry(AuditAction.ACCOUNT_CHANGED, details=f"{_name_with_model(obj)} was deleted.")
        return super().log_deletions(request, queryset)  # type: ignore[misc]


def _name_with_model(obj: Any) -> str:
    return f"{str(obj._meta.verbose_name).capitalize()} {obj}"


def _describe_roles(obj: Any) -> str:
    """Return the groups and flags of a user as a sentence; "" for anything else."""
    if not isinstance(obj, User):
        return ""
    flags = {"superuser": obj.is_superuser, "staff": obj.is_staff, "inactive": not obj.is_active}
    roles = [*obj.groups.values_list("name", flat=True), *(name for name, is_set in flags.items() if is_set)]
    return f" Now: {', '.join(roles) or 'no role'}."
