"""Refused forms and unknown hosts: each reason in its own words, for the visitor and in the log."""

import html
import re

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from downloads.tests.support.responses import HTMX_HEADERS

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]
GENERIC_TEXT = "You signed in or out since this page was opened."
OWN_ORIGIN = "http://testserver"


@pytest.fixture
def browser(settings) -> Client:
    settings.ALLOWED_HOSTS = ["testserver", ".example.org"]
    client = Client(enforce_csrf_checks=True)
    client.force_login(get_user_model().objects.create_superuser("ann"))
    return client


def token_of(client: Client, **headers) -> str:
    page = client.get("/accounts/logout/", **headers).content.decode()
    return re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[0]


def send_form(client: Client, path: str = "/queue/pause", data: dict | None = None, **headers):
    return client.post(path, {"csrfmiddlewaretoken": token_of(client), **(data or {})}, **headers)


def text_of(response) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


@pytest.fixture
def behind_tls(settings):
    """Settings as with DJANGO_CSRF_TRUSTED_ORIGINS=https://…"""
    settings.CSRF_TRUSTED_ORIGINS = ["https://videos.example.org"]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True


# The cases as they were reported -----------------------------------------------------------------


def test_plain_http_beside_tls_is_told_to_use_https(browser, behind_tls, caplog):
    response = browser.post("/queue/pause", HTTP_ORIGIN=OWN_ORIGIN)

    assert response.status_code == 403
    assert "Open the same address with https://." in text_of(response)
    assert "X-Forwarded-Proto" in text_of(response)
    assert GENERIC_TEXT not in text_of(response)
    assert "DJANGO_CSRF_TRUSTED_ORIGINS" in caplog.text


def test_a_proxy_that_changes_the_host_is_named_with_the_header_that_mends_it(browser, caplog):
    response = send_form(browser, HTTP_ORIGIN="http://tube.example.org:8080")

    text = text_of(response)
    assert (
        "The page is at http://tube.example.org:8080, and this request reached ytarchive as http://testserver." in text
    )
    assert "proxy_set_header Host $http_host" in text
    assert "DJANGO_CSRF_TRUSTED_ORIGINS=http://tube.example.org:8080" in text
    assert len(caplog.records) == 1
    assert "proxy_set_header Host $http_host" in caplog.text
    assert "/queue/pause" in caplog.text


def test_a_proxy_that_hides_tls_is_named_with_the_header_that_mends_it(browser, caplog):
    text = text_of(send_form(browser, HTTP_ORIGIN="https://testserver"))

    assert "DJANGO_CSRF_TRUSTED_ORIGINS=https://testserver" in text
    assert "proxy_set_header X-Forwarded-Proto $scheme" in text
    assert "RequestHeader set X-Forwarded-Proto" in text
    assert "X-Forwarded-Proto" in caplog.text


# Each reason -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("headers", "expected_words"), [
    ({"HTTP_ORIGIN": "null"}, "The browser sent “null” in place of the page's address."),
    ({"HTTP_ORIGIN": "http://testserver:8000"}, "The port does not match"),
    ({"HTTP_ORIGIN": "https://evil.example"}, "Sent from another address"),
    ({"HTTP_ORIGIN": "https://ev\u00efl.example/<b>"}, "Sent from another address"),
])  # fmt: skip
def test_it_says_what_is_wrong_with_the_origin(browser, headers, expected_words):
    response = send_form(browser, **headers)

    assert response.status_code == 403
    assert expected_words in text_of(response)
    assert "<b>" not in response.content.decode()
    assert "Send it again" not in text_of(response)  # it may be another site's form


def test_it_says_that_the_page_should_be_opened_with_https(browser, behind_tls):
    response = send_form(browser, HTTP_ORIGIN="http://testserver", HTTP_X_FORWARDED_PROTO="https")

    assert "Open https://testserver/ and try again." in text_of(response)


def test_it_says_that_cookies_are_missing(browser):
    browser.cookies.clear()

    text = text_of(browser.post("/queue/pause", {"csrfmiddlewaretoken": "x" * 32}, HTTP_ORIGIN=OWN_ORIGIN))

    assert "Cookies are blocked for this site, or were deleted since this page was opened." in text


def test_a_page_that_was_opened_with_https_is_not_told_to_use_it(browser, behind_tls):
    browser.cookies.clear()

    text = text_of(browser.post("/queue/pause", HTTP_ORIGIN="https://videos.example.org"))

    assert "The browser sent no cookie" in text
    assert "opened with http://" not in text


def test_it_says_that_the_token_is_missing_or_old(browser):
    token_of(browser)
    missing, old = (
        text_of(browser.post("/queue/pause", data, HTTP_ORIGIN=OWN_ORIGIN))
        for data in ({}, {"csrfmiddlewaretoken": "x" * 32})
    )
    assert "It came without its security token" in missing
    assert GENERIC_TEXT in old


@pytest.mark.parametrize(("referer", "expected_words"), [
    ({}, "Over https a form needs an Origin or a Referer header"),
    ({"HTTP_REFERER": "https://other.example/page"}, "The page is at https://other.example"),
    ({"HTTP_REFERER": "http://testserver/page"}, "Open https://testserver/ and try again."),
    ({"HTTP_REFERER": "nonsense"}, "The page is at nonsense"),
])  # fmt: skip
def test_it_says_what_is_wrong_with_the_referer(browser, behind_tls, referer, expected_words):
    headers = {"HTTP_X_FORWARDED_PROTO": "https", **referer}

    assert expected_words in text_of(send_form(browser, **headers))


@pytest.mark.parametrize("referer", ["https://TESTSERVER/page", "https://testserver:443/page", "https://testserver/"])
def test_it_takes_its_own_referer(browser, behind_tls, referer):
    headers = {"HTTP_HOST": "testserver", "HTTP_X_FORWARDED_PROTO": "https", "HTTP_REFERER": referer}

    assert send_form(browser, **headers).status_code == 302


@pytest.mark.parametrize(
    "path", ["/accounts/login/", "/accounts/logout/", "/admin/login/", "/admin/logout/", "/videos/add/"]
)
def test_every_form_explains_itself(browser, path):
    assert "Sent from another address" in text_of(send_form(browser, path, HTTP_ORIGIN="https://evil.example"))


def test_an_open_page_shows_the_reason_as_a_message(browser):
    response = send_form(browser, HTTP_ORIGIN="https://testserver", **HTMX_HEADERS)

    assert response.status_code == 200
    assert response["HX-Retarget"] == "[data-part='messages']"
    assert "proxy_set_header X-Forwarded-Proto $scheme" in text_of(response)


def test_control_characters_do_not_reach_the_log(browser, caplog):
    send_form(browser, HTTP_ORIGIN="http://a\x1b[31m.example\u0085" + "x" * 5000)

    assert caplog.records[0].getMessage().isprintable()
    assert len(caplog.text) < 2000


# What was typed ----------------------------------------------------------------------------------


def test_an_outdated_form_can_be_sent_again(browser, settings):
    settings.ALLOW_PRIVATE_HOSTS = True
    token_of(browser)
    urls = "http://127.0.0.1:1/a\r\nhttp://127.0.0.1:1/<b>"

    response = browser.post(
        "/videos/add/?x=1",
        {"csrfmiddlewaretoken": "x" * 32, "urls": urls, "quality": "best"},
        HTTP_ORIGIN=OWN_ORIGIN,
    )
    page = response.content.decode()
    action, fields = re.findall(r'<form method="post" action="(/videos[^"]*)">(.*?)</form>', page, re.DOTALL)[0]
    values = {name: html.unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', fields)}

    assert response.status_code == 403
    assert (action, values["urls"], values["quality"]) == ("/videos/add/?x=1", urls, "best")
    assert browser.post(action, values, HTTP_ORIGIN=OWN_ORIGIN).status_code != 403


def test_a_button_that_was_refused_can_be_pressed_again(browser):
    token_of(browser)

    response = browser.post("/queue/pause", {"csrfmiddlewaretoken": "x" * 32}, HTTP_ORIGIN=OWN_ORIGIN)
    page = response.content.decode()

    assert '<form method="post" action="/queue/pause">' in page
    assert "Send it again" in page
    assert "reload the page" not in text_of(response).lower()  # once is enough, and the button is there


@pytest.mark.parametrize(("path", "origin"), [
    ("/accounts/login/", OWN_ORIGIN),  # a page never holds a password
    ("/admin/login/", OWN_ORIGIN),
    ("/videos/add/", ""),  # it may be from anywhere
])  # fmt: skip
def test_it_does_not_offer_every_form_again(browser, path, origin):
    token_of(browser)
    headers = {"HTTP_ORIGIN": origin} if origin else {}
    page = browser.post(
        path, {"csrfmiddlewaretoken": "x" * 32, "username": "ann", "password": "secret"}, **headers
    ).content.decode()

    assert "Send it again" not in page
    assert "Go back, reload the page and send it again." in page
    assert "secret" not in page


# Hosts -------------------------------------------------------------------------------------------


def test_an_unknown_host_is_named_with_the_setting(browser, caplog):
    for _ in range(3):
        response = browser.get("/", HTTP_HOST="other.example:8000")

    text = text_of(response)
    assert response.status_code == 400
    assert "“other.example:8000”" in text
    assert "Add other.example to DJANGO_ALLOWED_HOSTS" in text
    assert "proxy_set_header Host $http_host" in text
    assert len(caplog.records) == 1
    assert "DJANGO_ALLOWED_HOSTS" in caplog.text


@pytest.mark.parametrize("host", ["my_archive.lan", "a b", "<script>", "a,b"])
def test_a_host_that_is_no_host_name_is_not_for_a_setting(browser, host):
    text = text_of(browser.get("/", HTTP_HOST=host))

    assert "It is not a valid host name" in text
    assert "into DJANGO_ALLOWED_HOSTS" not in text


def test_another_bad_request_keeps_its_words(browser, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    assert "Bad request" in text_of(send_form(browser, data={"urls": "x" * 3000}))
