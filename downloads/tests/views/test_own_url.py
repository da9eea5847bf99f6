"""URLs to go back to: those of this archive only, under its path."""

import pytest
from django.urls import reverse

from downloads.views.responses import is_own_url, return_url

PAGE = "/tube/videos/a/"


@pytest.mark.parametrize("url", [
    "/tube/", "/tube", PAGE, "/tube/?q=/../other/", "/tube/a/../", "/tube/./videos/", "http://testserver/tube/?page=2",
])  # fmt: skip
def test_it_goes_back_to_a_url_under_the_path(rf, settings, url) -> None:
    settings.URL_PREFIX = "/tube/"

    assert is_own_url(rf.get("/tube/"), url)


@pytest.mark.parametrize("url", [
    "", "/", "/other/", "/tubes/", "/Tube/", "tube/", "videos/", "?q=a", "//tube/", "//evil.example/tube/",
    "http://evil.example/tube/", "https://testserver:1/tube/", "http://testserver", "http://testserver/other/",
    "javascript:alert(1)", "http:///tube/", "http:/tube/",
    "/tube/..", "/tube/../", "/tube/../other/", "/tube/a/../../other/", "/tube/%2e%2e/other/", "/tube/.%2E/other/",
    "/tube/..\\other\\", "/tube\\..\\other", "/tube/.\t./other/", "/tube/..?a=/tube/", "/tube/..#/tube/",
    "http://testserver/tube/../other/", "http://testserver//tube/", "http://[/tube/", "/tube/..%2fother/",
])  # fmt: skip
def test_it_does_not_go_back_to_a_url_that_leaves_the_path(rf, settings, url) -> None:
    settings.URL_PREFIX = "/tube/"
    request = rf.post(PAGE, {"next": url}, headers={"Referer": "http://testserver/other/"})

    assert not is_own_url(request, url)
    assert return_url(request) == reverse("library")


def test_it_prefers_the_form_to_the_page_before(rf, settings) -> None:
    settings.URL_PREFIX = "/tube/"

    assert return_url(rf.post(PAGE, {"next": PAGE}, headers={"Referer": "http://testserver/tube/"})) == PAGE
    assert return_url(rf.post(PAGE, {"next": "/other/"}, headers={"Referer": "http://testserver/tube/"})).endswith(
        "/tube/"
    )
    assert return_url(rf.post(PAGE, {"next": "/other/"}, headers={"Referer": "http://testserver/"})) == "/"
