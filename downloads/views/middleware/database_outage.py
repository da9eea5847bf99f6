"""Answers while the database is away, locked or read-only: 503 in a sentence, and what was typed to send again."""

import logging
import sys
import time
from typing import Any

from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin
from django.views.defaults import server_error as default_server_error

from downloads.database import schema, write_probe
from downloads.database.outages import UNREACHABLE, describe_outage
from downloads.outage_log import OutageLog
from downloads.views.error_handlers import has_password, typed_fields

logger = logging.getLogger(__name__)

# /readyz says which is newer, and what to do.
UPGRADE_SENTENCE = "The archive is being upgraded: its database belongs to another version of ytarchive."
RETRY_AFTER_SECONDS = 5
PROBE_INTERVAL_SECONDS = 1.0
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class OutageTracker:
    """The outage as the requests of this process see it, logged once."""

    def __init__(self) -> None:
        self._log = OutageLog(logger, "Requests are answered with 503: %s", "The database can be used again")
        self._probed_at = float("-inf")

    def failed(self, text: str) -> None:
        """Record a request that the database failed."""
        self._log.failed(text)

    def succeeded(self) -> None:
        """Record a request that the database has served, with which an outage may be over.

        Not every request writes, and a locked database can still be read: so it is tried out, once a second.
        """
        now = time.monotonic()
        if not self._log.is_down or now - self._probed_at < PROBE_INTERVAL_SECONDS:
            return
        self._probed_at = now
        try:
            write_probe.try_to_write(max_wait_seconds=0)
        except Error:
            return
        if not schema.find_mismatch_cached():
            self._log.recovered()


tracker = OutageTracker()


class DatabaseOutageMiddleware(MiddlewareMixin):
    """Answer 503 to requests whose view the database failed."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return the answer to an error of the database, None for any other."""
        return outage_response(request, exception)

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Notice the end of an outage."""
        if response.status_code < 500 and connection.connection is not None:
            tracker.succeeded()
        return response


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer an error that came from no view, such as that of a middleware (handler500)."""
    # Django does not pass the error on, and handles it at this moment.
    error = sys.exc_info()[1]
    response = outage_response(request, error) if error else None
    return response or default_server_error(request)


def outage_response(request: HttpRequest, error: BaseException) -> HttpResponse | None:
    """Return the answer to a request that the database has failed; None for an error with another cause."""
    sentence = _describe(error)
    if not sentence:
        return None
    tracker.failed(f"{sentence} ({_first_line(error)})")
    _close_connection()
    response = _build_response(request, sentence)
    response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    response.headers["Cache-Control"] = "no-store"
    # Django would log a line for each request; the outage is logged once.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _close_connection() -> None:
    """Close a connection that may be broken, so that the next request begins with a new one."""
    if not connection.in_atomic_block:
        connection.close()


def _describe(error: BaseException) -> str:
    sentence = describe_outage(error)
    # A column that the code does not know, or that it misses, shows as any error of the database. One that cannot be
    # reached is not asked, which would take as long again.
    if isinstance(error, Error) and sentence != UNREACHABLE:
        mismatch = schema.find_mismatch_cached()
        return UPGRADE_SENTENCE if mismatch and mismatch != schema.EMPTY_SENTENCE else sentence
    return sentence


def _build_response(request: HttpRequest, sentence: str) -> HttpResponse:
    if request.path == reverse("progress"):
        return JsonResponse({"error": sentence}, status=503)
    context: dict[str, Any] = {"sentence": sentence, "url": request.get_full_path()}
    if request.headers.get("HX-Request") == "true" and "HX-Boosted" not in request.headers:
        context["is_post"] = request.method not in SAFE_METHODS
        return HttpResponse(render_to_string("503_htmx.html", context), status=503)
    if request.method not in SAFE_METHODS:
        context |= _form_context(request)
    # Without the request, since its context processors would ask the database who is signed in.
    return HttpResponse(render_to_string("503.html", context), status=503)


def _form_context(request: HttpRequest) -> dict[str, Any]:
    """Return what was typed, to be sent again: of a form with a password, only the name of a person who signs in."""
    is_sign_in = request.path in (reverse("login"), reverse("admin:login"))
    context = {"csrf_token": get_token(request), "is_form": True, "is_sign_in": is_sign_in}
    if is_sign_in:
        names = ("username", "next")
        return context | {name: request.POST.get(name, "") for name in names}
    is_complete = not has_password(request) and not request.FILES
    return context | {"can_resend": is_complete, "fields": typed_fields(request) if is_complete else []}
