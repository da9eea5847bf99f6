"""Sign-in with rate-limited passwords: the callables and forms that django-axes needs to count failures."""

import hashlib
from typing import Any, NamedTuple

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from downloads.accounts.client_address import get_client_address
from downloads.accounts.sign_in_queue import QueueFull, SignInQueue
from downloads.outage_log import LogLimiter
from downloads.views import responses

# Wrong passwords from one address within AXES_COOLOFF_TIME, for any names.
MAX_FAILURES_PER_ADDRESS = 30
MAX_KEPT_NAME_LENGTH = 150
QUEUE_RETRY_SECONDS = 10
refused_sign_ins = LogLimiter(__name__)


def hash_username(request: HttpRequest, credentials: dict[str, str] | None) -> str:
    """Return the SHA-256 of the username, by which django-axes counts failures (AXES_USERNAME_CALLABLE).

    A hash, since the name may be of any length, or a password that was typed into the wrong field.
    """
    username = (credentials or {}).get("username") or request.POST.get("username", "")
    return hashlib.sha256(username.encode("utf-8", "replace")).hexdigest()


class SignInRefusal(NamedTuple):
    """A reason why a password is not checked, and when to try again."""

    text: str
    retry_after_seconds: int


def _name_lockout() -> SignInRefusal:
    minutes = _cooloff_seconds() // 60
    text = f"Too many wrong passwords for this name. None is tried any more for up to {minutes} minutes"
    return SignInRefusal(f"{text}: wait, then try again.", _cooloff_seconds())


def _address_lockout() -> SignInRefusal:
    minutes = _cooloff_seconds() // 60
    text = f"Too many wrong passwords from your address. None is tried any more for up to {minutes} minutes"
    return SignInRefusal(f"{text}: wait, then try again.", _cooloff_seconds())


QUEUE_REFUSAL = SignInRefusal("Too many people are signing in just now. Try again in a moment.", QUEUE_RETRY_SECONDS)


def _cooloff_seconds() -> int:
    return int(settings.AXES_COOLOFF_TIME.total_seconds())


def lockout_response(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    """Return the response to a sign-in that is not tried, 429 (AXES_LOCKOUT_CALLABLE); it keeps the name."""
    refusal: SignInRefusal = getattr(request, "sign_in_refusal", None) or _name_lockout()
    name = request.POST.get("username", "").replace("\0", "")
    form = AuthenticationForm(request, initial={"username": name} if len(name) <= MAX_KEPT_NAME_LENGTH else {})
    context = {"form": form, "next": responses.return_url(request), "refusal": refusal.text}
    response = render(request, "registration/login.html", context, status=429)
    response.headers["Retry-After"] = str(refusal.retry_after_seconds)
    return response


def _count_failures(address: str) -> int:
    """Return how many wrong passwords came from an address lately, in any web process."""
    recent = AccessAttempt.objects.filter(
        ip_address=address or None, attempt_time__gte=timezone.now() - settings.AXES_COOLOFF_TIME
    )
    return recent.aggregate(failures=Sum("failures_since_start"))["failures"] or 0


class ThrottledLogin:
    """Form mixin that checks one password at a time, in turn between addresses, and few wrong ones of each.

    Each failure is counted before the next check.
    """

    _queue = SignInQueue()
    request: Any
    cleaned_data: dict[str, Any]

    def clean(self) -> dict[str, Any]:
        """Check the password; raise ValidationError if it is wrong, or not tried, which is answered 429."""
        if not self.cleaned_data.get("username") or not self.cleaned_data.get("password"):
            return super().clean()  # type: ignore[misc]
        address = get_client_address(self.request)
        try:
            with self._queue.turn(address):
                if _count_failures(address) < MAX_FAILURES_PER_ADDRESS:
                    return super().clean()  # type: ignore[misc]
                refusal = _address_lockout()
        except QueueFull:
            refusal = QUEUE_REFUSAL
        # AxesMiddleware then answers with lockout_response.
        self.request.axes_locked_out, self.request.sign_in_refusal = True, refusal
        refused_sign_ins.warning(address, "Passwords from %s are not tried: %s", address, refusal.text)
        raise ValidationError(refusal.text)


class LoginForm(ThrottledLogin, AuthenticationForm):
    """Sign-in form of the site."""


class AdminLoginForm(ThrottledLogin, AdminAuthenticationForm):
    """Sign-in form of the admin."""
