"""Views of one's own account: password, sessions and theme."""

from django.contrib import messages
from django.contrib.auth import SESSION_KEY, update_session_auth_hash
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from downloads.accounts.permissions import ROLE_ABILITIES, is_signed_in, require_staff, role_of
from downloads.accounts.session_store import checked_session_data
from downloads.accounts.theme import THEMES, keep_theme
from downloads.models.audit.entry import AuditAction, record_entry
from downloads.pluralization import format_count
from downloads.views import responses
from downloads.views.decorators import post_only, require_sign_in
from downloads.views.login import PasswordForm

ROLE_TEXTS = {role: f"{role.capitalize()}: you can {abilities}." for role, abilities in ROLE_ABILITIES.items()}


@require_http_methods(["GET", "HEAD", "POST"])
def admin_sign_in(request: HttpRequest) -> HttpResponse:
    """Send people from the admin to the one sign-in page, and refuse those who are signed in and no staff."""
    url = request.GET.get("next") or reverse("admin:index")
    if not is_signed_in(request.user):
        return responses.login_redirect(request, url)
    require_staff(request.user)
    return HttpResponseRedirect(url)


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@require_sign_in
def account(request: HttpRequest) -> HttpResponse:
    """Show the account, and change its password; this session goes on, and all others end."""
    form = PasswordForm(request, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        with transaction.atomic():
            user = form.save()
            details = f"User {user}: changed their own password."
            record_entry(AuditAction.ACCOUNT_CHANGED, details=details)
        update_session_auth_hash(request, user)
        messages.success(request, "Password changed. Your other devices are signed out.")
        return redirect("account")
    context = {"password_form": form, "role_text": ROLE_TEXTS[role_of(request.user)]}
    response = render(request, "downloads/account/account.html", context)
    response.headers["Cache-Control"] = "no-store"
    return response


@post_only
def choose_theme(request: HttpRequest) -> HttpResponse:
    """Keep the theme that somebody chose, signed in or not, and return to their page."""
    response = HttpResponseRedirect(responses.return_url(request))
    theme = request.POST.get("theme", "")
    if theme in THEMES:
        keep_theme(response, theme)
    else:
        messages.error(request, "Choose the theme System, Light or Dark.")
    return response


@post_only
@require_sign_in
def sign_out_others(request: HttpRequest) -> HttpResponse:
    """End all sessions of this account but the one that asks."""
    count = _delete_sessions(request.user, except_key=request.session.session_key or "")
    text = f"Signed out {format_count(count, 'other device')}." if count else "No other device was signed in."
    messages.success(request, text)
    return redirect("account")


def _delete_sessions(user: AbstractBaseUser | AnonymousUser, except_key: str) -> int:
    sessions = Session.objects.filter(expire_date__gt=timezone.now()).exclude(pk=except_key)
    keys = [
        session.pk
        for session in sessions.iterator()
        if checked_session_data(session.get_decoded()).get(SESSION_KEY) == str(user.pk)
    ]
    for start in range(0, len(keys), 500):
        Session.objects.filter(pk__in=keys[start : start + 500]).delete()
    return len(keys)
