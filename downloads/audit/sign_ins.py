"""Audit entries of sign-ins, made by Django's own signals."""

import datetime as dt
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.http import HttpRequest
from django.utils import timezone

from downloads.accounts.client_address import get_client_address
from downloads.models.audit.actor import PROGRAM, actor_of
from downloads.models.audit.entry import AuditAction, AuditEntry, record_entry

# Anybody can fail to sign in, so the number of their entries has a limit.
MAX_FAILURES_PER_HOUR = 100


def connect_signals() -> None:
    """Record each sign-in, and failed ones."""
    user_logged_in.connect(record_sign_in, dispatch_uid="audit")
    user_login_failed.connect(record_failed_sign_in, dispatch_uid="audit")


def record_sign_in(sender: Any, request: HttpRequest | None, user: Any, **_: Any) -> None:
    """Insert the entry of a sign-in, with the client's address."""
    record_entry(AuditAction.SIGNED_IN, details=_describe_address(request), actor=actor_of(user))


def record_failed_sign_in(
    sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any
) -> None:
    """Insert the entry of a failed sign-in, up to MAX_FAILURES_PER_HOUR.

    A name that belongs to no account is left out: it may be a password that was typed into the wrong field.
    """
    failures = AuditEntry.objects.filter(action=AuditAction.SIGN_IN_FAILED)
    oldest = failures[MAX_FAILURES_PER_HOUR - 1 : MAX_FAILURES_PER_HOUR].first()
    if oldest and oldest.at > timezone.now() - dt.timedelta(hours=1):
        return
    username = str(credentials.get("username") or "").replace("\x00", "")[:150]
    user = get_user_model().objects.filter(username=username).first()
    subject = f"as {user.get_username()}" if user else "with a name that no account has"
    details = f"{subject} {_describe_address(request)}".strip()
    record_entry(AuditAction.SIGN_IN_FAILED, details=details[0].upper() + details[1:], actor=PROGRAM)


def _describe_address(request: HttpRequest | None) -> str:
    address = get_client_address(request) if request else ""
    return f"from {address}" if address else ""
