"""Admin pages of one row without the fields that have no value."""

from typing import Any

from django.contrib.admin.utils import lookup_field
from django.core.exceptions import ObjectDoesNotExist
from django.http import HttpRequest

EMPTY_VALUES: tuple[Any, ...] = (None, "", [], {})


class FilledFieldsMixin:
    """Mixin of read-only admins that leaves out fields without a value, and fieldsets without a field."""

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fieldsets of the fields that say something of this row."""
        fieldsets = super().get_fieldsets(request, obj)  # type: ignore[misc]
        if obj is None:
            return fieldsets
        filled = [
            (title, {**options, "fields": [name for name in options["fields"] if self.has_value(name, obj)]})
            for title, options in fieldsets
        ]
        return [(title, options) for title, options in filled if options["fields"]]

    def has_value(self, name: str, obj: Any) -> bool:
        """Return True if the field of this name has a value."""
        try:
            value = lookup_field(name, obj, self)[2]  # type: ignore[arg-type]
        except (AttributeError, ValueError, ObjectDoesNotExist):
            return False
        return value not in EMPTY_VALUES
