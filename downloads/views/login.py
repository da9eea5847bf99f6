"""Passwords cannot be tried without end: what django-axes counts by, and the forms that let it count in time."""

import hashlib
import threading
from typing import Any

from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from downloads.views import responses


def hashed_username(request: HttpRequest, credentials: dict[str, str] | None) -> str:
    """Return what wrong passwords are counted by: a hash, since a name may be long, or a password typed by mistake."""
    name = (credentials or {}).get("username") or request.POST.get("username", "")
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()


def lockout_response(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    """Answer who has tried too many passwords; called by django-axes."""
    seconds = int(settings.AXES_COOLOFF_TIME.total_seconds())
    context = {"form": AuthenticationForm(request), "next": responses.return_url(request), "minutes": seconds // 60}
    answer = render(request, "registration/login.html", context, status=429)
    answer.headers["Retry-After"] = str(seconds)
    return answer


class SerializedLogin:
    """A sign-in that waits for the one before it: how many were wrong is known before the next password is tried."""

    _login_lock = threading.Lock()
    MAX_WAIT_SECONDS = 10.0  # seconds

    def clean(self) -> dict[str, Any]:
        """Try the password, in turn; raise ValidationError if that takes too long."""
        if not self._login_lock.acquire(timeout=self.MAX_WAIT_SECONDS):
            raise ValidationError("Too many people are signing in. Try again in a moment.")
        try:
            return super().clean()  # type: ignore[misc]
        finally:
            self._login_lock.release()


class LoginForm(SerializedLogin, AuthenticationForm):
    """The site's sign-in."""


class AdminLoginForm(SerializedLogin, AdminAuthenticationForm):
    """The admin's."""
