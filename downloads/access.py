"""Who may look and who may change things: the one place that pages, socket and media ask."""

import contextlib
import ipaddress
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib import auth
from django.http import HttpRequest


def may_look(user: Any) -> bool:
    """Tell whether `user` may see the archive: anyone in an open one, people who signed in otherwise."""
    return not settings.PRIVATE or user.is_authenticated


def still_may_look(session_key: str) -> bool:
    """Tell whether whoever has this session may see the archive, by what the database says now."""
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    return may_look(auth.get_user(request))


def may_change(user: Any) -> bool:
    """Tell whether `user` may add, cancel, retry and delete: people who signed in."""
    return bool(user.is_authenticated)


def client_address(request: HttpRequest) -> str:
    """Return the address of whoever asks; only what our own proxies say of it is believed."""
    said = request.headers.get("X-Forwarded-For", "").split(",")
    if 0 < settings.PROXIES <= len(said):
        with contextlib.suppress(ValueError):
            return str(ipaddress.ip_address(said[-settings.PROXIES].strip()))
    return str(request.META.get("REMOTE_ADDR") or "")


def context(request: HttpRequest) -> dict[str, bool]:
    """Tell every template whether its reader may see the archive."""
    # A request that was refused early has no user.
    return {"may_look": hasattr(request, "user") and may_look(request.user)}
