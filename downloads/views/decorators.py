"""Access decorators for views."""

import functools
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from downloads.accounts import permissions
from downloads.views.responses import is_htmx_request, login_redirect, return_url

ViewFunction = Callable[..., HttpResponse]


def require_view_access(view: ViewFunction) -> ViewFunction:
    """Send strangers of a private archive to the sign-in."""

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if permissions.can_view(request.user):
            return view(request, *args, **kwargs)
        return login_redirect(request, return_url(request) if is_htmx_request(request) else request.get_full_path())

    return guarded


def require_change_access(view: ViewFunction) -> ViewFunction:
    """Send whoever may change nothing to the sign-in, and from there back to the page they came from."""

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if permissions.can_change(request.user):
            return view(request, *args, **kwargs)
        return login_redirect(request, return_url(request))

    return guarded


def post_only(view: ViewFunction) -> ViewFunction:
    """Do nothing for those who only open an action's address (RFC 9110, 9.2.1), and say so."""

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "POST":
            return view(request, *args, **kwargs)
        answer = render(request, "405.html", status=405)
        answer.headers["Allow"] = "POST"
        return answer

    return guarded
