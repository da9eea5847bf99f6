"""Names of cookies, and sessions of versions that had Django's names."""

import re

import pytest
from django.conf import settings as project_settings
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client

from downloads.tests.support.responses import HTMX_HEADERS
from downloads.tests.support.users import make_user
from downloads.tests.support.websockets import PatientCommunicator
from ytarchive.asgi import application

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("static_files", "redis_server")]
SESSION, CSRF = project_settings.SESSION_COOKIE_NAME, project_settings.CSRF_COOKIE_NAME
DJANGO_NAMES = {"sessionid", "csrftoken", "messages"}


def upgraded_client() -> Client:
    """Return a browser that signed in, and opened a page, when the cookies had Django's names."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user("ann"))
    client.get("/")
    for name, legacy_name in ((SESSION, "sessionid"), (CSRF, "csrftoken")):
        client.cookies[legacy_name] = client.cookies.pop(name).value
    return client


def csrf_token(page: str) -> str:
    return re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[0]


async def socket_opens(cookie: str) -> bool:
    socket = PatientCommunicator(application, "/ws/progress", [(b"host", b"127.0.0.1"), (b"cookie", cookie.encode())])
    is_open, _ = await socket.connect()
    await socket.disconnect()
    return is_open


def test_its_cookies_have_names_of_their_own(client):
    user = make_user("ann", password="x")
    client.post("/accounts/login/", {"username": "ann", "password": "x"})
    client.get("/")
    client.post("/queue/pause")

    assert user.is_authenticated
    assert client.cookies.keys() == {SESSION, CSRF, f"{project_settings.COOKIE_PREFIX}_messages"}
    assert re.fullmatch(r"ytarchive_[0-9a-f]{8}_sessionid", SESSION)


def test_it_keeps_a_session_of_an_earlier_version(settings):
    settings.PRIVATE = True
    client = upgraded_client()
    key = client.cookies["sessionid"].value

    assert client.get("/").status_code == 200
    assert client.cookies[SESSION].value == key
    assert client.cookies[SESSION]["httponly"]
    assert client.cookies["sessionid"].value == key  # it may be another program's: neither changed nor deleted
    del client.cookies["sessionid"]
    assert client.get("/").status_code == 200


def test_a_form_that_was_open_during_the_upgrade_can_be_sent():
    client = upgraded_client()
    token = client.cookies["csrftoken"].value

    # The page fetches cards before its visitor sends the form.
    assert client.get("/videos/cards?id=x", **HTMX_HEADERS).status_code == 200
    assert client.cookies[CSRF].value == token
    assert client.post("/queue/pause", {"csrfmiddlewaretoken": token}).status_code == 302


def test_signing_out_ends_the_session_under_both_names(settings):
    settings.PRIVATE = True
    client = upgraded_client()
    client.get("/")

    client.post("/accounts/logout/", {"csrfmiddlewaretoken": client.cookies[CSRF].value})

    assert client.cookies["sessionid"].value
    assert client.get("/").status_code == 302


@pytest.mark.parametrize("key", [
    "q" * 32,  # another program's, not in our store
    "short",
    "x" * 3000,
    ".eJxVjDEOAjEMBP-SGkXOJc4llPS8IbK9hgsgn3S5CvF3hHQFtLMz8wqVtnWoW9elTghHE8Pu",
    '"\\000' + "a" * 31 + '"',
    "ÄÖÜ",
    "",
])  # fmt: skip
@pytest.mark.parametrize("name", ["sessionid", SESSION], ids=["old name", "new name"])
def test_it_takes_no_session_that_is_not_ours(settings, key, name):
    settings.PRIVATE = True
    client = Client()
    client.cookies["csrftoken"] = "t" * 32

    response = client.get("/", HTTP_COOKIE=f"{name}={key}; csrftoken={'t' * 32}")

    assert response.status_code == 302
    assert not any(morsel.value for morsel in response.cookies.values())
    assert not DJANGO_NAMES & response.cookies.keys()


def test_it_continues_no_session_without_a_user():
    session = SessionStore()
    session["cart"] = 1
    session.save()
    client = Client()
    client.cookies["csrftoken"] = "t" * 32

    client.cookies["sessionid"] = session.session_key
    client.get("/accounts/login/")

    assert client.cookies[CSRF].value != "t" * 32


def test_it_prefers_its_own_session(settings):
    settings.PRIVATE = True
    client = upgraded_client()
    legacy_key = client.cookies["sessionid"].value
    client.cookies[SESSION] = "z" * 32  # ended

    assert client.get("/").status_code == 302
    assert SessionStore(legacy_key).exists(legacy_key)


async def test_a_socket_takes_the_same_sessions(settings):
    settings.PRIVATE = True
    from asgiref.sync import sync_to_async

    key = (await sync_to_async(upgraded_client)()).cookies["sessionid"].value

    assert await socket_opens(f"sessionid={key}")
    assert await socket_opens(f"{SESSION}={key}; sessionid={'q' * 32}")
    assert not await socket_opens(f"sessionid={'q' * 32}")
    assert not await socket_opens(f"{SESSION}={'q' * 32}; sessionid={key}")
    assert not await socket_opens("")
