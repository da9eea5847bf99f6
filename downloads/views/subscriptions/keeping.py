"""Permission to have retention delete more: that of deletion."""

from collections.abc import Mapping
from typing import Any

from downloads.accounts.permissions import Permission, require
from downloads.models import Subscription
from downloads.subscriptions.validation import KEEP_FIELDS


def require_retention(user: Any, settings: Mapping[str, Any], subscription: Subscription | None = None) -> None:
    """Raise RoleRequired if these settings keep less than the subscription does now, and `user` may not delete."""
    if any(_is_tighter(getattr(subscription, name, None), settings.get(name)) for name in KEEP_FIELDS):
        require(user, Permission.DELETE)


def _is_tighter(old: int | None, new: int | None) -> bool:
    return new is not None and (old is None or new < old)
