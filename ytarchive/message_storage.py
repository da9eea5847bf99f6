"""Message storage whose cookie, unlike Django's, has the path and the prefix of the other cookies."""

from typing import Any

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage
from django.http import HttpResponse


class PathCookieStorage(CookieStorage):
    """Cookie storage at SESSION_COOKIE_PATH.

    Django sets its cookie for "/", where another Django program reads it, cannot verify it, and deletes it.
    """

    cookie_name = f"{settings.COOKIE_PREFIX}_messages"

    def _update_cookie(self, encoded_data: str, response: HttpResponse) -> None:
        super()._update_cookie(encoded_data, response)  # type: ignore[misc]
        response.cookies[self.cookie_name]["path"] = settings.SESSION_COOKIE_PATH


class PathFallbackStorage(FallbackStorage):
    """Django's default storage: the cookie, and the session for what does not fit into it."""

    storage_classes: Any = (PathCookieStorage, SessionStorage)
