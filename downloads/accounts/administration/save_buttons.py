"""Buttons below the forms of accounts and groups."""

from typing import Any

from django.http import HttpRequest, HttpResponse


class SaveButtonsMixin:
    """Mixin that has one button that saves; besides it, "Save and add another" where something is added."""

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], add: bool = False, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Leave out "Save and continue editing", and "Save and add another" on the page of a row."""
        context = {**context, "show_save_and_continue": False, "show_save_and_add_another": add}
        return super().render_change_form(request, context, add, *args, **kwargs)  # type: ignore[misc]
