"""Access decorators for views."""

import functools
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from downloads.accounts import permissions
from downloads.accounts.permissions import Permission
from downloads.views.responses import is_own_url, login_redirect, return_url

ViewFunction = Callable[..., HttpResponse]


def require_permission(permission: Permission) -> Callable[[ViewFunction], ViewFunction]:
    """Let only users with this permission reach the view; `error_handlers.permission_denied` answers the others."""

    def decorator(view: ViewFunction) -> ViewFunction:
        @functools.wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            permissions.require(request.user, permission)
            return view(request, *args, **kwargs)

        return guarded

    return decorator


def drop_foreign_next(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Remove a `next` that leaves the archive; Django's own views check its host, but not its path."""

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        for name in ("GET", "POST"):
            parameters = getattr(request, name)
            if "next" in parameters and not is_own_url(request, parameters["next"]):
                parameters = parameters.copy()
                del parameters["next"]
                setattr(request, name, parameters)
        return view(request, *args, **kwargs)

    return guarded


def post_only(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Answer 405 with an HTML page to other methods than POST, since GET must be safe (RFC 9110, 9.2.1)."""

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "POST":
            return view(request, *args, **kwargs)
        response = render(request, "405.html", status=405)
        response.headers["Allow"] = "POST"
        return response

    return guarded


def require_sign_in(view: ViewFunction) -> ViewFunction:
    """Let only people who are signed in reach the view, whatever their role; others are sent to the sign-in page."""

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not permissions.is_signed_in(request.user):
            return login_redirect(request, request.get_full_path() if request.method == "GET" else return_url(request))
        return view(request, *args, **kwargs)

    return guarded
