"""Limit of request bodies: small for all forms, large for those that add videos and follow lists."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin

from downloads import formatting
from downloads.accounts import permissions
from downloads.accounts.permissions import Permission, RoleRequired
from downloads.views import responses

SIGNED_OUT_MESSAGE = "You’ve been signed out. Copy your links, sign in, and paste them again."


class BodyLimitMiddleware(MiddlewareMixin):
    """Answer 413 to bodies that are too long, before anything reads them; htmx shows the sentence on the open page.

    Comes after the authentication: only those who may add videos may send much.
    """

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        """Return the refusal of a request whose Content-Length exceeds the limit."""
        length = int(request.META.get("CONTENT_LENGTH") or 0)
        if length <= settings.MAX_FORM_BYTES:
            return None
        if request.path not in map(reverse, settings.LARGE_FORM_URL_NAMES):
            return _too_large_response(request, _too_large_message(length, settings.MAX_FORM_BYTES))
        if not permissions.is_signed_in(request.user):
            return _too_large_response(request, SIGNED_OUT_MESSAGE)
        if not permissions.has_permission(request.user, Permission.ADD):
            return _too_large_response(request, str(RoleRequired(Permission.ADD)))
        if length > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            return _too_large_response(request, _too_large_message(length, settings.DATA_UPLOAD_MAX_MEMORY_SIZE))
        return None


def _too_large_message(length: int, limit: int) -> str:
    sizes = f"{formatting.format_bytes(length)}, and {formatting.format_bytes(limit)} are taken"
    return f"This is too much at once: it has {sizes}. Nothing was added; send a part of it."


def _too_large_response(request: HttpRequest, message: str) -> HttpResponse:
    if responses.is_htmx_request(request):
        return responses.message_response(request, message)
    return render(request, "413.html", {"message": message}, status=413)
