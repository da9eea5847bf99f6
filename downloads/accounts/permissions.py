"""Who may look and who may change things: the one place that pages, socket and media ask."""

from typing import Any

from django.conf import settings


def can_view(user: Any) -> bool:
    """Tell whether `user` may see the archive: anyone in an open one, people who signed in otherwise."""
    return not settings.PRIVATE or user.is_authenticated


def can_change(user: Any) -> bool:
    """Tell whether `user` may add, cancel, retry and delete: people who signed in."""
    return bool(user.is_authenticated)
