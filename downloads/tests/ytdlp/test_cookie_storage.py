"""Cookies of a page, kept for the hosts of an entry."""

import http.cookiejar
import json
import urllib.request
from email.message import Message

import pytest

from downloads.ytdlp.playlists import cookie_storage


class Response:
    """A response that sets cookies, as http.cookiejar reads it."""

    def __init__(self, *cookies):
        self.headers = Message()
        for cookie in cookies:
            self.headers["Set-Cookie"] = cookie

    def info(self):
        return self.headers


@pytest.fixture
def jar():
    return http.cookiejar.CookieJar()


def set_cookies(jar, url, *cookies):
    jar.extract_cookies(Response(*cookies), urllib.request.Request(url))


def cookie_header(stored, url):
    """Return the header that a request to a URL has with stored cookies."""
    jar = http.cookiejar.CookieJar()
    cookie_storage.import_cookies(jar, json.loads(json.dumps(stored)))
    request = urllib.request.Request(url)
    jar.add_cookie_header(request)
    return request.get_header("Cookie") or ""


def test_a_cookie_keeps_its_scope(jar):
    set_cookies(
        jar,
        "https://www.site.example/list",
        *("host=1", "domain=2; Domain=site.example", "secure=3; Secure", "path=4; Path=/files"),
    )
    stored = cookie_storage.export_cookies(jar, ["https://www.site.example/files/a.mp4"])
    assert cookie_header(stored, "https://www.site.example/files/a.mp4") == "path=4; domain=2; host=1; secure=3" or {
        *cookie_header(stored, "https://www.site.example/files/a.mp4").split("; ")
    } == {"path=4", "domain=2", "host=1", "secure=3"}
    assert {*cookie_header(stored, "http://www.site.example/").split("; ")} == {"domain=2", "host=1"}
    assert cookie_header(stored, "https://other.site.example/") == "domain=2"
    assert cookie_header(stored, "https://elsewhere.example/") == ""


def test_only_the_hosts_of_the_entry_have_theirs_kept(jar):
    set_cookies(jar, "https://site.example/", "a=1")
    set_cookies(jar, "https://evil-site.example/", "b=2")
    set_cookies(jar, "http://localhost/", "c=3")
    assert [item["name"] for item in cookie_storage.export_cookies(jar, ["https://site.example/x"])] == ["a"]
    assert [item["name"] for item in cookie_storage.export_cookies(jar, ["http://localhost/x"])] == ["c"]
    assert cookie_storage.export_cookies(jar, ["https://[", "", "mailto:x"]) == []


def test_an_expired_cookie_is_not_sent(jar):
    set_cookies(jar, "https://site.example/", "a=1; Max-Age=100", "b=2")
    stored = cookie_storage.export_cookies(jar, ["https://site.example/"])
    for item in stored:
        item["expires"] = item["expires"] and 1
    assert cookie_header(stored, "https://site.example/") == "b=2"


def test_they_are_bounded(jar):
    set_cookies(jar, "https://site.example/", *(f"c{n}={'x' * 100}" for n in range(200)))
    assert len(cookie_storage.export_cookies(jar, ["https://site.example/"])) == cookie_storage.MAX_COOKIES
    set_cookies(jar, "https://large.example/", *(f"c{n}={'x' * 3000}" for n in range(20)))
    assert len(cookie_storage.export_cookies(jar, ["https://large.example/"])) == 2
