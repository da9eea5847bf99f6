"""Template context processors."""

import functools
from typing import Any

from django.http import HttpRequest

from downloads.accounts.permissions import can_manage, can_view


def view_permission(request: HttpRequest) -> dict[str, Any]:
    """Add `can_view` and `can_manage` to the context of every template."""
    # A request that was rejected before AuthenticationMiddleware has no user.
    if not hasattr(request, "user"):
        return {"can_view": False, "can_manage": False}
    # A function, which templates call: few pages ask, and permissions are a query.
    return {"can_view": can_view(request.user), "can_manage": functools.partial(can_manage, request.user)}
