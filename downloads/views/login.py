"""Passwords cannot be tried without end: what django-axes counts by, and the forms that let it count in time."""

import contextlib
import hashlib
import ipaddress
import logging
import threading
from typing import Any

from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from downloads.views import responses

logger = logging.getLogger(__name__)


def client_address(request: HttpRequest) -> str:
    """Return the address of whoever asks; only what our own proxies say of it is believed.

    Of an IPv6 address the first 64 bits, for a single line has all the others (RFC 6177).
    """
    said = request.headers.get("X-Forwarded-For", "").split(",")
    if 0 < settings.PROXIES <= len(said):
        entry = said[-settings.PROXIES].strip()
        # Some add a port: 192.0.2.1:5678, [2001:db8::1]:5678.
        bare = entry[1:].partition("]")[0] if entry.startswith("[") else entry
        bare = bare.partition(":")[0] if bare.count(":") == 1 else bare
        with contextlib.suppress(ValueError):
            return _line(bare)
        logger.warning("X-Forwarded-For has %r where the client's address should be", entry[:100])
    with contextlib.suppress(ValueError):
        return _line(str(request.META.get("REMOTE_ADDR")))
    return ""


def _line(text: str) -> str:
    found = ipaddress.ip_address(text)
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False).network_address)


def name_tried(request: HttpRequest, credentials: dict[str, str] | None) -> str:
    """Return what wrong passwords are counted by: a hash, since a name may be long, or a password typed by mistake."""
    name = (credentials or {}).get("username") or request.POST.get("username", "")
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()


def locked_out(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    """Answer who has tried too many passwords; called by django-axes."""
    seconds = int(settings.AXES_COOLOFF_TIME.total_seconds())
    context = {"form": AuthenticationForm(request), "next": responses.back(request), "minutes": seconds // 60}
    answer = render(request, "registration/login.html", context, status=429)
    answer.headers["Retry-After"] = str(seconds)
    return answer


class InTurn:
    """A sign-in that waits for the one before it: how many were wrong is known before the next password is tried."""

    _turn = threading.Lock()
    LONGEST = 10.0  # seconds

    def clean(self) -> dict[str, Any]:
        """Try the password, in turn; raise ValidationError if that takes too long."""
        if not self._turn.acquire(timeout=self.LONGEST):
            raise ValidationError("Too many people are signing in. Try again in a moment.")
        try:
            return super().clean()  # type: ignore[misc]
        finally:
            self._turn.release()


class SignIn(InTurn, AuthenticationForm):
    """The site's sign-in."""


class AdminSignIn(InTurn, AdminAuthenticationForm):
    """The admin's."""
