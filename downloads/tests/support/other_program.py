"""Another Django program with Django's default cookie names: `python other_program.py <port> <folder>`."""

import sys
from wsgiref.simple_server import make_server

from django.conf import settings
from django.contrib import messages
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.urls import path


def sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in, with a session, a CSRF token and a message."""
    request.session["name"] = "bob"
    messages.info(request, "Welcome")
    return HttpResponse(get_token(request))


def show_name(request: HttpRequest) -> HttpResponse:
    """Show the signed-in name and the messages."""
    texts = [str(message) for message in messages.get_messages(request)]
    return HttpResponse(f"{request.session.get('name')} {texts}")


urlpatterns = [path("sign-in", sign_in), path("", show_name)]


if __name__ == "__main__":
    settings.configure(
        SECRET_KEY="the key of another program",
        ROOT_URLCONF=__name__,
        ALLOWED_HOSTS=["*"],
        INSTALLED_APPS=["django.contrib.sessions", "django.contrib.messages"],
        SESSION_ENGINE="django.contrib.sessions.backends.file",
        SESSION_FILE_PATH=sys.argv[2],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
    )
    make_server("127.0.0.1", int(sys.argv[1]), get_wsgi_application()).serve_forever()
