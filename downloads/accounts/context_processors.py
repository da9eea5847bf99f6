"""Template context processors."""

from django.http import HttpRequest

from downloads.accounts.permissions import can_view


def view_permission(request: HttpRequest) -> dict[str, bool]:
    """Add `can_view` to the context of every template."""
    # A request that was rejected before AuthenticationMiddleware has no user.
    return {"can_view": hasattr(request, "user") and can_view(request.user)}
