"""Permission checks of pages, WebSocket and media: viewing the archive, and changing it."""

from typing import Any

from django.conf import settings


def can_view(user: Any) -> bool:
    """Return True if `user` may view the archive: everyone may if it is open, signed-in users if it is private."""
    return not settings.PRIVATE or user.is_authenticated


def can_change(user: Any) -> bool:
    """Return True if `user` may add, cancel, retry and delete videos: signed-in users may."""
    return bool(user.is_authenticated)
