"""Template context processors."""

from typing import Any

from django.http import HttpRequest

from downloads.accounts.permissions import Permission, can_open_admin, has_permission, is_signed_in
from downloads.accounts.theme import THEMES, read_theme


class UserPermissions:
    """Permissions of one user for templates: `{% if can.delete %}`. Each is looked up once, when a template asks."""

    def __init__(self, user: Any) -> None:
        self._user = user
        self._answers: dict[str, bool] = {}

    def __getitem__(self, name: str) -> bool:
        if name not in self._answers:
            self._answers[name] = has_permission(self._user, Permission[name.upper()])
        return self._answers[name]


def permissions(request: HttpRequest) -> dict[str, Any]:
    """Add `can`, `is_signed_in`, `can_open_admin` and the theme to the context of every template."""
    theme = {"theme": read_theme(request), "themes": THEMES}
    # A request that was rejected before AuthenticationMiddleware has no user: templates then permit nothing.
    if not hasattr(request, "user"):
        return theme
    user = request.user
    return {
        **theme,
        "can": UserPermissions(user),
        "is_signed_in": is_signed_in(user),
        "can_open_admin": can_open_admin(user),
    }
