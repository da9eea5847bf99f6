"""Sign-in with rate-limited passwords: the callables and forms that django-axes needs to count failures."""

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


def hash_username(request: HttpRequest, credentials: dict[str, str] | None) -> str:
    """Return the SHA-256 of the username, by which django-axes counts failures (AXES_USERNAME_CALLABLE).

    A hash, since the name may be of any length, or a password that was typed into the wrong field.
    """
    username = (credentials or {}).get("username") or request.POST.get("username", "")
    return hashlib.sha256(username.encode("utf-8", "replace")).hexdigest()


def lockout_response(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    """Return the response to too many failed sign-ins, 429 (AXES_LOCKOUT_CALLABLE)."""
    seconds = int(settings.AXES_COOLOFF_TIME.total_seconds())
    context = {"form": AuthenticationForm(request), "next": responses.return_url(request), "minutes": seconds // 60}
    response = render(request, "registration/login.html", context, status=429)
    response.headers["Retry-After"] = str(seconds)
    return response


class SerializedLogin:
    """Form mixin that checks one password at a time, so that each failure is counted before the next check."""

    _login_lock = threading.Lock()
    MAX_WAIT_SECONDS = 10.0

    def clean(self) -> dict[str, Any]:
        """Check the password; raise ValidationError if the lock is not free within MAX_WAIT_SECONDS."""
        if not self._login_lock.acquire(timeout=self.MAX_WAIT_SECONDS):
            raise ValidationError("Too many people are signing in. Try again in a moment.")
        try:
            return super().clean()  # type: ignore[misc]
        finally:
            self._login_lock.release()


class LoginForm(SerializedLogin, AuthenticationForm):
    """Sign-in form of the site."""


class AdminLoginForm(SerializedLogin, AdminAuthenticationForm):
    """Sign-in form of the admin."""
