"""Permission checks of pages, WebSocket and media: viewing the archive, changing it, and managing its program."""

from typing import Any

from django.conf import settings


def can_view(user: Any) -> bool:
    """Return True if `user` may view the archive: everyone may if it is open, signed-in users if it is private."""
    return not settings.PRIVATE or user.is_authenticated


def can_change(user: Any) -> bool:
    """Return True if `user` may add, cancel, retry and delete videos: signed-in users may."""
    return bool(user.is_authenticated)


def can_manage(user: Any) -> bool:
    """Return True if `user` may update yt-dlp: staff who may change videos in the admin, such as superusers."""
    return bool(user.is_authenticated and user.is_active and user.is_staff and user.has_perm("downloads.change_video"))
