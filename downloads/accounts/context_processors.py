"""Context processors."""

from django.http import HttpRequest

from downloads.accounts.permissions import can_view


def view_permission(request: HttpRequest) -> dict[str, bool]:
    """Tell every template whether its reader may see the archive."""
    # A request that was refused early has no user.
    return {"can_view": hasattr(request, "user") and can_view(request.user)}
