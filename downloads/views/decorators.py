"""Access decorators for views."""

import functools
from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from downloads.accounts import permissions
from downloads.views.responses import is_htmx_request, is_own_url, login_redirect, return_url

ViewFunction = Callable[..., HttpResponse]


def require_view_access(view: ViewFunction) -> ViewFunction:
    """Redirect users who may not view the archive to the sign-in page, and from there to the requested URL."""

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if permissions.can_view(request.user):
            return view(request, *args, **kwargs)
        return login_redirect(request, return_url(request) if is_htmx_request(request) else request.get_full_path())

    return guarded


def require_change_access(view: ViewFunction) -> ViewFunction:
    """Redirect users who may not change the archive to the sign-in page, and from there to the page they came from."""

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if permissions.can_change(request.user):
            return view(request, *args, **kwargs)
        return login_redirect(request, return_url(request))

    return guarded


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


def require_manage_access(view: ViewFunction) -> ViewFunction:
    """Answer 403 to users who may not manage the archive; redirect those who are not signed in to the sign-in page."""

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if permissions.can_manage(request.user):
            return view(request, *args, **kwargs)
        if request.user.is_authenticated:
            raise PermissionDenied
        return login_redirect(request, return_url(request))

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
