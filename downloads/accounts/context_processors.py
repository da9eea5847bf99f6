"""Context processors."""

from django.http import HttpRequest

from downloads.accounts.permissions import may_look


def context(request: HttpRequest) -> dict[str, bool]:
    """Tell every template whether its reader may see the archive."""
    # A request that was refused early has no user.
    return {"may_look": hasattr(request, "user") and may_look(request.user)}
