"""Cookies: sessions under the archive's own names, also those of earlier versions, which had Django's names.

Browsers send a cookie to every port of a host (RFC 6265, 8.5), so a name that two programs use is overwritten by each.
"""

import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

# Django's default names. They may hold another program's values: they are read, and never written or deleted.
LEGACY_SESSION_COOKIE_NAME, LEGACY_CSRF_COOKIE_NAME = "sessionid", "csrftoken"
# What Django's own session keys look like. Others, with a NUL for instance, need no query, and PostgreSQL rejects some.
SESSION_KEY_PATTERN = re.compile(r"[a-z0-9]{32}")


def get_session_key(cookies: Mapping[str, str]) -> str | None:
    """Return the session key of our own cookie or, without one, that of `sessionid`, which may be another program's."""
    own_key = cookies.get(settings.SESSION_COOKIE_NAME)
    key = cookies.get(LEGACY_SESSION_COOKIE_NAME, "") if own_key is None else own_key
    return key if SESSION_KEY_PATTERN.fullmatch(key) else None


class ArchiveSessionMiddleware(SessionMiddleware):
    """Django's middleware, which also continues sessions of earlier versions under the cookie's new name."""

    def process_request(self, request: HttpRequest) -> None:
        """Attach the session; one of an earlier version brings its CSRF token, so that open pages keep working."""
        request.session = self.SessionStore(get_session_key(request.COOKIES))
        has_legacy_cookies = {LEGACY_SESSION_COOKIE_NAME, LEGACY_CSRF_COOKIE_NAME} <= request.COOKIES.keys()
        has_own_cookie = bool({settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME} & request.COOKIES.keys())
        if has_legacy_cookies and not has_own_cookie and SESSION_KEY in request.session:
            request.COOKIES[settings.CSRF_COOKIE_NAME] = request.COOKIES[LEGACY_CSRF_COOKIE_NAME]
            request.META["CSRF_COOKIE_NEEDS_UPDATE"] = True

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Save the session, and set the cookie of one that was continued."""
        response = super().process_response(request, response)
        session, name = request.session, settings.SESSION_COOKIE_NAME
        legacy_key = request.COOKIES.get(LEGACY_SESSION_COOKIE_NAME)
        # A key that our store does not have is None once the session has been accessed.
        is_continued = bool(legacy_key) and session.accessed and session.session_key == legacy_key
        if is_continued and name not in request.COOKIES and name not in response.cookies:
            _set_session_cookie(response, session)
        return response


def _set_session_cookie(response: HttpResponse, session: Any) -> None:
    response.set_cookie(
        settings.SESSION_COOKIE_NAME,
        session.session_key,
        max_age=None if session.get_expire_at_browser_close() else session.get_expiry_age(),
        domain=settings.SESSION_COOKIE_DOMAIN,
        path=settings.SESSION_COOKIE_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=settings.SESSION_COOKIE_HTTPONLY,
        samesite=settings.SESSION_COOKIE_SAMESITE,  # type: ignore[arg-type]  # Django's own setting
    )
    patch_vary_headers(response, ("Cookie",))


class SocketSessionCookie:
    """ASGI middleware between Channels' cookies and sessions: it chooses the cookie as pages do."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        cookies = {**scope["cookies"], settings.SESSION_COOKIE_NAME: get_session_key(scope["cookies"])}
        await self.inner({**scope, "cookies": cookies}, receive, send)
