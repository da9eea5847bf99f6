"""The theme that a browser chose, kept in a cookie: people who are not signed in have one too."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

COOKIE_NAME = f"{settings.COOKIE_PREFIX}_theme"
MAX_AGE_SECONDS = 400 * 86_400  # browsers keep no cookie for longer
# By value: the word on its button. The system's is the default, and has no attribute in the page.
THEMES = {"system": "System", "light": "Light", "dark": "Dark"}


def read_theme(request: HttpRequest) -> str:
    """Return "light" or "dark"; "system" without a choice."""
    theme = request.COOKIES.get(COOKIE_NAME, "")
    return theme if theme in THEMES else "system"


def keep_theme(response: HttpResponse, theme: str) -> None:
    """Have the browser keep a choice; the system's needs no cookie."""
    keep_choice(response, COOKIE_NAME, "" if theme == "system" else theme)


def keep_choice(response: HttpResponse, cookie_name: str, value: str) -> None:
    """Have the browser keep a choice in a cookie, or with "" forget it."""
    if not value:
        response.delete_cookie(cookie_name, path=settings.URL_PREFIX, samesite="Lax")
        return
    response.set_cookie(
        cookie_name,
        value,
        max_age=MAX_AGE_SECONDS,
        path=settings.URL_PREFIX,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
