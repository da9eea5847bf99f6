"""Sign-in with rate-limited passwords: the callables and forms that django-axes needs to count failures."""

import hashlib
import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from downloads.accounts.client_address import get_client_address
from downloads.accounts.sign_in_queue import QueueFull, SignInQueue
from downloads.outage_log import LogLimiter
from downloads.pluralization import format_count
from downloads.views import responses

T = TypeVar("T")
# Wrong passwords from one address within AXES_COOLOFF_TIME, for any names.
MAX_FAILURES_PER_ADDRESS = 30
MAX_KEPT_NAME_LENGTH = 150
QUEUE_RETRY_SECONDS = 10
refused_sign_ins = LogLimiter(__name__)
_queue = SignInQueue()


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


def _lockout(seconds: int) -> SignInRefusal:
    """Return the refusal of a lock that ends in so many seconds."""
    count, unit = (math.ceil(seconds / 60), "minute") if seconds > 60 else (seconds, "second")
    return SignInRefusal(f"Too many failed attempts. Try again in {format_count(count, unit)}.", seconds)


QUEUE_REFUSAL = SignInRefusal("Too many people are signing in just now. Try again in a moment.", QUEUE_RETRY_SECONDS)


def lockout_response(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    """Return the response to a password that is not checked, 429 (AXES_LOCKOUT_CALLABLE); it keeps the name."""
    refusal: SignInRefusal = getattr(request, "sign_in_refusal", None) or _name_lockout(request)
    if request.path == reverse("account"):
        response = render(request, "downloads/account/account.html", {"refusal": refusal.text}, status=429)
    else:
        name = request.POST.get("username", "").replace("\0", "")
        form = AuthenticationForm(request, initial={"username": name} if len(name) <= MAX_KEPT_NAME_LENGTH else {})
        context = {"form": form, "next": responses.return_url(request), "refusal": refusal.text}
        response = render(request, "registration/login.html", context, status=429)
    response.headers["Retry-After"] = str(refusal.retry_after_seconds)
    return response


def _name_lockout(request: HttpRequest) -> SignInRefusal:
    """Return the refusal of passwords for the name that the request tried."""
    username = hash_username(request, {"username": request.user.get_username()})  # "" for strangers: that of the form
    attempts = _recent_attempts(get_client_address(request)).filter(username=username)
    return _lockout(_seconds_until_below(attempts, settings.AXES_FAILURE_LIMIT))


def _recent_attempts(address: str) -> QuerySet[AccessAttempt]:
    """Return the wrong passwords that came from an address lately, to any web process."""
    recent = AccessAttempt.objects.filter(attempt_time__gte=timezone.now() - settings.AXES_COOLOFF_TIME)
    return recent.filter(ip_address=address or None)


def _seconds_until_below(attempts: QuerySet[AccessAttempt], limit: int) -> int:
    """Return in how many seconds fewer than `limit` of these failures count; 0 if that is so now."""
    rows = list(attempts.order_by("attempt_time").values_list("attempt_time", "failures_since_start"))
    count, ends_at = sum(failures for _, failures in rows), timezone.now()
    for attempt_time, failures in rows:
        if count < limit:
            break
        count -= failures
        ends_at = attempt_time + settings.AXES_COOLOFF_TIME
    return max(0, math.ceil((ends_at - timezone.now()).total_seconds()))


def check_in_turn(request: HttpRequest, check: Callable[[], T]) -> T:
    """Check one password at a time, in turn between addresses, and few wrong ones of each.

    Each failure is counted before the next check. A password that is not checked raises ValidationError, and
    AxesMiddleware answers with lockout_response.
    """
    address = get_client_address(request)
    try:
        with _queue.turn(address):
            seconds = _seconds_until_below(_recent_attempts(address), MAX_FAILURES_PER_ADDRESS)
            if not seconds:
                return check()
            refusal = _lockout(seconds)
    except QueueFull:
        refusal = QUEUE_REFUSAL
    request.axes_locked_out, request.sign_in_refusal = True, refusal  # type: ignore[attr-defined]
    refused_sign_ins.warning(address, "Passwords from %s are not tried: %s", address, refusal.text)
    raise ValidationError(refusal.text)


class LoginForm(AuthenticationForm):
    """Sign-in form, of the site and of the admin."""

    request: HttpRequest

    def clean(self) -> dict[str, Any]:
        """Check the password; raise ValidationError if it is wrong, or not tried, which is answered 429."""
        if not self.cleaned_data.get("username") or not self.cleaned_data.get("password"):
            return super().clean()
        return check_in_turn(self.request, super().clean)


class PasswordForm(PasswordChangeForm):
    """Form for one's own new password; wrong old ones count as those of the sign-in do."""

    def __init__(self, request: HttpRequest, data: Any = None) -> None:
        super().__init__(request.user, data)  # type: ignore[arg-type]  # a user: the view asks
        self.request = request

    def clean_old_password(self) -> str:
        """Check the old password as a sign-in would, so that an unattended browser is no place to guess it."""
        password, name = self.cleaned_data["old_password"], self.user.get_username()
        if check_in_turn(self.request, lambda: authenticate(self.request, username=name, password=password)) is None:
            raise ValidationError("That isn’t your current password.")
        return password
