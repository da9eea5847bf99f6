"""Error handlers for 400 and 403: bad requests, unknown host names, refused forms, lacking permissions."""

from typing import Any

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port
from django.shortcuts import render
from django.urls import reverse
from django.views.csrf import csrf_failure as default_csrf_failure

from downloads.accounts.permissions import Permission, RoleRequired, is_signed_in
from downloads.outage_log import LogLimiter
from downloads.views.responses import (
    is_htmx_request,
    login_redirect,
    message_response,
    refresh_videos,
    return_url,
)

MAX_HOST_LENGTH = 200
# For what Django refuses itself, in the admin.
NO_PERMISSION_TEXT = (
    "Your account does not have the permission that this needs. An administrator of this archive can give it to you."
)
RELOAD_TEXT = "Reload the page, then try again."
refused_hosts = LogLimiter(__name__)
refused_users = LogLimiter(__name__)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Explain why a form was refused (CSRF_FAILURE_VIEW).

    `request.refusal` is set by our CSRF middleware. A form of our own pages is shown again with a new token, so that
    nothing that was typed is lost.
    """
    refusal = getattr(request, "refusal", None)
    if refusal is None:  # refused by one of Django's decorators
        return default_csrf_failure(request, reason)
    if is_htmx_request(request):
        reload_text = RELOAD_TEXT if refusal.needs_reload else ""
        texts = (refusal.reason, refusal.remedy, reload_text, refusal.advice)
        return message_response(request, " ".join(filter(None, texts)))
    can_resend = refusal.can_resend and not has_password(request)
    context = {"refusal": refusal, "can_resend": can_resend, "fields": typed_fields(request) if can_resend else []}
    return render(request, "403_csrf.html", context, status=403)


def has_password(request: HttpRequest) -> bool:
    """Return True for a form with a password, which no page may show."""
    return request.path == reverse("login") or any("password" in name for name in request.POST)


def typed_fields(request: HttpRequest) -> list[tuple[str, str]]:
    """Return the form's fields, without its token."""
    fields = [(name, value) for name, values in request.POST.lists() for value in values]
    return [(name, value) for name, value in fields if name != "csrfmiddlewaretoken"]


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that lacks a permission (handler403), in words that name the role; strangers may sign in.

    On an open page htmx shows the sentence in place, and fetches the videos again, whose buttons may have changed.
    """
    if isinstance(exception, RoleRequired) and not is_signed_in(request.user):
        is_page = exception.permission is Permission.VIEW and not is_htmx_request(request)
        return login_redirect(request, request.get_full_path() if is_page else return_url(request))
    text = str(exception) or NO_PERMISSION_TEXT
    if is_htmx_request(request):
        response = refresh_videos(message_response(request, text, status=403), [])
    else:
        pasted_text = request.POST.get("urls", "") if request.path == reverse("add") else ""
        response = render(request, "403.html", {"text": text, "pasted_text": pasted_text}, status=403)
    # Django would log it with a traceback.
    response._has_been_logged = True  # type: ignore[attr-defined]
    refused_users.warning(request.user.pk, "Refused %s %s to %s: %s", request.method, request.path, request.user, text)
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Explain a bad request (handler400); for a host that ALLOWED_HOSTS does not have, say which and what to set."""
    context: dict[str, Any] = {}
    if isinstance(exception, DisallowedHost):
        host: str = request._get_raw_host()  # type: ignore[attr-defined]
        domain, _ = split_domain_port(host)
        context = {"host": host[:MAX_HOST_LENGTH], "domain": domain[:MAX_HOST_LENGTH]}
        _log_host(context["host"], context["domain"])
    return render(request, "400.html", context, status=400)


def _log_host(host: str, domain: str) -> None:
    advice = f"If it is yours, put {domain} into DJANGO_ALLOWED_HOSTS" if domain else "It is no valid host name"
    refused_hosts.warning(
        host, "Refused a request to the host %s. %s; if a proxy changes the Host header, let it pass that on.",
        ascii(host), advice,
    )  # fmt: skip
